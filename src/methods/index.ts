import { ConfigError } from "../errors.js";
import { adapter } from "./adapter.js";
import { adaptformer } from "./adaptformer.js";
import { arc } from "./arc.js";
import { bitfit } from "./bitfit.js";
import { convpass } from "./convpass.js";
import { factTk } from "./fact-tk.js";
import { factTt } from "./fact-tt.js";
import { full } from "./full.js";
import { layerNorm } from "./layer-norm.js";
import { linear } from "./linear.js";
import { lora } from "./lora.js";
import type { Method } from "./method.js";
import { repAdapter } from "./rep-adapter.js";
import { rlrr } from "./rlrr.js";
import { sas } from "./sas.js";
import { ssf } from "./ssf.js";
import { vera } from "./vera.js";
import { vptDeep } from "./vpt-deep.js";
import { vptShallow } from "./vpt-shallow.js";

/** The table of methods: to add one, write its file and name it here. */
export const methods = {
  sas,
  linear,
  full,
  bitfit,
  "layer-norm": layerNorm,
  lora,
  vera,
  ssf,
  "fact-tt": factTt,
  "fact-tk": factTk,
  arc,
  adapter,
  adaptformer,
  "vpt-shallow": vptShallow,
  "vpt-deep": vptDeep,
  rlrr,
  "rep-adapter": repAdapter,
  convpass,
} as const;

/** The name of a method of the table. */
export type MethodName = keyof typeof methods;

/** Names of all methods. */
export const methodNames = Object.keys(methods) as readonly MethodName[];

/** A method whose options have been filled in and checked for one architecture. */
export type AnyMethod = Method<Record<string, unknown>>;

/** Methods that came by `addMethod`. */
const added = new Map<string, AnyMethod>();

/**
 * Makes a method known by its name to this process: to trainings, and to whatever uses, merges or exports their adapters. The
 * same method may be added again.
 * @throws ConfigError where its name is taken, or cannot be given on a command line
 */
export function addMethod<Options>(method: Method<Options>): void {
  const { name } = method;
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(name)) {
    throw new ConfigError(
      `method ${JSON.stringify(name)}: expected a name like fact-tt, of lower-case letters, digits and hyphens`,
    );
  }
  const one = method as unknown as AnyMethod;
  if (hasMethod(name) && methodOf(name) !== one)
    throw new ConfigError(`method ${name}: there is one of this name already. Give yours another.`);
  added.set(name, one);
}

/** True for the name of a method of the table, or of one that was added. */
export const hasMethod = (name: string): boolean => Object.hasOwn(methods, name) || added.has(name);

/** The method of a name. @throws ConfigError where there is none */
export function methodOf(name: string): AnyMethod {
  const known = Object.hasOwn(methods, name) ? methods[name as MethodName] : added.get(name);
  if (known) return known as unknown as AnyMethod;
  const names = [...methodNames, ...added.keys()].join(", ");
  throw new ConfigError(`method ${JSON.stringify(name)} is not known; choose from ${names}`);
}
