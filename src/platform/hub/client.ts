import type { Response } from "undici";
import { ConfigError, FormatError } from "../../errors.js";
import { packageVersion } from "../versions.js";
import { refusal, unreached } from "./letters.js";
import { type HubSettings, isWebAddress } from "./settings.js";

/** Something that asks a hub. */
export interface HubClient {
  /**
   * The answer to a request; `416` and successes only.
   * @throws Hiccup where the same request may have an answer later
   * @throws ConfigError where the hub refuses it
   */
  get(path: string, headers?: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Response>;
  /**
   * The text of an answer.
   * @throws as `get`, and FormatError where it is longer than a text of its kind can be
   */
  getText(path: string, largestBytes: number, signal?: AbortSignal): Promise<string>;
  close(): Promise<void>;
}

/**
 * A client of the hub. Its own fetch follows redirects and leaves the token behind where they lead to another host.
 * @throws ConfigError where a proxy's address is none
 */
export async function openHub(settings: HubSettings, repo: string): Promise<HubClient> {
  const { endpoint, token, timeoutMs, proxies } = settings;
  const { Agent, EnvHttpProxyAgent, fetch } = await import("undici");
  const limits = { connect: { timeout: timeoutMs }, headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
  const { http: httpProxy, https: httpsProxy, none: noProxy = "" } = proxies;
  const addresses = { ...(httpProxy && { httpProxy }), ...(httpsProxy && { httpsProxy }) };
  for (const address of Object.values(addresses)) {
    if (!isWebAddress(address)) {
      throw new ConfigError(`HTTPS_PROXY: expected an address such as http://proxy:3128, got ${address}.`);
    }
  }
  const own = {
    "user-agent": `sas-petl/${packageVersion()}`,
    // Sizes and ranges are those of the file itself only where nothing is compressed on the way.
    "accept-encoding": "identity",
    ...(token && { authorization: `Bearer ${token}` }),
  };
  const isDirect = Object.keys(addresses).length === 0;
  const dispatcher = isDirect ? new Agent(limits) : new EnvHttpProxyAgent({ ...limits, ...addresses, noProxy });
  const hub: HubClient = {
    async get(path, headers = {}, signal) {
      const response = await fetch(`${endpoint}/${path}`, {
        dispatcher,
        headers: { ...own, ...headers },
        signal: signal ?? null,
      }).catch((error: unknown) => {
        signal?.throwIfAborted();
        throw unreached(endpoint, error);
      });
      if (response.ok || response.status === 416) return response;
      await response.body?.cancel().catch(() => {});
      throw refusal(response, settings, repo);
    },
    async getText(path, largestBytes, signal) {
      const { body } = await hub.get(path, { accept: "application/json" }, signal);
      const pieces: Uint8Array[] = [];
      let size = 0;
      try {
        for await (const piece of body ?? []) {
          pieces.push(piece as Uint8Array);
          size += (piece as Uint8Array).length;
          if (size > largestBytes) break;
        }
      } catch (error) {
        signal?.throwIfAborted();
        throw unreached(endpoint, error, { isBody: true });
      }
      if (size <= largestBytes) return Buffer.concat(pieces).toString("utf8");
      throw new FormatError(`${repo}: the hub's answer has no end. Check HF_ENDPOINT and the proxy.`);
    },
    close: () => dispatcher.destroy(),
  };
  return hub;
}
