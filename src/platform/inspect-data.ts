import { type Dataset, digestDataset, type Split, splitNames } from "../data/dataset.js";
import { countClasses, type Finding, findFaults, presentSplits } from "../data/findings.js";
import { type ImageFacts, surveyDataset } from "../data/survey.js";
import { openDataset } from "./datasets.js";
import { decodeImage, parallelDecodes } from "./images.js";

/** Smallest, middle and largest of some numbers. */
export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

/** One split of a data set in numbers. */
export interface SplitFacts {
  readonly images: number;
  /** Length of the files together. */
  readonly bytes: number;
  /** Pixels; `null` where no image can be read. */
  readonly width: Spread | null;
  readonly height: Spread | null;
  /** How many images there are of each format. */
  readonly formats: Readonly<Record<string, number>>;
  /** How many images there are of each class. */
  readonly classes: readonly number[];
}

/** What there is to know about a data set. */
export interface DataInspection {
  readonly kind: "data";
  readonly name: string;
  readonly layout: Dataset["layout"];
  readonly classes: readonly string[];
  readonly images: Readonly<Record<Split, number | null>>;
  readonly splits: Readonly<Partial<Record<Split, SplitFacts>>>;
  /** The worst first. */
  readonly findings: readonly Finding[];
  /** Tells whether two runs would see the same data. */
  readonly digest: string;
}

/**
 * What there is to know about a data set, as it is stored: nothing of it is drawn for validation. Every image is decoded.
 * @throws ConfigError or FormatError as `openDataset`
 */
export async function inspectData(
  target: string,
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((done: number, total: number) => void) | undefined;
  } = {},
): Promise<DataInspection> {
  const dataset = await openDataset(target, { valFraction: 0 });
  const survey = await surveyDataset(dataset, { ...options, decode: decodeImage, parallel: parallelDecodes() });
  const counts = splitNames.map((name) => [name, dataset.splits[name]?.count ?? null] as const);
  return {
    kind: "data",
    name: target,
    layout: dataset.layout,
    classes: dataset.classes,
    images: Object.fromEntries(counts) as Record<Split, number | null>,
    splits: Object.fromEntries(
      presentSplits(dataset).map((name) => [
        name,
        describeSplit(
          dataset,
          name,
          survey.images.filter(({ split }) => split === name),
        ),
      ]),
    ),
    findings: findFaults(dataset, survey),
    digest: await digestDataset(dataset),
  };
}

function describeSplit(dataset: Dataset, split: Split, images: readonly ImageFacts[]): SplitFacts {
  const formats: Record<string, number> = {};
  for (const { format } of images) formats[format] = (formats[format] ?? 0) + 1;
  return {
    images: dataset.splits[split]?.count ?? 0,
    bytes: images.reduce((sum, { bytes }) => sum + bytes, 0),
    width: spreadOf(images.map(({ width }) => width)),
    height: spreadOf(images.map(({ height }) => height)),
    formats,
    classes: Array.from(countClasses(dataset, split)),
  };
}

function spreadOf(values: readonly number[]): Spread | null {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, median, most] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)];
  return least === undefined || median === undefined || most === undefined ? null : { least, median, most };
}
