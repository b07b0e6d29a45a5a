import { shareInterval } from "../evaluate/interval.js";
import { binByConfidence } from "../evaluate/metrics.js";
import type { ImagePrediction } from "../evaluate/predictions.js";
import { drawFigure } from "./figure.js";
import { percent, shortPercent } from "./format.js";
import type { Markup } from "./markup.js";
import { sideBySide, withCaption } from "./page.js";

/**
 * How far confidence can be believed: accuracy over confidence in bins, and how many images are in each.
 * @param error expected calibration error, a fraction
 */
export function drawCalibration(predictions: readonly ImagePrediction[], error: number): Markup {
  const confidences = predictions.map(({ top }) => top[0]?.[1] ?? 0);
  const isRight = predictions.map(({ top, label }) => top[0]?.[0] === label);
  const bins = binByConfidence(confidences, isRight);
  const middle = (i: number): number => (i + 0.5) / bins.length;
  const filled = bins.flatMap(({ count, right, confidence }, i) => {
    if (count === 0) return [];
    const [low, high] = shareInterval(right, count);
    return [{ x: middle(i), y: right / count, low, high, said: confidence / count }];
  });
  const mean = confidences.reduce((sum, confidence) => sum + confidence, 0) / Math.max(1, confidences.length);
  const x = { label: "confidence", from: 0, to: 1, format: shortPercent };
  const accuracy = isRight.filter(Boolean).length / Math.max(1, isRight.length);
  const leaning = mean > accuracy ? "more" : "less";
  return sideBySide(
    withCaption(
      `Calibration error ${percent(error)}.`,
      `Bars on the dashed line would be perfect; below it the network is too sure. Whiskers: 95 % interval.`,
      drawFigure({
        title: `Accuracy over confidence; expected calibration error ${percent(error)}`,
        x,
        y: { label: "accuracy", from: 0, to: 1, format: shortPercent },
        barWidth: 1 / bins.length,
        names: "none",
        series: [
          { name: "accuracy", mark: "bar", points: filled.map(({ x, y }) => ({ x, y })) },
          { name: "perfect", isDashed: true, colour: 7, points: [0, 1].map((at) => ({ x: at, y: at })) },
          {
            name: "accuracy",
            mark: "point",
            colour: 1,
            points: filled.map(({ said, y, low, high }) => ({ x: said, y, low, high })),
          },
        ],
      }),
    ),
    withCaption(
      "How sure it is.",
      `On average ${percent(mean)}, ${leaning} than the ${percent(accuracy)} that are right.`,
      drawFigure({
        title: "Number of images over confidence",
        x,
        y: { label: "images", from: 0 },
        barWidth: 1 / bins.length,
        names: "none",
        series: [{ name: "images", mark: "bar", points: bins.map(({ count }, i) => ({ x: middle(i), y: count })) }],
      }),
    ),
  );
}
