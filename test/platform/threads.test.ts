import { availableParallelism } from "node:os";
import { expect, it } from "vitest";
import { ConfigError } from "../../src/errors.js";
import { threadsOf } from "../../src/platform/ort-node.js";

it("computes with as many threads as there are processors, and refuses what would only be in each other's way", () => {
  expect(threadsOf()).toBe(availableParallelism());
  expect(threadsOf(1)).toBe(1);
  expect(() => threadsOf(9999)).toThrow(ConfigError);
});
