import { ConfigError } from "../errors.js";
import { hasMethod, methodOf } from "../methods/index.js";
import { architectureOf } from "../vit/architecture.js";

/** What a configuration file says of its method. */
interface FileOptions {
  readonly file: string;
  readonly method: string;
  readonly options: readonly string[];
}

/**
 * Passes where a file's options and those given as flags are both the method's. A method that is not known is told of later.
 * @throws ConfigError that says which of the two asks for something else
 */
export function refuseForeignOptions(
  method: string,
  stored: FileOptions,
  fromFlags: Readonly<Record<string, unknown>>,
): void {
  if (!hasMethod(method)) return;
  // The names do not depend on the architecture.
  const known = Object.keys(methodOf(method).resolve(architectureOf("vit_tiny_patch16_224"), {}));
  const has = known.length > 0 ? `${method} has ${known.join(", ")}` : `${method} has none`;
  const foreign = stored.options.filter((name) => !known.includes(name));
  if (foreign.length > 0 && stored.method !== method) {
    throw new ConfigError(
      `${stored.file}: its options ${foreign.join(", ")} are those of ${stored.method}, but --method says ${method} (${has}). Take them out of the file, or leave --method out.`,
    );
  }
  const [flag] = Object.keys(fromFlags).filter((name) => !known.includes(name));
  if (flag !== undefined && stored.method === method) {
    throw new ConfigError(
      `${fromFlags[flag] === false ? "--no-" : "--"}${flag}: this is no option of ${method}, the method of ${stored.file} (${has}). Leave it out, or give another --method.`,
    );
  }
}
