import type { Method } from "./method.js";
import { type PromptOptions, promptParameter, resolvePrompts } from "./prompt.js";

/**
 * VPT-Deep: each block has trained tokens of its own; they join those of the image before the block, in place of the
 * block's before.
 * @see Jia et al., Visual Prompt Tuning, 2022, eq. 7 and 8
 */
export const vptDeep: Method<PromptOptions> = {
  name: "vpt-deep",
  source: "Jia et al., Visual Prompt Tuning, 2022",
  startsAsIdentity: false,
  folds: false,
  resolve: (_, given) => resolvePrompts("vpt-deep", 50, given),
  count: (a, { prompts }) => a.blocks * prompts * a.width,
  parameters: (a, { prompts }) => Array.from({ length: a.blocks }, (_, block) => promptParameter(a, block, prompts)),
  adapt: (_, __, value) => ({ prompts: (block) => value(`prompts.${block}`) }),
};
