import { describe, expect, it } from "vitest";
import { printTransform } from "../../src/data/transform.js";
import { ConfigError } from "../../src/errors.js";
import { transformsOf } from "../../src/platform/start.js";
import { parseConfig } from "../../src/train/config.js";

const transforms = (settings: object) => {
  const { train, evaluation, imageSize } = transformsOf(
    parseConfig({ backbone: "b", data: "d", out: "o", ...settings }, "test"),
    [224, 224],
  );
  return [printTransform(train), printTransform(evaluation), imageSize];
};

describe("the transforms of a configuration", () => {
  it("are direct resizes to the network's size, but for what is given", () => {
    const direct = "decode|resize(224,bicubic)";
    expect(transforms({})).toEqual([direct, direct, [224, 224]]);
    const own = "decode|random-resized-crop(96,0.08,bicubic)|flip";
    expect(transforms({ transform: own })).toEqual([own, "decode|resize(96,bicubic)", [96, 96]]);
    const middle = "decode|resize(256,bicubic)|center-crop(224)";
    expect(transforms({ evalTransform: middle })).toEqual([direct, middle, [224, 224]]);
  });

  it.each([
    [{ evalTransform: "decode|resize(224)|flip" }, /the same every time, got the random flip/],
    [{ evalTransform: "decode|rand-augment|resize(224)" }, /random rand-augment. Leave it to transform/],
    [{ transform: "decode|flip" }, /expected it to end in 224 x 224 pixels/],
    [{ transform: "decode|random-crop(96)", imageSize: 112 }, /expected it to end in 112 x 112 pixels, got 96 x 96/],
  ])("%j is refused", (settings, message) => {
    expect(() => transforms(settings)).toThrow(ConfigError);
    expect(() => transforms(settings)).toThrow(message);
  });
});
