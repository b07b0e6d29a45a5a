import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../../errors.js";

/** How the hub is reached, and where its files are kept. */
export interface HubSettings {
  /** `https://huggingface.co`, without a slash at the end. */
  readonly endpoint: string;
  readonly token: string | undefined;
  /** The folder that holds `models--owner--name` folders. */
  readonly cache: string;
  /** True where nothing may be asked of the network. */
  readonly offline: boolean;
  /** False where files are to lie in the snapshots themselves instead of links. */
  readonly links: boolean;
  /** Longest silence of a server, in milliseconds. */
  readonly timeoutMs: number;
  /** Wait before the second try, in milliseconds; every further one takes twice as long. */
  readonly retryMs: number;
  readonly proxies: { readonly http?: string; readonly https?: string; readonly none?: string };
}

/**
 * The settings of this machine, under the names that Python's huggingface_hub reads: `HF_ENDPOINT`, `HF_TOKEN`,
 * `HF_TOKEN_PATH`, `HF_HOME`, `HF_HUB_CACHE`, `HF_HUB_OFFLINE`, `HF_HUB_DISABLE_SYMLINKS`, `HF_HUB_DOWNLOAD_TIMEOUT`,
 * and the usual ones of proxies.
 * @throws ConfigError where the endpoint is no web address
 * @see https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables
 */
export async function hubSettings(env: NodeJS.ProcessEnv = process.env, offline = false): Promise<HubSettings> {
  const home = expand(env.HF_HOME) ?? join(expand(env.XDG_CACHE_HOME) ?? join(homedir(), ".cache"), "huggingface");
  const endpoint = (env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");
  if (!isWebAddress(endpoint)) {
    throw new ConfigError(`HF_ENDPOINT: expected an address such as https://huggingface.co, got ${endpoint}.`);
  }
  const file = expand(env.HF_TOKEN_PATH) ?? join(home, "token");
  const token = env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN || (await readFile(file, "utf8").catch(() => ""));
  const proxies = {
    http: env.http_proxy || env.HTTP_PROXY,
    https: env.https_proxy || env.HTTPS_PROXY,
    none: env.no_proxy || env.NO_PROXY,
  };
  return {
    endpoint,
    // A line break at the end of the file, or a quoted variable, is no part of the token.
    token: token.replaceAll(/\s/g, "") || undefined,
    cache: expand(env.HF_HUB_CACHE) ?? expand(env.HUGGINGFACE_HUB_CACHE) ?? join(home, "hub"),
    offline: offline || isTrue(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE),
    links: !isTrue(env.HF_HUB_DISABLE_SYMLINKS),
    timeoutMs: 1000 * (Number(env.HF_HUB_DOWNLOAD_TIMEOUT) || 30),
    retryMs: 500,
    proxies: Object.fromEntries(Object.entries(proxies).filter(([, value]) => value)),
  };
}

/** True for an address that HTTP can reach. */
export const isWebAddress = (text: string): boolean => /^https?:\/\/\S+$/i.test(text) && URL.canParse(text);

const isTrue = (value: string | undefined): boolean => /^(1|on|yes|true)$/i.test(value ?? "");

/** A path as Python expands it; undefined where it is not set. */
const expand = (path: string | undefined): string | undefined =>
  path ? path.replace(/^~(?=$|[/\\])/, () => homedir()) : undefined;
