import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";

/** A model as the server has it: a commit, and files by name. */
export interface ServedModel {
  readonly commit: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** One request for a file's content. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly bytes: Uint8Array;
  readonly name: string;
  /** First byte that is asked for. */
  readonly start: number;
  /** How many contents were asked for before. */
  readonly turn: number;
}

/** A hub on loopback, with a second server for contents as the real one has. */
export interface HubServer {
  readonly endpoint: string;
  /** Models by `owner/name@revision`; may be changed. */
  readonly models: Map<string, ServedModel>;
  /** What was asked for: `list owner/name@revision`, `resolve name`, `content name from`. */
  readonly log: string[];
  /** The authorization that came with each of them. */
  readonly tokens: (string | undefined)[];
  /** Takes the place of the right answer to a request for a content, where it returns true. */
  onContent: ((exchange: Exchange) => boolean) | undefined;
  /** The same for everything that is asked of the hub itself. */
  onHub: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  close(): Promise<void>;
}

/** The names under which the hub and the cache know a content. */
export const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
export const gitHashOf = (bytes: Uint8Array): string =>
  createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
const isLarge = (name: string): boolean => !name.endsWith(".json");
export const digestOf = (name: string, bytes: Uint8Array): string =>
  isLarge(name) ? sha256Of(bytes) : gitHashOf(bytes);

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(answer: Answer): Promise<{ readonly address: string; close(): Promise<void> }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Starts a hub that serves models, well at first. */
export async function startHub(models: Record<string, ServedModel>): Promise<HubServer> {
  const [log, tokens]: [string[], (string | undefined)[]] = [[], []];
  const contents = new Map<string, { name: string; bytes: Uint8Array }>();
  let turn = 0;
  const note = (line: string, request: IncomingMessage): void => {
    log.push(line);
    tokens.push(request.headers.authorization);
  };

  const storage = await serve((request, response) => {
    const content = contents.get(request.url ?? "");
    if (!content) return void response.writeHead(404).end();
    const { name, bytes } = content;
    const start = Number(/^bytes=(\d+)-\d*$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    note(`content ${name} ${start}`, request);
    if (hub.onContent?.({ request, response, bytes, name, start, turn: turn++ })) return;
    sendContent(response, bytes, start);
  });

  const front = await serve((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://hub");
    const [, , , , listed, revision] = /^\/(api)\/(models)\/(([^/]+\/[^/]+))\/revision\/([^/]+)$/.exec(pathname) ?? [];
    const [, repo, commit, file] = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/([^/]+)$/.exec(pathname) ?? [];
    const name = `${listed ?? repo}@${decodeURIComponent(revision ?? commit ?? "")}`;
    note(listed === undefined ? `resolve ${file}` : `list ${name}`, request);
    if (hub.onHub?.(request, response)) return;
    const model = hub.models.get(name) ?? [...hub.models.values()].find((found) => found.commit === name.split("@")[1]);
    if (!model) return void response.writeHead(401, { "x-error-code": "RepoNotFound" }).end("Repository not found");
    if (listed !== undefined) {
      const siblings = Object.entries(model.files).map(([rfilename, bytes]) => ({
        rfilename,
        size: bytes.length,
        blobId: gitHashOf(bytes),
        ...(isLarge(rfilename) && { lfs: { sha256: sha256Of(bytes), size: bytes.length, pointerSize: 130 } }),
      }));
      response.setHeader("content-type", "application/json");
      return void response.end(JSON.stringify({ id: listed, sha: model.commit, siblings }));
    }
    const bytes = model.files[file ?? ""];
    if (!file || !bytes) return void response.writeHead(404, { "x-error-code": "EntryNotFound" }).end();
    const etag = digestOf(file, bytes);
    const path = `/${etag}?signature=1`;
    contents.set(path, { name: file, bytes });
    response.writeHead(302, {
      location: `${storage.address}${path}`,
      "x-repo-commit": model.commit,
      "x-linked-etag": `"${etag}"`,
      "x-linked-size": bytes.length,
      "content-length": 0,
    });
    response.end();
  });

  const hub: HubServer = {
    endpoint: front.address,
    models: new Map(Object.entries(models)),
    log,
    tokens,
    onContent: undefined,
    onHub: undefined,
    close: async () => {
      await Promise.all([front.close(), storage.close()]);
    },
  };
  return hub;
}

/** The right answer: all of a content, or from a byte on. */
export function sendContent(response: ServerResponse, bytes: Uint8Array, start = 0): void {
  const rest = bytes.subarray(start);
  const range = start > 0 && { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
  response.writeHead(start > 0 ? 206 : 200, { "content-length": rest.length, ...range });
  response.end(rest);
}

/** An answer that breaks off after some bytes, as a connection that is lost. */
export function cutContent(response: ServerResponse, bytes: Uint8Array, start: number, count: number): void {
  const range = start > 0 && { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
  response.writeHead(start > 0 ? 206 : 200, { "content-length": bytes.length - start, ...range });
  response.write(bytes.subarray(start, start + count), () => setTimeout(() => response.destroy(), 20));
}

/** A proxy on loopback that makes tunnels and forwards requests, and notes to where. */
export async function startProxy(): Promise<{
  readonly address: string;
  readonly log: string[];
  close(): Promise<void>;
}> {
  const log: string[] = [];
  const server = createServer((_, response) => void response.writeHead(501).end());
  server.on("connect", ({ url = "" }: IncomingMessage, client) => {
    log.push(url);
    const far = connect(Number(url.split(":")[1]), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      far.pipe(client).pipe(far);
    });
    for (const socket of [far, client]) socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
