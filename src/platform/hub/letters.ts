import type { Response } from "undici";
import { ConfigError, RuntimeUnavailableError } from "../../errors.js";
import { codeOf } from "../files.js";
import { Hiccup } from "./patience.js";
import type { HubSettings } from "./settings.js";

/** What to say of a request, or of a body, that the network lost. */
export function unreached(
  endpoint: string,
  error: unknown,
  { isBody = false, isProgress = false }: { readonly isBody?: boolean; readonly isProgress?: boolean } = {},
): Error {
  const causes: unknown[] = [];
  for (let at = error; at instanceof Error && causes.length < 5; at = at.cause) causes.push(at);
  const code = causes.map(codeOf).findLast((found) => found !== "") ?? "";
  const { host } = new URL(endpoint);
  const why = code || (causes.at(-1) as Error | undefined)?.message || String(error);
  if (/CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|EPROTO/.test(code)) {
    return new RuntimeUnavailableError(
      `${host}: no safe connection (${why}). Behind a proxy that opens connections, name its certificate in NODE_EXTRA_CA_CERTS.`,
    );
  }
  const letter = new RuntimeUnavailableError(
    `${host}: ${isBody ? "the transfer was cut" : "cannot be reached"} (${why}). Check the network, and HTTPS_PROXY where there is a proxy; --offline takes what has been downloaded before.`,
  );
  // Without a code it was no accident of the network: an address or a redirect that leads nowhere.
  return code === "" ? letter : new Hiccup(letter, code, undefined, isProgress);
}

/** What to say of an answer that refuses. */
export function refusal(response: Response, { endpoint, token }: HubSettings, repo: string): Error {
  const { status, headers } = response;
  const what = headers.get("x-error-code");
  const { host } = new URL(endpoint);
  if (what === "GatedRepo") {
    const account = token ? "the account of HF_TOKEN" : "your account, and set HF_TOKEN to a token of it";
    return new ConfigError(
      `${repo}: its owner gives it only to those who accept the terms. Accept them on ${endpoint}/${repo} with ${account}.`,
    );
  }
  if (what === "RevisionNotFound") return new ConfigError(`${repo}: ${host} has no such revision of it. Check it.`);
  if (what === "EntryNotFound") return new ConfigError(`${repo}: ${host} has lost a file of it. Try another revision.`);
  if (status === 401 && token && what !== "RepoNotFound") {
    return new ConfigError(
      `${repo}: ${host} does not accept the token. Renew HF_TOKEN, or unset it for a public model.`,
    );
  }
  if (status === 401 || status === 404) {
    return new ConfigError(
      `${repo}: there is no such folder here, and no such model on ${host}${token ? " that your token may read" : ""}. Check the name${token ? "" : "; for a private model set HF_TOKEN"}.`,
    );
  }
  if (status === 403) return new ConfigError(`${repo}: ${host} forbids it${token ? " to this token" : ""} (403).`);
  if (status === 429) {
    const waitMs = waitOf(headers.get("retry-after") ?? /\bt\s*=\s*(\d+)/.exec(headers.get("ratelimit") ?? "")?.[1]);
    const later = waitMs === undefined ? "later" : `in ${Math.ceil(waitMs / 1000)} s`;
    const letter = `${host}: asked too often (429). Try again ${later}${token ? "" : ", or set HF_TOKEN: who is known may ask more often"}.`;
    return new Hiccup(new RuntimeUnavailableError(letter), "", waitMs);
  }
  const letter = `${host}: answers ${status}${response.statusText && ` ${response.statusText}`}. Try again later.`;
  return status >= 500 || status === 408
    ? new Hiccup(new RuntimeUnavailableError(letter), "", waitOf(headers.get("retry-after")))
    : new RuntimeUnavailableError(letter);
}

/** How long `Retry-After` asks to wait, in milliseconds: it holds seconds or a date. */
function waitOf(text: string | null | undefined): number | undefined {
  if (!text) return undefined;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
