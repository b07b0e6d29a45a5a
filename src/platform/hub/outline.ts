import { FormatError } from "../../errors.js";
import { outlineCheckpoint } from "../../vit/checkpoint.js";
import type { LazyTensor } from "../../vit/lazy-tensor.js";
import { openTensors } from "../../vit/open-tensors.js";
import type { ByteSource } from "../../vit/safetensors.js";
import { configOf } from "../backbone.js";
import type { StartOutline } from "../start.js";
import { chooseWeights, isWeightsIndex, parseWeightsIndex } from "../weights-names.js";
import { type HubClient, openHub } from "./client.js";
import { companions, type HubFile, largestTextBytes } from "./listing.js";
import { listModel } from "./model.js";
import { type HubName, printHubName } from "./name.js";
import { type HubHooks, patiently } from "./patience.js";
import type { HubSettings } from "./settings.js";

/** What a model of the hub holds, from its configuration and the headers of its weights; nothing is written. @throws as `locateBackbone` and `openBackbone` */
export async function outlineModel(
  { repo, revision = "main" }: HubName,
  settings: HubSettings,
  hooks: HubHooks,
): Promise<StartOutline & { readonly place: string }> {
  const hub = await openHub(settings, repo);
  try {
    const { commit, files } = await listModel(hub, repo, revision, settings, hooks);
    const byName = new Map(files.map((file) => [file.name, file]));
    const pathOf = (name: string): string => `${repo}/resolve/${commit}/${encodeURIComponent(name)}`;
    const text = (name: string): Promise<string> =>
      patiently(() => hub.getText(pathOf(name), largestTextBytes, hooks.signal), settings, hooks);
    const beside = async (name: string) => ({
      text: byName.has(name) ? await text(name) : undefined,
      path: `${repo} ${name}`,
    });
    const [config, preprocessor] = (await Promise.all(companions.map(beside))) as [
      Awaited<ReturnType<typeof beside>>,
      Awaited<ReturnType<typeof beside>>,
    ];
    const weights = chooseWeights([...byName.keys()], repo);
    const path = `${repo} ${weights}`;
    const names = isWeightsIndex(weights) ? parseWeightsIndex(await text(weights), path).keys() : [weights];
    const tensors = new Map<string, LazyTensor>();
    for (const name of names) {
      const file = byName.get(name);
      if (file === undefined) throw new FormatError(`${repo}: its index names ${name}, which the model has not.`);
      const own = await openTensors(remoteBytes(hub, pathOf(name), file, `${repo} ${name}`, settings, hooks));
      for (const [tensor, lazy] of own) tensors.set(tensor, lazy);
    }
    const outline = outlineCheckpoint(tensors, configOf(config, preprocessor), path);
    return { ...outline, name: outline.architecture.name ?? repo, place: printHubName(repo, commit) };
  } finally {
    await hub.close();
  }
}

/** A file of the hub, read in pieces where it lies. */
function remoteBytes(
  hub: HubClient,
  path: string,
  { size }: HubFile,
  name: string,
  settings: HubSettings,
  hooks: HubHooks,
): ByteSource {
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    const { body, status } = await hub.get(path, { range: `bytes=${offset}-${offset + length - 1}` }, hooks.signal);
    if (status !== 206 && offset > 0) {
      await body?.cancel();
      throw new FormatError(`${name}: the server gives no parts of files. Check HF_ENDPOINT and the proxy.`);
    }
    const bytes = new Uint8Array(length);
    let done = 0;
    // Leaving the loop cancels the rest, where more comes than was asked for.
    for await (const piece of body ?? []) {
      const part = (piece as Uint8Array).subarray(0, length - done);
      bytes.set(part, done);
      done += part.length;
      if (done === length) return bytes;
    }
    throw new FormatError(`${name}: the file ended at byte ${offset + done}, its listing says ${size}. Try again.`);
  };
  return { name, size, read: (offset, length) => patiently(() => read(offset, length), settings, hooks) };
}
