import { counted } from "../counts.js";
import { vtabTaskOf } from "../data/vtab-tasks.js";
import type { Part } from "./part.js";
import { comparisonParts, countCell, type Material } from "./parts.js";
import { caveatsOf, type Published, type PublishedRow, publishedMeans } from "./published.js";
import type { ResultLine, TrialLine } from "./result.js";
import { groupOf, isOfficialSample } from "./vtab-1k.js";

/** A task's data as far as it decides what may stand beside published figures. */
export interface Sample {
  readonly name: string;
  readonly classes: number;
  readonly images: { readonly train: number; readonly val: number; readonly test: number };
  /** True where its folder says that it was drawn anew, whatever its sizes. */
  readonly isOwn?: boolean | undefined;
}

/** What this suite did otherwise than the published rows, from its own configuration. */
export interface Protocol {
  readonly architecture: string;
  readonly imageSize: number | undefined;
  readonly epochs: number;
  readonly seeds: number;
  readonly final: boolean;
  /** What is subtracted from the pixels, and what they are divided by. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * The parts of VTAB-1k's report: the comparison, and published rows over the same tasks. Tasks that are not VTAB-1k's own
 * sample are named so, and then no published row is shown at all.
 * @param asked which published rows: those about the methods compared, all, or none
 */
export function vtabParts(
  material: Material,
  searched: readonly ResultLine[],
  samples: readonly Sample[],
  protocol: Protocol,
  published: Published,
  asked: "matching" | "all" | "none",
): readonly Part[] {
  const own = samples
    .map((sample) => asTrained(sample, material.lines))
    .filter(({ name, classes, images, isOwn }) => isOwn || !isOfficialSample(name, classes, images));
  const parts = comparisonParts(material, searched);
  if (asked === "none") return parts;
  if (own.length > 0) {
    const [vtab, other] = [own.filter(({ name }) => vtabTaskOf(name)), own.filter(({ name }) => !vtabTaskOf(name))];
    return [
      ...parts,
      {
        id: "published",
        title: "published figures: not shown",
        notes: [
          ...(vtab.length > 0 ? [`own sample: ${vtab.map(describeSample).join("; ")}.`] : []),
          ...(other.length > 0 ? [`not of VTAB-1k: ${other.map(({ name }) => name).join(", ")}.`] : []),
          "Published figures hold for VTAB-1k's own thousand images and whole test sets only.",
        ],
      },
    ];
  }
  const kinds = new Set(material.lines.map(({ config }) => config.method ?? "sas"));
  const rows = published.rows.filter(({ like }) => asked === "all" || (like !== undefined && kinds.has(like)));
  return rows.length === 0 ? parts : [...parts, publishedPart(rows, material.tasks, published, protocol)];
}

/** The sample with the images that trials were trained on where those are others: a few shots, or the ones that can be read. */
const asTrained = (sample: Sample, lines: readonly TrialLine[]): Sample => {
  const sizeOf = ({ train, val }: Sample["images"]): number => train + val;
  const other = lines.find(({ task, images }) => task === sample.name && sizeOf(images) !== sizeOf(sample.images));
  return other ? { ...sample, images: { ...other.images, test: sample.images.test } } : sample;
};

const describeSample = ({ name, classes, images, isOwn }: Sample): string => {
  if (isOwn) return `${name} was drawn anew from the originals`;
  const task = vtabTaskOf(name);
  return `${name} has ${images.train + images.val} + ${images.test} images of ${classes} classes, VTAB-1k 1000 + ${task?.testImages} of ${task?.classes}`;
};

const listOf = (values: readonly number[]): string => [...new Set(values)].join(", ");

function publishedPart(
  rows: readonly PublishedRow[],
  tasks: readonly string[],
  published: Published,
  protocol: Protocol,
): Part {
  const groups = [...new Set(tasks.map(groupOf))];
  const cell = (value: number | undefined) => (value === undefined ? "–" : { text: value.toFixed(1), sort: value });
  const codes = new Map<string, number>();
  const codeOf = (text: string): number => {
    if (!codes.has(text)) codes.set(text, codes.size + 1);
    return codes.get(text) ?? 0;
  };
  const lines = rows.map((row) => {
    const means = publishedMeans(row, tasks);
    const remarks = caveatsOf(row, published).map(codeOf);
    const parameters = row.parametersMillion === undefined ? "–" : countCell(row.parametersMillion * 1e6);
    return [
      row.method,
      parameters,
      ...groups.map((group) => cell(means.groups.get(group))),
      cell(means.groupMean),
      cell(means.taskMean),
      remarks.join(" "),
    ];
  });
  const { architecture, imageSize, epochs, seeds, final, mean, std } = protocol;
  return {
    id: "published",
    title: `published, ${published.backbone}, over the same ${counted(tasks.length, "task")}; numbers are remarks below`,
    table: {
      head: ["method", "parameters", ...groups, "mean of groups", "mean of tasks", "remarks"],
      rows: lines,
      words: [groups.length + 4],
    },
    notes: [
      `Here: ${architecture}${imageSize === undefined ? "" : ` at ${imageSize} px`}, pixels normalised by mean ${listOf(mean)} and deviation ${listOf(std)}, ${counted(epochs, "epoch")}, ${counted(seeds, "seed")}, trained on ${final ? "train800val200" : "train800"}, the last epoch, nothing chosen on test images. Most published rows train on train800val200 for 100 epochs with drop path 0.1.`,
      ...[...codes].map(([text, code]) => `${code}  ${text}`),
    ],
  };
}
