import { printAccount } from "../adapter/account.js";
import type { Description } from "./description.js";
import { escapeMarkdown, quoteYaml } from "./markdown.js";
import { snippetOf } from "./snippet.js";

/** A score that goes into the card. */
export interface Score {
  /** `validation`, `test` */
  readonly split: string;
  readonly images?: number;
  readonly top1: number;
}

/** What a card is written from, beside the description of the network. */
export interface CardInputs {
  /** What to call the model. */
  readonly name: string;
  readonly format: CardFormat;
  /** What the numbers are kept in: `float32`, `float16`, `8-bit integers`. */
  readonly numbers: string;
  /** On the hub, where it is known. */
  readonly baseModel: string | undefined;
  readonly dataset: string | undefined;
  /** As the hub names it; "unknown" where nobody said. */
  readonly license: string;
  readonly scores: readonly Score[];
  /** What else people should know, one sentence each. */
  readonly notes: readonly string[];
  /** Of the program that wrote it. */
  readonly version: string;
}

/** The formats a card knows how to use. */
export type CardFormat = "onnx" | "transformers-js" | "timm" | "transformers" | "peft";

const libraries = {
  onnx: "onnx",
  "transformers-js": "transformers.js",
  timm: "timm",
  transformers: "transformers",
  peft: "peft",
} as const satisfies Readonly<Record<CardFormat, string>>;

/**
 * The model card: YAML for the hub, then what the model is, scores and how to use it. Names are escaped.
 * @see https://huggingface.co/docs/hub/model-cards
 */
export function modelCard(d: Description, card: CardInputs): string {
  return `${header(d, card)}\n${body(d, card)}`;
}

function header(d: Description, { name, format, baseModel, dataset, license, scores }: CardInputs): string {
  const best = scores.map(
    ({ split, top1 }) => `      - task:
          type: image-classification
          name: Image Classification
        dataset:
          name: ${quoteYaml(dataset ?? "own images")}
          type: ${quoteYaml(slug(dataset ?? "own-images"))}
          split: ${split}
        metrics:
          - type: accuracy
            value: ${round(top1)}`,
  );
  const index = `model-index:\n  - name: ${quoteYaml(name)}\n    results:\n${best.join("\n")}`;
  return [
    "---",
    `license: ${quoteYaml(license)}`,
    `base_model: ${quoteYaml(baseModel ?? d.base.name)}`,
    ...(d.adapter ? [`base_model_relation: ${format === "peft" ? "adapter" : "finetune"}`] : []),
    `library_name: ${libraries[format]}`,
    "pipeline_tag: image-classification",
    "tags:",
    ...["image-classification", "vision-transformer", "sas-petl", ...(d.adapter ? [d.adapter.method] : [])].map(
      (tag) => `  - ${tag}`,
    ),
    ...(dataset === undefined ? [] : ["datasets:", `  - ${quoteYaml(slug(dataset))}`]),
    "metrics:",
    "  - accuracy",
    ...(scores.length > 0 ? [index] : []),
    "---",
    "",
  ].join("\n");
}

function body(d: Description, card: CardInputs): string {
  const { name, dataset, format, numbers, scores, notes, version } = card;
  const { adapter, classes, imageSize, transform, contract } = d;
  const how = adapter
    ? `fine-tuned with \`${adapter.method}\` (${placeOf(format, adapter.isMerged)})`
    : "with its own head";
  const lines = [
    `# ${escapeMarkdown(name)}`,
    "",
    `The Vision Transformer ${escapeMarkdown(d.base.name)}, ${how}${dataset === undefined ? "" : `, on ${escapeMarkdown(dataset)}`}.`,
    "",
    "| | |",
    "|---|---|",
    `| classes | ${classes.length} |`,
    `| input | ${imageSize.join(" × ")} pixels, \`${transform.replaceAll("|", "\\|")}\`, then (x / 255 − mean) / std |`,
    `| mean, std | ${contract.mean.join(", ")}; ${contract.std.join(", ")} |`,
    `| numbers | ${numbers} |`,
    ...(adapter ? [`| parameters | ${printAccount(adapter.account).replaceAll("|", "\\|")} |`] : []),
    `| hash of the backbone | \`${d.base.hash}\` |`,
    ...(adapter ? [`| hash of the adapter | \`${adapter.hash}\` |`] : []),
    ...scores.map(
      ({ split, images, top1 }) =>
        `| ${split} accuracy | ${(100 * top1).toFixed(1)} %${images === undefined ? "" : ` of ${images} images`} |`,
    ),
    "",
    ...notes.map((note) => `${note}\n`),
    "## Use",
    "",
    snippetOf(format, d),
    "",
    `Classes, in the order of the logits: ${classes.map(escapeMarkdown).join(", ")}.`,
    "",
    `Written by sas-petl ${version}.`,
    "",
  ];
  return lines.join("\n");
}

const placeOf = (format: CardFormat, isMerged: boolean): string => {
  if (format === "peft") return "as a LoRA adapter";
  return isMerged ? "merged into the network" : "beside the network: the method does not fold";
};

/** Four digits of a fraction. */
const round = (fraction: number): number => Number(fraction.toFixed(4));

/** The name as the hub writes names. */
const slug = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "") || "own-images";
