import type { Response } from "undici";
import { FormatError, RuntimeUnavailableError } from "../../errors.js";
import type { HubClient } from "./client.js";
import { unreached } from "./letters.js";
import type { HubFile } from "./listing.js";
import { openPartial, type Partial } from "./partial.js";
import { Hiccup, type HubHooks, patiently } from "./patience.js";
import type { HubSettings } from "./settings.js";

/** What a transfer needs to know. */
export interface TransferOptions extends HubHooks {
  readonly settings: HubSettings;
  /** What the file is called to a person: `timm/vit_tiny model.safetensors`. */
  readonly label: string;
  readonly onProgress?: ((receivedBytes: number) => void) | undefined;
}

/** Less than this is no progress: a server that gives a little and breaks off is not asked forever. */
const progressBytes = 2 ** 16;

/**
 * Gathers a file at `partial`, going on where an earlier process stopped, until it is whole and has its hash.
 * @param path of the file below the hub's address
 * @throws FormatError where the server sends something else than the file it announced
 * @throws RuntimeUnavailableError where network, server or disk give out; what is there stays for the next time
 */
export async function transfer(
  hub: HubClient,
  path: string,
  file: HubFile,
  partial: string,
  options: TransferOptions,
): Promise<void> {
  const out = await openPartial(partial, file);
  const { settings, label } = options;
  const gather = () => patiently(() => receive(hub, path, file, out, options), settings, options);
  try {
    await gather();
    if (!out.isGenuine() && out.isContinued) {
      // What lay there may have been damaged, so once all of it anew.
      await out.restart();
      await gather();
    }
    if (out.isGenuine()) return;
    await out.restart();
    throw new FormatError(
      `${label}: what came is not the file the hub announced (its hash differs). A proxy or mirror may change files; check HF_ENDPOINT and HTTPS_PROXY, then try again.`,
    );
  } finally {
    await out.close();
  }
}

/** Asks once for what is missing and takes what comes. */
async function receive(
  hub: HubClient,
  path: string,
  file: HubFile,
  out: Partial,
  { signal, settings, label, onProgress }: TransferOptions,
): Promise<void> {
  if (out.received === file.size) return;
  const body = (await answer(hub, path, file, out, label, signal)).body?.getReader();
  const before = out.received;
  const isProgress = () => out.received - before >= progressBytes;
  try {
    for (;;) {
      const piece = await body?.read().catch((error: unknown) => {
        signal?.throwIfAborted();
        throw unreached(settings.endpoint, error, { isBody: true, isProgress: isProgress() });
      });
      if (!piece || piece.done) break;
      if (out.received + piece.value.length > file.size) {
        await out.restart();
        throw new FormatError(`${label}: the hub announced ${file.size} bytes and sends more. Try again later.`);
      }
      await out.write(piece.value as Uint8Array);
      onProgress?.(out.received);
    }
  } finally {
    await body?.cancel().catch(() => {});
  }
  if (out.received < file.size) {
    const letter = `${label}: the transfer ended after ${out.received} of ${file.size} bytes. Try again later; it goes on from there.`;
    throw new Hiccup(new RuntimeUnavailableError(letter), "", undefined, isProgress());
  }
}

/** The answer whose body begins with the first byte that is missing. */
async function answer(
  hub: HubClient,
  path: string,
  file: HubFile,
  out: Partial,
  label: string,
  signal: AbortSignal | undefined,
): Promise<Response> {
  if (out.received > 0) {
    const response = await hub.get(path, { range: `bytes=${out.received}-` }, signal);
    if (response.status === 206 && continues(response, file, out.received)) return response;
    // The whole file came, or a range nobody asked for, or none: what is there is of no use.
    await out.restart();
    if (response.status === 200 && hasLength(response, file.size)) return response;
    await response.body?.cancel().catch(() => {});
  }
  const response = await hub.get(path, {}, signal);
  if (response.status === 200 && hasLength(response, file.size)) return response;
  await response.body?.cancel().catch(() => {});
  throw new FormatError(
    `${label}: expected ${file.size} bytes, got the answer ${response.status} with ${response.headers.get("content-length") ?? "unknown many"}. A proxy or a login page may have answered; check HF_ENDPOINT and HTTPS_PROXY.`,
  );
}

/** True for a range from `start` to the end of this very file. @see RFC 9110, section 14.4 */
function continues({ headers }: Response, { size }: HubFile, start: number): boolean {
  const [, first, last, all] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get("content-range") ?? "") ?? [];
  return Number(first) === start && Number(last) === size - 1 && (all === "*" || Number(all) === size);
}

/** False for a body that says itself that it is not of this length. */
function hasLength({ headers }: Response, size: number): boolean {
  const length = headers.get("content-length");
  return length === null || headers.has("content-encoding") || Number(length) === size;
}
