import type { Architecture } from "../vit/architecture.js";
import { expectWhole } from "./expect.js";
import { type MethodParameter, uniformOf } from "./method.js";

/** Options of prompt tuning. */
export interface PromptOptions {
  /** Prompts that join the tokens. */
  readonly prompts: number;
}

/** Options with the default filled in and checked. */
export function resolvePrompts(name: string, prompts: number, given: Partial<PromptOptions>): PromptOptions {
  const o = { prompts, ...given };
  expectWhole(name, "prompts", o.prompts, 1, 4096);
  return o;
}

/** The prompts of one block: Xavier's uniform distribution of a patch embedding, `±√(6 / (channels · patch² + width))`. */
export function promptParameter(
  { width, channels, patchSize }: Architecture,
  block: number,
  count: number,
): MethodParameter {
  const bound = Math.sqrt(6 / (channels * patchSize ** 2 + width));
  const shape = [count, width];
  return { name: `prompts.${block}`, shape, group: "adapter", initial: uniformOf(shape, bound) };
}
