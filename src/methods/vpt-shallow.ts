import type { Method } from "./method.js";
import { type PromptOptions, promptParameter, resolvePrompts } from "./prompt.js";

/**
 * VPT-Shallow: trained tokens join those of the image before the first block and travel to the end.
 * @see Jia et al., Visual Prompt Tuning, 2022, eq. 4 to 6
 */
export const vptShallow: Method<PromptOptions> = {
  name: "vpt-shallow",
  source: "Jia et al., Visual Prompt Tuning, 2022",
  startsAsIdentity: false,
  folds: false,
  resolve: (_, given) => resolvePrompts("vpt-shallow", 50, given),
  count: (a, { prompts }) => prompts * a.width,
  parameters: (a, { prompts }) => [promptParameter(a, 0, prompts)],
  adapt: (_, __, value) => ({ prompts: (block) => (block === 0 ? value("prompts.0") : undefined) }),
};
