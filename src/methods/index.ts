import { ConfigError } from "../errors.js";
import { full } from "./full.js";
import { linear } from "./linear.js";
import type { Method } from "./method.js";
import { sas } from "./sas.js";

/** The table of methods: to add one, write its file and name it here. */
export const methods = { sas, linear, full } as const;

export type MethodName = keyof typeof methods;

/** Names of all methods. */
export const methodNames = Object.keys(methods) as readonly MethodName[];

/** A method whose options have been filled in and checked for one architecture. */
export type AnyMethod = Method<Record<string, unknown>>;

/** The method of a name. @throws ConfigError where there is none */
export function methodOf(name: string): AnyMethod {
  if (!Object.hasOwn(methods, name))
    throw new ConfigError(`method ${JSON.stringify(name)} is not known; choose from ${methodNames.join(", ")}`);
  return methods[name as MethodName] as unknown as AnyMethod;
}
