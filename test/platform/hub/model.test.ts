import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, FormatError, RuntimeUnavailableError } from "../../../src/errors.js";
import { fetchModel, type ModelHooks } from "../../../src/platform/hub/model.js";
import { type HubSettings, hubSettings } from "../../../src/platform/hub/settings.js";
import type { DownloadEvent } from "../../../src/train/events.js";
import {
  cutContent,
  gitHashOf,
  type HubServer,
  sendContent,
  sha256Of,
  startHub,
  startProxy,
} from "../../support/hub-server.js";

const commit = createHash("sha1").update("first").digest("hex");
const second = createHash("sha1").update("second").digest("hex");
const weights = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 5);
const config = new TextEncoder().encode('{"architecture":"vit"}');
const repo = "timm/tiny.in1k";

let folder: string;
let hub: HubServer;
let settings: HubSettings;
let warnings: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sas-hub-"));
  const files = { "config.json": config, "model.safetensors": weights, "README.md": new Uint8Array(9) };
  hub = await startHub({ [`${repo}@main`]: { commit, files } });
  const env = { HF_HOME: folder, HF_ENDPOINT: hub.endpoint, HF_TOKEN: "hf_secret\n" };
  settings = { ...(await hubSettings(env)), retryMs: 1, timeoutMs: 2000 };
  warnings = [];
});
afterEach(async () => {
  await hub.close();
  await rm(folder, { recursive: true });
});

const get = (hooks: ModelHooks = {}, change: Partial<HubSettings> = {}, revision?: string) =>
  fetchModel({ repo, revision }, { ...settings, ...change }, { onWarning: (text) => warnings.push(text), ...hooks });
const failure = async (promise: Promise<unknown>): Promise<Error> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  return error as Error;
};
const own = () => join(folder, "hub", "models--timm--tiny.in1k");
const blobs = () => readdir(join(own(), "blobs"));
const stored = () => readFile(join(own(), "snapshots", commit, "model.safetensors"));
const partial = () => join(own(), "blobs", `${sha256Of(weights)}.sas-petl.incomplete`);
const contents = () => hub.log.filter((line) => line.startsWith("content model"));
const sameBytes = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

async function leavePartial(bytes: Uint8Array): Promise<void> {
  await mkdir(join(own(), "blobs"), { recursive: true });
  await writeFile(partial(), bytes);
}

describe("a model of the hub", () => {
  it("lies in the cache as Python puts it, and only what is needed of it", async () => {
    const events: DownloadEvent[] = [];
    const found = await get({ onDownload: (event) => events.push(event) });
    expect(found).toEqual({ folder: join(own(), "snapshots", commit), place: `hf:${repo}@${commit}` });
    expect(sameBytes(await stored(), weights)).toBe(true);
    expect((await readdir(found.folder)).sort()).toEqual(["config.json", "model.safetensors"]);
    expect((await blobs()).sort()).toEqual([gitHashOf(config), sha256Of(weights)].sort());
    expect(await readlink(join(found.folder, "model.safetensors"))).toBe(join("..", "..", "blobs", sha256Of(weights)));
    expect(await readFile(join(own(), "refs", "main"), "utf8")).toBe(commit);
    expect(await readdir(join(own(), ".no_exist", commit))).toEqual(["preprocessor_config.json"]);
    expect(await readdir(join(folder, "hub", ".locks", "models--timm--tiny.in1k"))).toEqual([]);
    expect(events.at(-1)).toEqual({
      event: "download",
      backbone: repo,
      file: "model.safetensors",
      receivedBytes: weights.length,
      totalBytes: weights.length,
    });
    expect(warnings).toEqual([]);
  });

  it("gives the token to the hub, and to no host it is sent on to", async () => {
    await get();
    for (const [i, line] of hub.log.entries()) {
      expect([line, hub.tokens[i]]).toEqual([line, line.startsWith("content") ? undefined : "Bearer hf_secret"]);
    }
    expect(hub.log.filter((line) => line.startsWith("content"))).toHaveLength(2);
  });

  it("keeps the token where the hub sends it on to itself, and ends where it is sent in circles", async () => {
    hub.onHub = (request, response) => {
      if (!request.url?.startsWith("/api/") || request.url.includes("again")) return false;
      response.writeHead(307, { location: `${request.url}&again=1` }).end();
      return true;
    };
    await get();
    expect(hub.tokens.slice(0, 2)).toEqual(["Bearer hf_secret", "Bearer hf_secret"]);
    hub.onHub = (request, response) => {
      response.writeHead(307, { location: request.url }).end();
      return true;
    };
    await rm(own(), { recursive: true });
    expect((await failure(get())).message).toMatch(/cannot be reached \(redirect count exceeded\)/);
    expect(warnings).toEqual([]);
  });

  it("is not downloaded again, and a commit is not even asked for", async () => {
    await get();
    hub.log.length = 0;
    await get();
    expect(hub.log).toEqual([`list ${repo}@main`]);
    expect((await get({}, {}, commit)).place).toBe(`hf:${repo}@${commit}`);
    expect(hub.log).toHaveLength(1);
  });

  it("is taken anew where its branch has moved, but files that stayed are not", async () => {
    await get();
    const files = { "config.json": new TextEncoder().encode("{}"), "model.safetensors": weights };
    hub.models.set(`${repo}@main`, { commit: second, files });
    hub.log.length = 0;
    expect((await get()).place).toBe(`hf:${repo}@${second}`);
    expect(hub.log.filter((line) => line.startsWith("content"))).toEqual(["content config.json 0"]);
    expect(await readFile(join(own(), "refs", "main"), "utf8")).toBe(second);
  });

  it("may be a branch, a tag or a pull request", async () => {
    hub.models.set(`${repo}@refs/pr/3`, { commit: second, files: { "model.safetensors": weights } });
    expect((await get({}, {}, "refs/pr/3")).place).toBe(`hf:${repo}@${second}`);
    expect(await readFile(join(own(), "refs", "refs", "pr", "3"), "utf8")).toBe(second);
  });

  it("is made whole again where its files were damaged", async () => {
    await get();
    await truncate(join(own(), "blobs", sha256Of(weights)), 5);
    await rm(join(own(), "blobs", gitHashOf(config)));
    await get();
    expect(sameBytes(await stored(), weights)).toBe(true);
    expect(await readFile(join(own(), "snapshots", commit, "config.json"), "utf8")).toContain("vit");
  });

  it("lies in its snapshot itself where there are no links", async () => {
    const found = await get({}, { links: false });
    expect(await blobs()).toEqual([]);
    expect(sameBytes(await stored(), weights)).toBe(true);
    hub.log.length = 0;
    await get({}, { links: false });
    expect(hub.log).toEqual([`list ${repo}@main`]);
    expect(found.folder).toContain(commit);
  });

  it("is downloaded once by two at the same time", async () => {
    const found = await Promise.all([get(), get(), get()]);
    expect(new Set(found.map(({ place }) => place)).size).toBe(1);
    expect(contents()).toEqual(["content model.safetensors 0"]);
    expect(warnings.join()).toMatch(/process \d+ is downloading it; waiting/);
  });

  it.skipIf(process.platform === "win32" || process.getuid?.() === 0)(
    "is read from a cache that cannot be written to (skipped for root, who may write anywhere)",
    async () => {
      const { folder: snapshot } = await get();
      await chmod(own(), 0o500);
      expect((await get()).folder).toBe(snapshot);
      await chmod(own(), 0o700);
    },
  );
});

describe("a transfer", () => {
  it("goes on where it was cut, again and again", async () => {
    hub.onContent = ({ response, bytes, name, start }) => {
      if (name !== "model.safetensors" || start > 250_000) return false;
      cutContent(response, bytes, start, 70_000);
      return true;
    };
    await get();
    expect(sameBytes(await stored(), weights)).toBe(true);
    const starts = contents().map((line) => Number(line.split(" ")[2]));
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    expect(starts.length).toBeGreaterThan(3);
    expect(warnings.join()).toMatch(/the transfer was cut \(.+\).*; trying again/);
  });

  it("goes on with what an earlier process left", async () => {
    await leavePartial(weights.subarray(0, 123_456));
    await get();
    expect(contents()).toEqual(["content model.safetensors 123456"]);
    expect(sameBytes(await stored(), weights)).toBe(true);
    expect(existsSync(partial())).toBe(false);
  });

  it("needs nothing more where only the last step was missing", async () => {
    await leavePartial(weights);
    await get();
    expect(contents()).toEqual([]);
    expect(sameBytes(await stored(), weights)).toBe(true);
  });

  it.each([
    ["of zeros", new Uint8Array(1000)],
    ["as long as the file", new Uint8Array(weights.length)],
    ["longer than the file", new Uint8Array(weights.length + 1)],
  ])("begins anew where what was left is damaged: %s", async (_, left) => {
    await leavePartial(left);
    await get();
    expect(sameBytes(await stored(), weights)).toBe(true);
    expect(contents().at(-1)).toBe("content model.safetensors 0");
  });

  it.each<[string, (exchange: Parameters<NonNullable<HubServer["onContent"]>>[0]) => void]>([
    ["ignores ranges", ({ response, bytes }) => sendContent(response, bytes)],
    [
      "answers another range",
      ({ response, bytes }) => {
        const range = `bytes 5-${bytes.length - 1}/${bytes.length}`;
        response.writeHead(206, { "content-range": range }).end(bytes.subarray(5));
      },
    ],
    [
      "answers a range of another file",
      ({ response, bytes, start }) => {
        response.writeHead(206, { "content-range": `bytes ${start}-400000/400001` }).end(bytes.subarray(start));
      },
    ],
    ["names no range", ({ response, bytes, start }) => void response.writeHead(206).end(bytes.subarray(start))],
    ["has no such range", ({ response }) => void response.writeHead(416).end()],
  ])("comes whole from a server that %s", async (_, answer) => {
    await leavePartial(weights.subarray(0, 1000));
    hub.onContent = (exchange) => {
      if (exchange.start === 0) return false;
      answer(exchange);
      return true;
    };
    await get();
    expect(sameBytes(await stored(), weights)).toBe(true);
  });

  it.each<[string, RegExp, (exchange: Parameters<NonNullable<HubServer["onContent"]>>[0]) => void]>([
    [
      "wrong bytes",
      /what came is not the file the hub announced/,
      ({ response, bytes }) =>
        sendContent(
          response,
          Uint8Array.from(bytes, (byte, i) => (i === 99 ? byte ^ 1 : byte)),
        ),
    ],
    [
      "a shorter file",
      /expected 300000 bytes, got the answer 200 with 10/,
      ({ response, bytes }) => sendContent(response, bytes.subarray(0, 10)),
    ],
    [
      "a login page",
      /expected 300000 bytes.*A proxy or a login page/,
      ({ response }) => void response.writeHead(200, { "content-length": 6 }).end("<html>"),
    ],
    [
      "more than it announced",
      /announced 300000 bytes and sends more/,
      ({ response, bytes }) => {
        response.writeHead(200);
        response.write(bytes);
        response.end("more");
      },
    ],
    [
      "a part nobody asked for",
      /got the answer 206/,
      ({ response, bytes }) => void response.writeHead(206).end(bytes.subarray(0, 9)),
    ],
  ])("refuses %s", async (_, message, answer) => {
    hub.onContent = (exchange) => {
      if (exchange.name !== "model.safetensors") return false;
      answer(exchange);
      return true;
    };
    const error = await failure(get());
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toMatch(message);
    expect(await blobs()).not.toContain(sha256Of(weights));
    hub.onContent = undefined;
    await get();
    expect(sameBytes(await stored(), weights)).toBe(true);
  });

  it("gives up on a server that always breaks off, and keeps what came", async () => {
    hub.onContent = ({ response, bytes, name, start }) => {
      if (name !== "model.safetensors") return false;
      cutContent(response, bytes, start, 100);
      return true;
    };
    const error = await failure(get());
    expect(error).toBeInstanceOf(RuntimeUnavailableError);
    expect(contents()).toHaveLength(5);
    expect((await stat(partial())).size).toBeGreaterThan(0);
  });

  it("ends early without saying so", async () => {
    hub.onContent = ({ response, bytes, name, turn }) => {
      if (name !== "model.safetensors" || turn > 1) return false;
      response.writeHead(200);
      response.end(bytes.subarray(0, 100_000));
      return true;
    };
    await get();
    expect(warnings.join()).toMatch(/ended after 100000 of 300000 bytes; trying again/);
    expect(sameBytes(await stored(), weights)).toBe(true);
  });

  it("is asked for again where the server falls silent", async () => {
    hub.onContent = ({ response, bytes, turn }) => {
      if (turn > 0) return false;
      response.writeHead(200, { "content-length": bytes.length });
      response.flushHeaders();
      return true;
    };
    await get({}, { timeoutMs: 300 });
    expect(warnings.join()).toMatch(/UND_ERR_BODY_TIMEOUT/);
    expect(sameBytes(await stored(), weights)).toBe(true);
  });

  it("stops when it is told to, and goes on later", async () => {
    const controller = new AbortController();
    hub.onContent = ({ response, bytes, name }) => {
      if (name !== "model.safetensors") return false;
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, 150_000), () => setTimeout(() => controller.abort(new Error("enough")), 50));
      return true;
    };
    expect((await failure(get({ signal: controller.signal }))).message).toBe("enough");
    expect(await readdir(join(folder, "hub", ".locks", "models--timm--tiny.in1k"))).toEqual([]);
    hub.onContent = undefined;
    await get();
    expect(contents()).toEqual(["content model.safetensors 0", "content model.safetensors 150000"]);
  });

  it("is not begun where the disk has no room for it", async () => {
    hub.onHub = (request, response) => {
      if (!request.url?.startsWith("/api/")) return false;
      const lfs = { sha256: sha256Of(weights), size: 2 ** 52 };
      response.end(JSON.stringify({ sha: commit, siblings: [{ rfilename: "model.safetensors", lfs }] }));
      return true;
    };
    const error = await failure(get());
    expect(error).toBeInstanceOf(RuntimeUnavailableError);
    expect(error.message).toMatch(/takes 4294967296 MiB more, the disk has \d+ MiB left/);
  });

  it.skipIf(!existsSync("/dev/full"))("says that the disk is full (skipped where there is no /dev/full)", async () => {
    await mkdir(join(own(), "blobs"), { recursive: true });
    await symlink("/dev/full", partial());
    const error = await failure(get());
    expect(error).toBeInstanceOf(RuntimeUnavailableError);
    expect(error.message).toMatch(/the disk is full/);
  });
});

describe("a hub that refuses", () => {
  const refuse = (status: number, headers: Record<string, string> = {}, times = Number.POSITIVE_INFINITY) => {
    let left = times;
    hub.onHub = (_, response) => {
      if (left-- <= 0) return false;
      response.writeHead(status, headers).end("no");
      return true;
    };
  };

  it.each([
    [401, {}, "hf_x", /does not accept the token. Renew HF_TOKEN/],
    [
      401,
      { "x-error-code": "RepoNotFound" },
      "hf_x",
      /no such folder here, and no such model.*that your token may read/,
    ],
    [401, {}, undefined, /no such folder here, and no such model.*for a private model set HF_TOKEN/],
    [404, {}, undefined, /no such folder here/],
    [404, { "x-error-code": "RevisionNotFound" }, undefined, /no such revision/],
    [404, { "x-error-code": "EntryNotFound" }, undefined, /has lost a file/],
    [401, { "x-error-code": "GatedRepo" }, undefined, /accept the terms. Accept them on .*set HF_TOKEN/],
    [403, { "x-error-code": "GatedRepo" }, "hf_x", /Accept them on .* with the account of HF_TOKEN/],
    [403, {}, "hf_x", /forbids it to this token \(403\)/],
  ])("%i %j with token %s", async (status, headers, token, message) => {
    refuse(status, headers);
    const error = await failure(get({}, { token }));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain("hf_x");
    expect(hub.log).toHaveLength(1);
  });

  it("is asked again after a while where it is busy or broken", async () => {
    for (const [status, headers] of [
      [429, { "retry-after": "0" }],
      [429, { ratelimit: '"api";r=0;t=0' }],
      [503, {}],
      [500, { "retry-after": new Date(0).toUTCString() }],
      [408, {}],
    ] as const) {
      refuse(status, headers, 2);
      await get();
      expect(warnings.splice(0)).toHaveLength(2);
    }
  });

  it("is left alone where it asks to wait long", async () => {
    refuse(429, { "retry-after": "301" });
    const error = await failure(get());
    expect(error).toBeInstanceOf(RuntimeUnavailableError);
    expect(error.message).toMatch(/asked too often \(429\). Try again in 301 s\./);
    expect(hub.log).toHaveLength(1);
  });

  it("is given up after five times", async () => {
    refuse(502);
    expect((await failure(get())).message).toMatch(/answers 502 Bad Gateway/);
    expect(hub.log).toHaveLength(5);
  });

  it("may be without what was downloaded before", async () => {
    await get();
    refuse(503);
    expect((await get()).place).toContain(commit);
    expect(warnings.at(-1)).toMatch(/answers 503.*Going on with what was downloaded before: [0-9a-f]{40}/);
    await rm(join(own(), "blobs", sha256Of(weights)));
    expect(await failure(get())).toBeInstanceOf(RuntimeUnavailableError);
  });

  it("may answer with anything", async () => {
    const answers: [string, RegExp][] = [
      ["<html>", /expected a list of files as JSON/],
      ["null", /no list of files/],
      ['{"sha":"../..","siblings":[]}', /no list of files: sha/],
      [`{"sha":"${commit}","siblings":[{"rfilename":"a","size":-1}]}`, /siblings\.0\.size/],
      [`{"sha":"${commit}","siblings":[{"rfilename":"a","size":1e300}]}`, /siblings\.0\.size/],
      [`{"sha":"${commit}","siblings":[{"rfilename":"a","size":1,"blobId":"../x"}]}`, /siblings\.0\.blobId/],
    ];
    for (const [text, message] of answers) {
      hub.onHub = (_, response) => {
        response.end(text);
        return true;
      };
      const error = await failure(get());
      expect(error).toBeInstanceOf(FormatError);
      expect(error.message).toMatch(message);
    }
  });

  it("may answer for another commit, and without an end", async () => {
    hub.models.set(`${repo}@${second}`, { commit, files: {} });
    expect((await failure(get({}, {}, second))).message).toMatch(/the hub answered with/);
    hub.onHub = (_, response) => {
      const piece = Buffer.alloc(2 ** 20, " ");
      const pour = (): void => {
        while (!response.destroyed && response.write(piece));
        if (!response.destroyed) response.once("drain", pour);
      };
      pour();
      return true;
    };
    expect((await failure(get())).message).toMatch(/answer has no end/);
  });
});

describe("without the network", () => {
  it("what was downloaded is there, and what was not is said", async () => {
    expect((await failure(get({}, { offline: true }))).message).toMatch(
      /revision main is not in .*hub, and the network/,
    );
    const { place } = await get();
    hub.log.length = 0;
    expect((await get({}, { offline: true })).place).toBe(place);
    expect((await get({}, { offline: true }, commit)).place).toBe(place);
    expect(await failure(get({}, { offline: true }, second))).toBeInstanceOf(ConfigError);
    expect(hub.log).toEqual([]);
  });

  it("goes on with what was downloaded where the hub is out of reach, and says at once where nothing was", async () => {
    const closed = await startHub({});
    await closed.close();
    const gone = { endpoint: closed.endpoint };
    const error = await failure(get({}, gone));
    expect(error).toBeInstanceOf(RuntimeUnavailableError);
    expect(error.message).toMatch(
      /no folder here, and not downloaded yet\. 127\.0\.0\.1:\d+: cannot be reached \(ECONNREFUSED\).*--offline/,
    );
    expect(warnings).toEqual([]);
    await get();
    await get({}, gone);
    expect(warnings.at(-1)).toMatch(/Going on with what was downloaded before/);
  });
});

describe("weights in several files", () => {
  const shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  const serve = (map: Record<string, string>, names = shards) => {
    const index = new TextEncoder().encode(JSON.stringify({ weight_map: map }));
    const files = {
      "model.safetensors.index.json": index,
      ...Object.fromEntries(names.map((name) => [name, weights])),
    };
    hub.models.set(`${repo}@main`, { commit, files });
  };

  it("all come, and offline all must be there", async () => {
    serve({ a: shards[0] as string, b: shards[1] as string, c: shards[0] as string });
    const { folder: snapshot } = await get();
    expect((await readdir(snapshot)).sort()).toEqual([...shards, "model.safetensors.index.json"]);
    await get({}, { offline: true });
    await rm(join(snapshot, shards[1] as string));
    expect(await failure(get({}, { offline: true }))).toBeInstanceOf(ConfigError);
  });

  it("must lie beside the index", async () => {
    for (const name of ["../../evil.safetensors", "/etc/passwd", "a/b.safetensors", ".safetensors"]) {
      serve({ a: name });
      expect((await failure(get())).message).toMatch(/expected the name of a file of weights, got/);
      await rm(own(), { recursive: true });
    }
    serve({ a: "model-00009-of-00009.safetensors" });
    expect((await failure(get())).message).toMatch(/names model-00009-of-00009.safetensors, which the model has not/);
  });
});

describe("a proxy", () => {
  it("is gone through, but not to hosts it is not for", async () => {
    const proxy = await startProxy();
    try {
      const { port } = new URL(hub.endpoint);
      await get({}, { endpoint: `http://hub.invalid:${port}`, proxies: { http: proxy.address, none: "127.0.0.1" } });
      expect(new Set(proxy.log)).toEqual(new Set([`hub.invalid:${port}`]));
      expect(sameBytes(await stored(), weights)).toBe(true);
    } finally {
      await proxy.close();
    }
  });

  it("needs an address", async () => {
    expect((await failure(get({}, { proxies: { https: "proxy:3128" } }))).message).toMatch(/HTTPS_PROXY: expected/);
  });
});
