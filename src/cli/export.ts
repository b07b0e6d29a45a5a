import { type Command, Option } from "commander";
import { thousands } from "../counts.js";
import type { ExportFormat, ExportReport } from "../platform/node.js";
import { interruptSignal, print, printJson } from "../platform/terminal.js";
import { downloadReport } from "./download-report.js";
import { addHubFlags, addMachineFlags, parseCount } from "./flags.js";
import { percent } from "./train-report.js";

const examples = `
Examples:
  $ sas-petl export --run runs/flowers --format onnx --out flowers-onnx
  $ sas-petl export --run runs/flowers --format onnx --dtype int8 --out flowers-int8
  $ sas-petl export --run runs/flowers --format transformers-js --out flowers-js --license cc-by-4.0
  $ sas-petl export --run runs/flowers --format safetensors --names hf --out flowers-hf
  $ sas-petl export --run runs/flowers --format peft --out flowers-lora
  $ sas-petl export --run flowers-lora --backbone vit_tiny --format onnx --out merged`;

interface Flags {
  readonly run?: string;
  readonly backbone?: string;
  readonly best?: boolean;
  readonly format: ExportFormat;
  readonly out: string;
  readonly dtype: "fp32" | "fp16" | "int8";
  readonly externalData?: boolean;
  readonly data?: string;
  readonly names: "timm" | "hf";
  readonly modules: "v4" | "v5";
  readonly rank?: number;
  readonly check: boolean;
  readonly license?: string;
  readonly baseModel?: string;
  readonly threads?: number;
  readonly revision?: string;
  readonly offline?: boolean;
  readonly json?: boolean;
}

/** Adds the flags and the action of `export`. */
export function configure(command: Command): void {
  const formats: readonly ExportFormat[] = ["onnx", "transformers-js", "safetensors", "peft"];
  addMachineFlags(addHubFlags(command))
    .option("--run <folder>", "run folder, an adapter's file, or a folder of HF PEFT")
    .option(
      "--backbone <place>",
      "folder or name of the run's backbone, where it has moved; without --run: exported with its own head",
    )
    .option("--best", "the epoch that was best on validation images, instead of the last")
    .addOption(new Option("--format <format>", "what is written").choices(formats).makeOptionMandatory())
    .requiredOption("--out <folder>", "folder to make")
    .addOption(new Option("--dtype <type>", "numbers of the model").choices(["fp32", "fp16", "int8"]).default("fp32"))
    .addOption(
      new Option("--names <names>", "safetensors: whose names the tensors have")
        .choices(["timm", "hf"])
        .default("timm"),
    )
    .addOption(
      new Option("--modules <version>", "peft: module names of transformers before 5, or since")
        .choices(["v4", "v5"])
        .default("v5"),
    )
    .option("--rank <rank>", "peft: approximate what is of full rank (sas affine) by this rank", parseCount)
    .option("--external-data", "weights in a file beside the model; always where they take more than 1.5 GiB")
    .option("--data <folder>", "validation images to measure the change on; default: the run's own")
    .option("--license <name>", "for the model card, as the hub names it: apache-2.0, cc-by-4.0, …")
    .option("--base-model <id>", "for the model card: where the backbone lies on the hub")
    .option("--no-check", "without measuring what the export changes")
    .addHelpText("after", examples)
    .action(async ({ json, ...flags }: Flags) => {
      const { exportNetwork } = await import("../platform/node.js");
      const report = await exportNetwork({
        ...flags,
        onDownload: downloadReport(),
        signal: interruptSignal("Stopping."),
      });
      if (json) printJson(report);
      else for (const line of lines(report)) print(line);
    });
}

/** The report as lines. */
function* lines(report: ExportReport): Generator<string> {
  const { format, method, isMerged, backbone, parameters, check, unchecked, files, notes, upload } = report;
  const size = `${thousands(parameters)} parameters`;
  if (method === null) yield `${backbone} with its own head: ${size}`;
  else if (format === "peft") yield `${method} as a LoRA adapter of ${backbone} with HF's names`;
  else if (isMerged) yield `${method} merged into ${backbone}: ${size}, no trace of the adapter`;
  else yield `${method} does not fold into the network: exported unmerged, beside ${backbone}: ${size}`;
  if (check) {
    const points = 100 * (check.after.top1 - check.before.top1);
    yield `val: ${check.images} images  top-1 ${percent(check.before.top1)} before, ${percent(check.after.top1)} exported (${points >= 0 ? "+" : "−"}${Math.abs(points).toFixed(1)} points)  ` +
      `same class ${percent(check.agreement)}  logits within ${check.logitError.toExponential(1)} of the largest`;
  } else if (format === "onnx" || format === "transformers-js") yield `accuracy not measured: ${unchecked}`;
  yield* notes;
  for (const { path, bytes } of files) yield `${path}  ${(bytes / 1e6).toFixed(bytes < 1e5 ? 3 : 1)} MB`;
  yield upload;
}
