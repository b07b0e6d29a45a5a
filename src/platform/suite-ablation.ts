import { type Question, questionsOf } from "../suite/ablation.js";
import { parseConfig } from "../train/config.js";
import { fitArchitecture } from "../train/network.js";
import { openDataset } from "./datasets.js";
import { openStart, transformsOf } from "./start.js";
import type { SuiteConfig } from "./suite-options.js";

/**
 * The questions of the ablation for a network.
 * @param given settings, with the folder of the backbone
 * @throws ConfigError where a question is not known
 */
export async function openQuestions(
  given: SuiteConfig,
  data: string,
  names: readonly string[],
  budget?: number,
): Promise<readonly Question[]> {
  const config = parseConfig({ ...given, data, out: "-" }, "ablation");
  const start = await openStart(config);
  const { classes } = await openDataset(data, { valFraction: 0, shots: config.shots });
  const { imageSize } = transformsOf(config, start.contract.imageSize);
  return questionsOf(fitArchitecture(start.architecture, imageSize, classes.length), names, budget);
}
