import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseTransform, printTransform } from "../../src/data/transform.js";
import { transformsOf } from "../../src/platform/start.js";
import { parseConfig } from "../../src/train/config.js";

const folder = new URL("../../configs/", import.meta.url);
// The schema and the published figures are no configurations.
const files = readdirSync(folder).filter((name) => /\.json$/.test(name) && !/(\.schema|-published)\.json$/.test(name));

describe.each(files)("configs/%s", (file) => {
  const stored = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as object;

  it("is a configuration once it is told what, on what and where to", () => {
    const config = parseConfig({ ...stored, backbone: "b", data: "d", out: "o" }, file);
    const { imageSize } = transformsOf(config, [1, 1]);
    expect(imageSize).toEqual([config.imageSize, config.imageSize]);
    for (const sentence of [config.transform, config.evalTransform]) {
      if (sentence) expect(printTransform(parseTransform(sentence))).toBe(sentence);
    }
  });
});
