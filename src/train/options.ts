import { ConfigError, suggest } from "../errors.js";
import type { AnyMethod } from "../methods/index.js";
import type { Architecture } from "../vit/architecture.js";

/**
 * A method's options with nothing left to be decided.
 * @throws ConfigError where an option is not the method's, or of another type than its default
 */
export function resolveOptions(
  method: AnyMethod,
  architecture: Architecture,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const defaults = method.resolve(architecture, {});
  const known = Object.keys(defaults);
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaults, name)) {
      const hint = known.length > 0 ? suggest(name, known) : "It has none.";
      throw new ConfigError(`${method.name} has no option ${name}. ${hint}`);
    }
    if (kindOf(value) !== kindOf(defaults[name])) {
      throw new ConfigError(
        `${method.name}: ${name} must be a ${kindOf(defaults[name])} like ${JSON.stringify(defaults[name])}, got ${JSON.stringify(value)}.`,
      );
    }
  }
  return method.resolve(architecture, given);
}

const kindOf = (value: unknown): string => (Array.isArray(value) ? "list" : typeof value);
