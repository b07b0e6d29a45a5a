import { lowRankGraph } from "../adapter/low-rank.js";
import { ConfigError } from "../errors.js";
import { hfConfig, requireHfVit } from "../export/hf-config.js";
import { peftAdapter } from "../export/peft.js";
import type { Tensor } from "../graph/tensor.js";
import { methodOf } from "../methods/index.js";
import { safetensorsChunks } from "../vit/safetensors.js";
import type { ExportOptions } from "./export.js";
import { computeOnce, type ExportedFiles } from "./export-model.js";
import type { ExportSource } from "./export-source.js";
import { chunksFile, textFile } from "./folder.js";

/**
 * The files of a LoRA adapter that HF PEFT loads on HF's ViT.
 * @throws ConfigError where the adapter is no LoRA, or of another type than float32
 */
export async function peftFiles(
  { trained }: ExportSource,
  { dtype, modules = "v5", rank, baseModel }: Pick<ExportOptions, "dtype" | "modules" | "rank" | "baseModel">,
): Promise<ExportedFiles> {
  if (!trained)
    throw new ConfigError("peft: an adapter is exported, and a backbone alone has none. Give a run with --run.");
  if (dtype !== "fp32") throw new ConfigError(`peft: adapters are fp32, got ${dtype}.`);
  const { adapter, architecture } = trained;
  const { weights, head } = partsOf(trained);
  requireHfVit(architecture);
  const network = hfConfig(architecture, adapter.classes);
  const graph = lowRankGraph({ architecture, method: methodOf(adapter.method), methodOptions: adapter.options });
  const changes = await computeOnce(graph, weights, adapter.tensors);
  const { config, tensors, errors } = peftAdapter({
    architecture,
    changes,
    weights,
    isResized: isResized(trained),
    head,
    version: modules,
    rank,
    baseModel: baseModel ?? adapter.backbone.name,
  });
  if (errors.size === 0 && tensors.size === 2) {
    throw new ConfigError(
      `${adapter.method} changes no map: there is nothing to make a LoRA of. Take --format safetensors --names hf.`,
    );
  }
  const chunks = safetensorsChunks({ metadata: { format: "pt" }, tensors });
  return {
    files: [
      textFile("adapter_config.json", `${JSON.stringify(config, null, 2)}\n`),
      // PEFT does not read it; the names of the classes are nowhere else.
      textFile("config.json", `${JSON.stringify(network, null, 2)}\n`),
      chunksFile("adapter_model.safetensors", chunks),
    ],
    checked: { check: null, unchecked: "an adapter is exported, not a network" },
    notes: [...sizeNote(trained), ...errorNote(errors, rank)],
  };
}

function partsOf({ adapter, weights }: NonNullable<ExportSource["trained"]>) {
  const { "head.weight": weight, "head.bias": bias } = adapter.tensors;
  if (!weights) throw new ConfigError(`${adapter.method} trains the network itself: --format safetensors --names hf.`);
  if (!weight || !bias) throw new ConfigError("the adapter has no head. Train it again.");
  return { weights, head: { weight, bias } satisfies Record<string, Tensor> };
}

const isResized = ({ adapter, architecture }: NonNullable<ExportSource["trained"]>): boolean =>
  architecture.imageSize.join() !== adapter.backbone.architecture.imageSize.join();

/** HF resizes position embeddings in another way: ours go with the adapter. */
function sizeNote(trained: NonNullable<ExportSource["trained"]>): readonly string[] {
  if (!isResized(trained)) return [];
  const [now, own] = [trained.architecture, trained.adapter.backbone.architecture].map(({ imageSize }) => imageSize);
  return [
    `Trained on images of ${now?.join(" × ")} pixels, the backbone is for ${own?.join(" × ")}: the resized position embeddings are in the adapter. Load the base model at that size, as the model card shows.`,
  ];
}

/** How well full-rank changes are approximated. */
function errorNote(errors: ReadonlyMap<string, number>, rank: number | undefined): readonly string[] {
  if (errors.size === 0) return [];
  const sorted = [...errors].sort(([, a], [, b]) => a - b);
  const [best, worst] = [sorted[0], sorted.at(-1)] as [[string, number], [string, number]];
  const mean = sorted.reduce((sum, [, error]) => sum + error, 0) / sorted.length;
  return [
    `The full-rank part of ${sorted.length} maps is approximated by rank ${rank}: relative error ${mean.toFixed(3)} in the mean (Frobenius), ${best[1].toFixed(3)} at ${best[0]} to ${worst[1].toFixed(3)} at ${worst[0]}.`,
  ];
}
