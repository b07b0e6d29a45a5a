import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError } from "../errors.js";
import type { Backbone } from "../vit/checkpoint.js";
import { openBackbone } from "./backbone.js";
import { isThere } from "./files.js";
import { fetchModel, type Located, type ModelHooks } from "./hub/model.js";
import { checkRevision, type HubName, isHubPlace, parseHubName } from "./hub/name.js";
import { hubSettings } from "./hub/settings.js";

export type { Located } from "./hub/model.js";

/** How a backbone is found. */
export interface LocateOptions extends ModelHooks {
  /** Branch, tag or commit, for a model of the hub; default `main`. */
  readonly revision?: string | undefined;
  /** Ask nothing of the network. */
  readonly offline?: boolean | undefined;
}

/** The backbone that comes with this package, by its name; its card says what it is. */
export const bundledBackbone = "sas-mini";

/** True for a place that means the same network on every machine: a model of the hub with its commit, or `sas-mini`. */
export const isLastingPlace = (place: string): boolean => isHubPlace(place) || place === bundledBackbone;

/**
 * The folder of a backbone. A folder of that name on this machine comes first, unless the name begins with `hf:`; then
 * `sas-mini`, which comes with this package; then the model of that name on the hub, from the cache or downloaded into it.
 * Any other name is taken as a folder's.
 * @throws ConfigError where the hub has no such model, or does not give it
 * @throws FormatError where something else came than the hub announced
 * @throws RuntimeUnavailableError where network or disk give out
 */
export async function locateBackbone(name: string, options: LocateOptions = {}): Promise<Located> {
  const model = await findModel(name, options.revision);
  if (model === undefined && name === bundledBackbone && !(await isThere(name))) {
    return { folder: fileURLToPath(new URL(`../../models/${name}`, import.meta.url)), place: name };
  }
  if (model === undefined) return { folder: name, place: resolve(name) };
  return fetchModel(model, await hubSettings(process.env, options.offline), options);
}

/**
 * The model of the hub that a name means, with its revision; undefined where it means a place on this machine.
 * @throws ConfigError where a revision goes with a place, or with another revision
 */
export async function findModel(name: string, revision: string | undefined): Promise<HubName | undefined> {
  const isFolder = !isHubPlace(name) && (await isThere(name));
  const model = isFolder ? undefined : parseHubName(name);
  if (model === undefined) {
    if (revision === undefined) return undefined;
    throw new ConfigError(
      isFolder
        ? `${name}: a folder has no revision ${revision}. Leave it out, or write hf:${name} for the model on the hub.`
        : `${name}: expected owner/name beside the revision ${revision}. Check the name.`,
    );
  }
  if (revision !== undefined && model.revision !== undefined && revision !== model.revision) {
    throw new ConfigError(`${name}: the revision is also given as ${revision}. Give one of them.`);
  }
  return { ...model, revision: revision === undefined ? model.revision : checkRevision(revision, "revision") };
}

/** The network that a folder or a model of the hub holds, and what finds it again. @throws as `locateBackbone` and `openBackbone` */
export async function openLocated(
  name: string,
  options: LocateOptions = {},
): Promise<Backbone & Pick<Located, "place">> {
  const { folder, place } = await locateBackbone(name, options);
  const backbone = await openBackbone(folder);
  // In the cache a folder is named by its commit, which names no network.
  const own = isHubPlace(place) ? (parseHubName(place)?.repo ?? backbone.name) : backbone.name;
  return { ...backbone, name: backbone.architecture.name ?? own, place };
}
