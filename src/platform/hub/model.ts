import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, FormatError, RuntimeUnavailableError } from "../../errors.js";
import type { DownloadEvent } from "../../train/events.js";
import { awaitFolder } from "../lock.js";
import { chooseWeights, isWeightsIndex, parseWeightsIndex } from "../weights-names.js";
import { type HubCache, openHubCache } from "./cache.js";
import { type HubClient, openHub } from "./client.js";
import { companions, type HubFile, type Listing, largestTextBytes, parseListing } from "./listing.js";
import { type HubName, isCommit, printHubName } from "./name.js";
import { type HubHooks, patiently } from "./patience.js";
import type { HubSettings } from "./settings.js";
import { transfer } from "./transfer.js";

/** What a caller hears of a model that comes from the hub. */
export interface ModelHooks extends HubHooks {
  /** Is told how far a download is. */
  readonly onDownload?: ((event: DownloadEvent) => void) | undefined;
}

/** Where a backbone lies. */
export interface Located {
  /** The folder with its files. */
  readonly folder: string;
  /** What finds the same files again from anywhere: an absolute path, or `hf:owner/name@commit`. */
  readonly place: string;
}

/** A model of the hub, complete in the cache. @throws as `locateBackbone` */
export async function fetchModel(model: HubName, settings: HubSettings, options: ModelHooks = {}): Promise<Located> {
  const { repo, revision = "main" } = model;
  const cache = openHubCache(settings, repo);
  const at = (commit: string): Located => ({ folder: cache.snapshot(commit), place: printHubName(repo, commit) });
  const known = isCommit(revision) ? revision : await cache.readRef(revision);
  const isKept = async (isStrict: boolean) => known !== undefined && (await isWhole(cache, known, isStrict));
  if (known !== undefined && (settings.offline || known === revision) && (await isKept(!settings.offline)))
    return at(known);
  if (settings.offline) {
    throw new ConfigError(
      `${repo}: revision ${revision} is not in ${settings.cache}, and the network is not to be asked (--offline or HF_HUB_OFFLINE). Download it once without.`,
    );
  }
  const hub = await openHub(settings, repo);
  try {
    const listing = await listModel(hub, repo, revision, settings, options).catch(async (error: unknown) => {
      if (!(error instanceof RuntimeUnavailableError)) throw error;
      // What a branch was when it was last looked up may do where the hub is out of reach.
      if (known === undefined || !(await isKept(false))) {
        throw new RuntimeUnavailableError(`${repo}: no folder here, and not downloaded yet. ${error.message}`);
      }
      options.onWarning?.(`${error.message} Going on with what was downloaded before: ${known}.`);
      return known;
    });
    if (typeof listing === "string") return at(listing);
    await download({ hub, cache, repo, listing, settings, options });
    // Only for later, without the network; a cache that is not to be written to is no failure.
    await cache.writeRef(revision, listing.commit).catch(() => {});
    return at(listing.commit);
  } finally {
    await hub.close();
  }
}

/** True where the cache has all that a network needs; strictly, where it is also known what the model lacks. */
async function isWhole(cache: HubCache, commit: string, isStrict: boolean): Promise<boolean> {
  const names = await cache.names(commit);
  const known = await Promise.all(companions.map(async (name) => names.includes(name) || cache.isAbsent(commit, name)));
  if (isStrict && known.includes(false)) return false;
  try {
    const files = await weightsOf(cache, commit, chooseWeights(names, commit));
    return files.every((name) => names.includes(name));
  } catch {
    return false;
  }
}

/** The weights and, where they are an index, the files that it names; the index must be there. */
async function weightsOf(cache: HubCache, commit: string, name: string): Promise<readonly string[]> {
  if (!isWeightsIndex(name)) return [name];
  const path = join(cache.snapshot(commit), name);
  return [name, ...parseWeightsIndex(await readFile(path, "utf8"), path).keys()];
}

/** What a model consists of. @throws FormatError where the hub answers something else */
export async function listModel(
  hub: HubClient,
  repo: string,
  revision: string,
  settings: HubSettings,
  options: HubHooks,
): Promise<Listing> {
  const path = `api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const ask = () => hub.getText(path, largestTextBytes, options.signal);
  // Where there is no network at all, waiting helps nobody.
  const listing = parseListing(await patiently(ask, settings, options, ["ENOTFOUND", "ECONNREFUSED"]), repo);
  if (!isCommit(revision) || listing.commit === revision) return listing;
  throw new FormatError(
    `${repo}: asked for commit ${revision}, the hub answered with ${listing.commit}. Check HF_ENDPOINT.`,
  );
}

interface Download {
  readonly hub: HubClient;
  readonly cache: HubCache;
  readonly repo: string;
  readonly listing: Listing;
  readonly settings: HubSettings;
  readonly options: ModelHooks;
}

/** Brings what a network needs into the cache, one process at a time. */
async function download({ hub, cache, repo, listing, settings, options }: Download): Promise<void> {
  const { commit, files } = listing;
  const { signal, onWarning, onDownload } = options;
  const byName = new Map(files.map((file) => [file.name, file]));
  let lock: Awaited<ReturnType<typeof awaitFolder>> | undefined;

  async function want(name: string, isText: boolean): Promise<void> {
    const file = byName.get(name);
    if (file === undefined) throw new FormatError(`${repo}: its index names ${name}, which the model has not.`);
    if (isText && file.size > largestTextBytes) {
      throw new FormatError(`${repo}: ${name} has ${file.size} bytes; expected a text. Take another revision.`);
    }
    if (await cache.holds(commit, file)) return;
    const onWait = (holder: number) => onWarning?.(`${repo}: process ${holder} is downloading it; waiting`);
    lock ??= await awaitFolder(await cache.lockPlace(), { signal, onWait });
    if ((await cache.holds(commit, file)) || (await cache.adopt(commit, file))) return;
    const onProgress = report(repo, file, onDownload);
    const path = `${repo}/resolve/${commit}/${encodeURIComponent(name)}`;
    const label = `${repo} ${name}`;
    await transfer(hub, path, file, await cache.partial(file), { settings, label, signal, onWarning, onProgress });
    await cache.place(commit, file);
  }

  try {
    const weights = chooseWeights([...byName.keys()], repo);
    for (const name of companions) {
      if (byName.has(name)) await want(name, true);
      else await cache.markAbsent(commit, name).catch(() => {});
    }
    await want(weights, isWeightsIndex(weights));
    for (const name of await weightsOf(cache, commit, weights)) await want(name, false);
  } finally {
    await lock?.release();
  }
}

/** A function that passes on what has come of a file: the first of it, the last, and twice a second between. */
function report(backbone: string, file: HubFile, tell: ModelHooks["onDownload"]): (receivedBytes: number) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (receivedBytes) => {
    if (performance.now() - last < 500 && receivedBytes < file.size) return;
    last = performance.now();
    tell?.({ event: "download", backbone, file: file.name, receivedBytes, totalBytes: file.size });
  };
}
