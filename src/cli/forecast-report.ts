import { printAccount } from "../adapter/account.js";
import { counted } from "../counts.js";
import type { Forecast } from "../platform/node.js";
import { duration } from "./duration.js";

/** The lines that show a person what a training would be. */
export function describeForecast(f: Forecast): readonly string[] {
  const { images, lanes, threads, memoryBytes } = f;
  const options = Object.entries(f.options).map(([name, value]) => `${name} ${[value].flat().join(",") || "none"}`);
  const per = threads / lanes;
  return [
    printAccount(f),
    `network  ${f.architecture} at ${f.imageSize.join(" x ")} px, ${f.place}`,
    `method   ${f.method}${options.length > 0 ? `: ${options.join(", ")}` : ""}; lr ${f.lr}`,
    `images   ${images.train} training, ${images.val} validation, ${images.test} test of ${f.classes} classes`,
    `steps    ${f.epochs} epochs of ${f.stepsPerEpoch}, batch ${f.batchSize}`,
    `machine  ${counted(lanes, "lane")} of ${counted(per, "thread")}, ${counted(f.microBatch, "image")} at a time in each`,
    `memory   about ${Math.round(memoryBytes / 2 ** 20)} MiB`,
    `time     about ${duration(f.secondsPerEpoch)} for an epoch, ${duration(f.seconds)} in all, as busy as this machine is now`,
    `files    ${f.files.join("\n         ")}`,
    "Nothing was written; whether weights and images are sound has not been looked at yet.",
  ];
}
