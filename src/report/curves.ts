import { baseRate } from "../train/assemble.js";
import { drawFigure, type Point, type Series } from "./figure.js";
import { shortNumber, shortPercent } from "./format.js";
import { html, type Markup } from "./markup.js";
import { sideBySide, withCaption } from "./page.js";
import type { MetricsLine, Run } from "./run.js";

/** More points than these are not to be told apart. */
const mostPoints = 200;

/**
 * At most `count` points: means of as many neighbours, with the smallest and the largest of them as spread.
 * @param points in the order of x
 */
function thin(points: readonly Point[], count: number = mostPoints): readonly Point[] {
  if (points.length <= count) return points;
  const size = points.length / count;
  return Array.from({ length: count }, (_, i) => {
    const some = points.slice(Math.floor(i * size), Math.floor((i + 1) * size));
    const mean = (of: (point: Point) => number): number =>
      some.reduce((sum, point) => sum + of(point), 0) / some.length;
    const heights = some.map(({ y }) => y);
    return { x: mean(({ x }) => x), y: mean(({ y }) => y), low: Math.min(...heights), high: Math.max(...heights) };
  });
}

type StepLine = Extract<MetricsLine, { event: "step" }>;
type EpochLine = Extract<MetricsLine, { event: "epoch" }>;

const nothingTrained = { trainable: 0, head: 0, total: 1, share: 0 };

/** Loss, accuracy, learning rate and gradient norm over the epochs, as far as they are known. */
export function drawCurves({ lines, config, account }: Run): Markup {
  const steps = lines.filter((line): line is StepLine => line.event === "step");
  const epochs = lines.filter((line): line is EpochLine => line.event === "epoch");
  if (steps.length === 0) return html`<p class="soft">No update has been made yet.</p>`;
  const perEpoch = steps.reduce((most, { step }) => Math.max(most, step), 1);
  const overSteps = (of: (line: StepLine) => number): readonly Point[] =>
    thin(steps.map((line) => ({ x: line.epoch - 1 + line.step / perEpoch, y: of(line) })));
  const overEpochs = (of: (line: EpochLine) => number | undefined): readonly Point[] =>
    thin(
      epochs.flatMap((line) => {
        const y = of(line);
        return y === undefined ? [] : [{ x: line.epoch, y }];
      }),
    );
  const x = { label: "epoch", from: 0, to: Math.max(1, Math.ceil(steps.length / perEpoch)) };
  const mark = epochs.length > 40 ? "line" : "both";
  const best = epochs.findLast(({ isBest }) => isBest);
  const val = (of: (line: EpochLine) => number | undefined): Series[] => {
    const points = overEpochs(of);
    return points.length > 0 ? [{ name: "validation", points, mark }] : [];
  };
  const bestMark: Series[] = best?.val
    ? [{ name: `best, epoch ${best.epoch}`, mark: "point", colour: 2, points: [{ x: best.epoch, y: best.val.top1 }] }]
    : [];
  // A linear head has its own rate alone, which follows the one that is written down.
  const isLinear = config.method === "linear";
  const rate = isLinear ? config.headLr / baseRate(config, account ?? nothingTrained) : 1;
  const norms = overSteps(({ gradientNorm }) => gradientNorm);
  const positive = norms.map(({ y }) => y).filter((y) => y > 0);
  const isWide = positive.length > 0 && Math.max(...positive) > 50 * Math.min(...positive);
  const clip: Series[] =
    config.clip === null
      ? []
      : [
          {
            name: "cut here",
            isDashed: true,
            colour: 7,
            points: [0, x.to].map((at) => ({ x: at, y: config.clip ?? 0 })),
          },
        ];
  return sideBySide(
    withCaption(
      "Loss.",
      "Training: mean over each batch before its update; the band reaches from the smallest to the largest.",
      drawFigure({
        title: "Loss over the epochs",
        x,
        y: { label: "loss in nats", from: 0 },
        series: [{ name: "training", points: overSteps(({ loss }) => loss) }, ...val((line) => line.val?.nll)],
        names: "legend",
      }),
    ),
    withCaption(
      "Accuracy.",
      "Training images are counted before their updates, over the epoch so far.",
      drawFigure({
        title: "Accuracy over the epochs",
        x,
        y: { label: "top-1", format: shortPercent },
        series: [
          epochs.length > 0
            ? { name: "training", points: overEpochs(({ train }) => train.top1), mark }
            : { name: "training", points: overSteps(({ top1 }) => top1) },
          ...val((line) => line.val?.top1),
          ...bestMark,
        ],
        names: "legend",
      }),
    ),
    withCaption(
      "Learning rate",
      isLinear
        ? "of the head."
        : `of the method's parameters; the head's follows the same course up to ${shortNumber(config.headLr)}.`,
      drawFigure({
        title: "Learning rate over the epochs",
        x,
        y: { label: "learning rate", from: 0 },
        series: [{ name: "learning rate", points: overSteps(({ lr }) => rate * lr).map(({ x, y }) => ({ x, y })) }],
      }),
    ),
    withCaption(
      "Gradient norm",
      config.clip === null
        ? "of the whole gradient."
        : `of the whole gradient, before it is cut to ${shortNumber(config.clip)}.`,
      drawFigure({
        title: "Norm of the gradient over the epochs",
        x,
        y: { label: "gradient norm", ...(isWide ? { scale: "log" as const } : { from: 0 }) },
        series: [{ name: "gradient norm", points: norms }, ...clip],
        names: "none",
      }),
    ),
  );
}
