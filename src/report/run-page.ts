import { counted, thousands } from "../counts.js";
import { shareInterval } from "../evaluate/interval.js";
import { confusionMatrix, type Metrics } from "../evaluate/metrics.js";
import type { DoneEvent } from "../train/events.js";
import { drawCalibration } from "./calibration.js";
import { drawClasses, drawConfusedPairs } from "./classes.js";
import { confusionStyle, drawConfusion } from "./confusion.js";
import { drawCurves } from "./curves.js";
import { percent, seconds, sharePercent, shortNumber } from "./format.js";
import { type Content, html, type Markup } from "./markup.js";
import { drawMistakes, mistakesStyle, worstMistakes } from "./mistakes.js";
import { drawFacts, drawTiles, type Section, type Tile, writePage } from "./page.js";
import { className, headlineOf, type Run, shortName, splitWords } from "./run.js";
import { drawTable } from "./table.js";

/**
 * The report of a run as one HTML file that needs no other.
 * @param pictures small pictures of the worst mistakes, by image, as `data:` addresses; null to show none
 */
export function reportRun(run: Run, pictures: ReadonlyMap<string, string> | null): string {
  const { name, config, predictions } = run;
  return writePage({
    title: shortName(name),
    lead: html`<p>${summary(run)}</p>`,
    sections: [
      { id: "result", title: "Result", body: html`${drawTiles(tilesOf(run))}${drawScores(run)}` },
      { id: "curves", title: "Training", body: drawCurves(run) },
      ...(predictions.length > 0 ? predictionSections(run, pictures) : []),
      { id: "parameters", title: "Parameters", body: drawAccount(run) },
      { id: "setup", title: "Setup", body: drawSetup(run) },
    ],
    foot: `sas-petl ${run.facts.version ?? ""}, seed ${config.seed}. This page holds everything it shows and asks no other computer for anything.`,
    style: confusionStyle + mistakesStyle,
  });
}

/** What a reader should know who reads no further. */
function summary(run: Run): Content {
  const { config, account, result, images } = run;
  const trained =
    account && account.trainable > 0
      ? html` training ${thousands(account.trainable)} parameters (${sharePercent(account.share)} of the network) and a head of ${thousands(account.head)}`
      : account && html` training a head of ${thousands(account.head)} parameters`;
  const on = images && html` on ${thousands(images.train)} images of ${run.classes.length} classes`;
  const epochs = run.lines.filter(({ event }) => event === "epoch").length;
  const time = result
    ? html`, ${epochsOf(result)} in ${seconds(result.seconds)}`
    : html`; ${epochs} of ${config.epochs} epochs are done, the run is not finished`;
  const headline = headlineOf(run);
  const found =
    headline &&
    html` It classifies <b>${percent(headline.metrics.top1)}</b> of ${headline.count !== null && thousands(headline.count)} ${splitWords[headline.split]} images rightly.`;
  return html`Method <b>${config.method}</b> adapts ${lastPart(config.backbone)} to ${lastPart(config.data)},${trained ?? ""}${on}${time}.${found}`;
}

/** How many epochs a run took, and why not all. */
const epochsOf = ({ epochs, epochsDone }: DoneEvent): string =>
  epochsDone < epochs ? `${epochsDone} of ${epochs} epochs, after which patience ended it,` : counted(epochs, "epoch");

/** The last part of a path: where it lies on whose disk is nobody's business. */
const lastPart = (path: string): string => shortName(path.split(/[/\\]/).filter(Boolean).at(-1) ?? path);

function tilesOf(run: Run): readonly Tile[] {
  const { account, result, lines } = run;
  const headline = headlineOf(run);
  const latest = lines.findLast((line) => line.event === "epoch");
  const tiles: Tile[] = [];
  if (headline) {
    const { metrics, count, split } = headline;
    const [low, high] = shareInterval(metrics.top1 * (count ?? 0), count ?? 0);
    tiles.push({
      title: `${split === "test" ? "Test" : "Validation"} accuracy`,
      value: percent(metrics.top1),
      more: count && `95 % interval ${percent(low)} to ${percent(high)}`,
    });
  } else if (latest?.event === "epoch") {
    tiles.push({ title: "Training accuracy", value: percent(latest.train.top1), more: "there is nothing to test on" });
  }
  if (account) {
    const more = `${sharePercent(account.share)} of ${thousands(account.total)}, head apart`;
    tiles.push({ title: "Trained parameters", value: thousands(account.trainable), more });
  }
  if (result) {
    tiles.push({
      title: "Training time",
      value: seconds(result.seconds),
      more: `${result.imagesPerSecond.toFixed(1)} images/s`,
    });
  }
  if (headline) {
    const { calibrationError, balancedAccuracy } = headline.metrics;
    tiles.push({ title: "Balanced accuracy", value: percent(balancedAccuracy), more: "mean recall of the classes" });
    if (tiles.length < 4) tiles.push({ title: "Calibration error", value: percent(calibrationError) });
  }
  return tiles;
}

/** All scores of the last epoch and of the best one; of the best one alone where patience decided. */
function drawScores({ config, result, lines, images }: Run): Content {
  const latest = lines.findLast((line) => line.event === "epoch");
  const val = result ? result.val : latest?.event === "epoch" ? latest.val : null;
  const named = (title: string, metrics: Metrics | null | undefined, count: number | undefined) =>
    metrics ? [{ title, metrics, count }] : [];
  const best = result?.best;
  // With patience the result is what the best epoch made.
  const isBest = result !== null && config.patience !== undefined;
  const found = [
    ...(isBest
      ? []
      : [
          ...named("test, last epoch", result?.test, images?.test),
          ...named("validation, last epoch", val, images?.val),
        ]),
    ...named(`test, best epoch (${best?.epoch})`, best?.test, images?.test),
    ...named(`validation, best epoch (${best?.epoch})`, best?.val, images?.val),
  ];
  if (found.length === 0) return null;
  const columns = ["top-1", "top-5", "balanced", "macro-F1", "calibration error", "loss"];
  return drawTable({
    columns: [
      { title: "" },
      { title: "images", isNumber: true },
      ...columns.map((title) => ({ title, isNumber: true })),
    ],
    rows: found.map(({ title, metrics: m, count }) => [
      title,
      count === undefined ? "–" : thousands(count),
      ...[m.top1, m.top5, m.balancedAccuracy, m.macroF1, m.calibrationError].map((share) => ({
        show: percent(share),
        sort: share,
      })),
      { show: m.nll.toFixed(3), sort: m.nll },
    ]),
  });
}

/** What is made of the predictions of single images. */
function predictionSections(run: Run, pictures: ReadonlyMap<string, string> | null): readonly Section[] {
  const { predictions, classes } = run;
  const count = classes.length;
  const counts = confusionMatrix(
    predictions.map(({ top }) => top[0]?.[0] ?? 0),
    predictions.map(({ label }) => label),
    count,
  );
  const split = predictions[0]?.split ?? "test";
  const of = `${thousands(predictions.length)} ${splitWords[split]} images`;
  const pairs = count > 2 ? drawConfusedPairs(run, counts) : null;
  const order = count > 12 ? " Classes stand in an order that puts those beside each other that are confused." : "";
  const wrong = predictions.filter(({ top, label }) => top[0]?.[0] !== label).length;
  const shown = worstMistakes(predictions).length;
  const error = headlineOf(run)?.metrics.calibrationError ?? Number.NaN;
  return [
    {
      id: "confusion",
      title: "Confusion",
      body: html`<p>A row for each right class, a column for each predicted one, over ${of}. The stronger a cell, the larger its share of the row.${order}</p>
<div class="confused">${drawConfusion(
        counts,
        classes.map((_, i) => className(run, i)),
      )}${pairs && html`<div><h3>Most often confused</h3>${pairs}</div>`}</div>`,
    },
    {
      id: "classes",
      title: "Classes",
      body: html`<p>The classes with the lowest recall first.</p>${drawClasses(run, counts)}`,
    },
    { id: "calibration", title: "Calibration", body: drawCalibration(predictions, error) },
    {
      id: "mistakes",
      title: "Worst mistakes",
      body: html`${wrong > 0 && html`<p>${thousands(wrong)} of ${of} ${wrong === 1 ? "is" : "are"} wrong. ${shown < wrong ? `These ${shown} were answered with the highest confidence` : "The most confident answers come first"}; below each its right class, with the probability it was given.</p>`}${drawMistakes(run, pictures)}`,
    },
  ];
}

function drawAccount({ account, tensors }: Run): Markup {
  if (!account) return html`<p class="soft">The account of parameters is known when the run is finished.</p>`;
  const { trainable, head, total, share } = account;
  const size = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);
  const shown = tensors.slice(0, 400);
  return html`${drawFacts([
    ["trained, without the head", html`<b>${thousands(trainable)}</b>, ${sharePercent(share)} of all`],
    ["all, without the head", thousands(total)],
    ["classification head", thousands(head)],
  ])}${
    shown.length > 0 &&
    html`<details><summary>The ${thousands(tensors.length)} tensors of the adapter</summary>${drawTable({
      columns: [{ title: "tensor" }, { title: "shape" }, { title: "numbers", isNumber: true }],
      rows: shown.map(({ name, shape }) => [
        html`<span class="code">${shortName(name)}</span>`,
        shape.join(" × "),
        { show: thousands(size(shape)), sort: size(shape) },
      ]),
      isTall: shown.length > 16,
    })}</details>`
  }`;
}

function drawSetup({ config, facts, result }: Run): Markup {
  const { options, ...rest } = config;
  const write = (value: unknown): string =>
    typeof value === "number" ? shortNumber(value) : typeof value === "string" ? value : JSON.stringify(value);
  const chosen = { ...options, ...(result?.options as object | undefined) };
  const decided = { ...rest, ...(result && { lr: result.lr, batchSize: result.batchSize }) };
  return html`${drawFacts([
    ...Object.entries(decided).flatMap(([key, value]) =>
      value === undefined || key === "out" || key === "$schema" ? [] : [[key, write(value)] as const],
    ),
    ...Object.entries(chosen).map(([key, value]) => [`${config.method}: ${key}`, write(value)] as const),
  ])}<h3>Versions and digests</h3>${drawFacts(Object.entries(facts).map(([key, value]) => [key, html`<span class="code">${String(value)}</span>`]))}<details><summary>The configuration, to be given to train --config</summary><pre tabindex="0">${JSON.stringify(config, null, 2)}</pre></details>`;
}
