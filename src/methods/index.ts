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
