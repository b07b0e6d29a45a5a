import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/errors.js";
import { isCommit, parseHubName, printHubName } from "../../../src/platform/hub/name.js";

const repo = "timm/vit_base_patch16_224.augreg_in21k";
const commit = "0123456789abcdef0123456789abcdef01234567";

describe("parseHubName", () => {
  it("reads names, with a revision and without", () => {
    expect(parseHubName(repo)).toEqual({ repo, revision: undefined });
    expect(parseHubName(`hf:${repo}`)).toEqual({ repo, revision: undefined });
    expect(parseHubName(`${repo}@v1.0`)).toEqual({ repo, revision: "v1.0" });
    expect(parseHubName(`hf:${repo}@refs/pr/3`)).toEqual({ repo, revision: "refs/pr/3" });
    expect(parseHubName(printHubName(repo, commit))).toEqual({ repo, revision: commit });
  });

  it.each([
    "vit_tiny_patch16_224",
    "./timm/x",
    "../timm",
    "/timm/x",
    "timm/",
    "/x",
    "a/b/c",
    "timm\\x",
    "C:/x",
    "a b/c",
    "a/..",
    "a/b..c",
    "a--b/c",
    "-a/b",
    "a/b.",
    "",
    `${"a".repeat(97)}/b`,
    "drawn:count",
  ])("leaves %j to others", (text) => {
    expect(parseHubName(text)).toBeUndefined();
    expect(() => parseHubName(`hf:${text}`)).toThrow(ConfigError);
  });

  it.each(["..", "a/../b", "/a", "a/", "a b", "a\n", "-a", "%2e", "a".repeat(201)])(
    "refuses revision %j",
    (revision) => {
      expect(() => parseHubName(`hf:${repo}@${revision}`)).toThrow(ConfigError);
    },
  );

  it("gives words only, which are harmless in addresses and paths", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\w./@:-]{0,30}$/)), (text) => {
        let name: ReturnType<typeof parseHubName>;
        try {
          name = parseHubName(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
        if (name) expect(`${name.repo}/${name.revision ?? "x"}`).toMatch(/^(?!.*\.\.)(?!.*\/[./])[\w][\w./-]*$/);
      }),
    );
  });
});

describe("isCommit", () => {
  it("knows a full hash", () => {
    expect(isCommit(commit)).toBe(true);
    expect(isCommit(commit.slice(1))).toBe(false);
    expect(isCommit("main")).toBe(false);
  });
});
