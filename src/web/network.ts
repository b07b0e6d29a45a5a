import { type Adapter, decodeAdapter } from "../adapter/file.js";
import { type AdaptedNetwork, adaptedNetwork } from "../adapter/network.js";
import { ConfigError } from "../errors.js";
import type { Session } from "../run/executor.js";
import { OrtExecutor, type OrtOptions } from "../run/ort.js";
import type { OrtModule } from "../run/ort-engine.js";
import type { Tensors } from "../train/checkpoint.js";
import { openSession, releaseAll, uploadAll } from "../train/lanes.js";
import { fitNetwork } from "../train/network.js";
import { type Checkpoint, readCheckpoint } from "../vit/checkpoint.js";
import { parseConfig } from "../vit/config.js";
import { hashBackbone } from "../vit/hash.js";
import { bytesSource, readSafetensors } from "../vit/safetensors.js";
import { type Classifier, openClassifier } from "./classifier.js";
import { type Download, download } from "./download.js";

/** What a network is opened from. */
export interface NetworkOptions {
  /** ONNX Runtime as the page imports it: `onnxruntime-web`, or `onnxruntime-web/webgpu` for the GPU. */
  readonly ort: OrtModule;
  /** The address of a folder with `config.json` and `model.safetensors`, or these two files. */
  readonly backbone: string | URL | { readonly config: Download; readonly weights: Download };
  /** default "wasm" */
  readonly target?: "wasm" | "webgpu";
  /** Threads of WebAssembly; they need a page that is cross-origin isolated. Default: ONNX Runtime's. */
  readonly threads?: number;
  /** False skips the check that an adapter was trained on these very weights, a hash over all of them. */
  readonly verify?: boolean;
}

/** A backbone in a page, for any number of adapters. */
export interface Network {
  /**
   * The classifier an adapter makes of this network. Adapters of one method, image size and number of classes share one
   * session: the second costs its own few kilobytes.
   * @throws FormatError where the adapter is damaged
   * @throws ConfigError where it was trained on another backbone
   */
  adapt(adapter: Download): Promise<Classifier>;
  close(): Promise<void>;
}

/**
 * A network whose weights are fetched once and stay in the page.
 * @throws ConfigError where an address gives nothing
 * @throws FormatError where a file is damaged or no Vision Transformer
 * @throws RuntimeUnavailableError where ONNX Runtime cannot run here
 */
export async function openNetwork(options: NetworkOptions): Promise<Network> {
  const { ort, verify = true, target = "wasm", threads } = options;
  const checkpoint = await fetchBackbone(options.backbone);
  const executor = OrtExecutor.over(ort, { target, ...(threads !== undefined && { threads }) } satisfies OrtOptions);
  const sessions = new Map<string, Promise<Session>>();
  let hash: Promise<string> | undefined;

  const check = async ({ backbone }: Adapter, name: string): Promise<void> => {
    hash ??= hashBackbone(checkpoint.architecture, checkpoint.weights, digest());
    if ((await hash) === backbone.hash) return;
    throw new ConfigError(
      `${name}: was trained on another backbone, ${backbone.name}. Open the network with that one.`,
    );
  };
  const sessionFor = ({ architecture, predictor }: AdaptedNetwork, { method, options: own }: Adapter) => {
    const key = JSON.stringify([method, own, architecture.imageSize, architecture.classes]);
    const opened =
      sessions.get(key) ??
      openSession(executor, predictor(1), fitNetwork(checkpoint, architecture.imageSize, architecture.classes).weights);
    sessions.set(key, opened);
    return opened;
  };
  return {
    async adapt(from) {
      const { name, bytes } = await download(from, "adapter");
      const adapter = await decodeAdapter(bytesSource(name, bytes));
      if (verify) await check(adapter, name);
      const network = adaptedNetwork(adapter, name);
      const session = await sessionFor(network, adapter);
      const tensors = await uploadAll(executor, adapter.tensors as Tensors);
      return openClassifier({
        run: (images) => session.run({ ...tensors, images }),
        classes: adapter.classes,
        transform: network.transform,
        close: () => releaseAll(executor, tensors),
      });
    },
    close: () => executor.close(),
  };
}

async function fetchBackbone(from: NetworkOptions["backbone"]): Promise<Checkpoint> {
  const isFolder = typeof from === "string" || from instanceof URL;
  const files = isFolder ? { config: fileIn(from, "config.json"), weights: fileIn(from, "model.safetensors") } : from;
  const [config, weights] = await Promise.all([
    download(files.config, "config.json"),
    download(files.weights, "model.safetensors"),
  ]);
  const { tensors } = await readSafetensors(bytesSource(weights.name, weights.bytes));
  return readCheckpoint(tensors, parseConfig(new TextDecoder().decode(config.bytes), config.name), weights.name);
}

/** The address of a file in a folder, whose own address may end in a slash, a question or a page's name. */
const fileIn = (folder: string | URL, name: string): string => {
  const [, path = "", rest = ""] = /^([^?#]*)(.*)$/s.exec(String(folder)) ?? [];
  return `${path.replace(/\/$/, "")}/${name}${rest}`;
};

/** SHA-256 as browsers have it, over everything at once. */
function digest() {
  const parts: Uint8Array[] = [];
  return {
    update: (bytes: Uint8Array) => void parts.push(bytes),
    async finish(): Promise<string> {
      const all = new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", all));
      return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
    },
  };
}
