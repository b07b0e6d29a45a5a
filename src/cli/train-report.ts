import { printAccount } from "../adapter/account.js";
import { thousands } from "../counts.js";
import type { Metrics, StartEvent, TrainEvent } from "../platform/node.js";
import { hasLiveLine, print, showLive, tell } from "../platform/terminal.js";
import { downloadReport } from "./download-report.js";
import { duration } from "./duration.js";

/** A function that shows a training's events to a person: a live line on a terminal, plain lines otherwise. */
export function trainReport(isJson: boolean): (event: TrainEvent) => void {
  const say = isJson ? () => {} : print;
  const showDownload = downloadReport();
  let start: StartEvent | undefined;
  let accuracy = "";
  return (event) => {
    switch (event.event) {
      case "download":
        if (!isJson || hasLiveLine()) showDownload(event);
        break;
      case "start":
        start = event;
        say(printAccount(event));
        say(describeStart(event));
        break;
      case "step": {
        if (!start || !hasLiveLine()) break;
        const { epochs, stepsPerEpoch, images } = start;
        const left = epochs * stepsPerEpoch - (event.epoch - 1) * stepsPerEpoch - event.step;
        const seconds = (left * (images.train / stepsPerEpoch)) / event.imagesPerSecond;
        showLive(
          `epoch ${event.epoch}/${epochs}  step ${event.step}/${stepsPerEpoch}  loss ${event.loss.toFixed(4)}  train ${percent(event.top1)}  ` +
            `${accuracy}${event.imagesPerSecond.toFixed(1)} images/s  ${duration(seconds)} left`,
        );
        break;
      }
      case "epoch": {
        const val = event.val ? `  val ${percent(event.val.top1)}${event.isBest ? " (best)" : ""}` : "";
        accuracy = event.val ? `val ${percent(event.val.top1)}  ` : "";
        const line =
          `epoch ${event.epoch}/${start?.epochs ?? "?"}  loss ${event.train.loss.toFixed(4)}  ` +
          `train ${percent(event.train.top1)}${val}  ${event.imagesPerSecond.toFixed(1)} images/s`;
        if (isJson) break;
        if (hasLiveLine()) tell(line);
        else print(line);
        break;
      }
      case "checkpoint":
        break;
      case "done": {
        showLive("");
        if (start && event.epochsDone < start.epochs) {
          say(
            `ended after epoch ${event.epochsDone}: no better validation accuracy since epoch ${event.best?.epoch}, which is the result`,
          );
        }
        say(`${event.method}: ${thousands(event.trainable)} parameters, ${(100 * event.share).toFixed(4)} %`);
        say(`val   ${metrics(event.val)}`);
        say(`test  ${metrics(event.test)}`);
        if (event.best) say(`best on validation: epoch ${event.best.epoch}, test ${metrics(event.best.test)}`);
        say(event.adapter);
      }
    }
  };
}

function describeStart({
  images,
  epochs,
  stepsPerEpoch,
  batchSize,
  microBatch,
  memoryBytes,
  resumed,
}: StartEvent): string {
  const from = resumed ? `, going on after epoch ${resumed.epoch}, step ${resumed.step}` : "";
  return (
    `${images.train} training, ${images.val} validation, ${images.test} test images; ` +
    `${epochs} epochs of ${stepsPerEpoch} steps, batch ${batchSize} in parts of ${microBatch}, ` +
    `about ${Math.round(memoryBytes / 2 ** 20)} MiB${from}`
  );
}

/** One line of metrics, or a dash where there are none. */
export const metrics = (m: Metrics | null): string =>
  m === null
    ? "-"
    : `top-1 ${percent(m.top1)}  top-5 ${percent(m.top5)}  balanced ${percent(m.balancedAccuracy)}  ` +
      `macro-F1 ${percent(m.macroF1)}  calibration error ${percent(m.calibrationError)}`;

/** A fraction as `93.1 %`. */
export const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;
