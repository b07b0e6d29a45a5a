import { describe, expect, it } from "vitest";
import { domainParts } from "../../src/suite/domain-parts.js";
import type { TrialLine } from "../../src/suite/result.js";

const line = (scores: Readonly<Record<string, number>>): TrialLine =>
  ({
    trial: "t",
    task: "photo",
    method: "sas",
    seed: 0,
    config: {},
    trainable: 10,
    val: { top1: 0.9 },
    scores: Object.fromEntries(Object.entries(scores).map(([name, top1]) => [name, { last: { top1 }, best: null }])),
  }) as unknown as TrialLine;

const meansOf = (
  scores: Readonly<Record<string, number>>,
  asked: readonly string[],
): readonly (readonly [string, string])[] => {
  const material = { lines: [line(scores)], tasks: ["photo"], methods: ["sas"], groupOf: () => "tasks" };
  const table = domainParts(material, [], "photo", ["photo", ...asked])[0]?.table;
  const texts = table?.rows[0]?.map((cell) => (typeof cell === "string" ? cell : cell.text)) ?? [];
  return (table?.head ?? []).flatMap((name, i) => (name.startsWith("mean") ? [[name, texts[i] ?? ""] as const] : []));
};

describe("means over the targets of a domain", () => {
  it("leave out the source's own test images", () => {
    expect(meansOf({ photo: 0.9, sketch: 0.2, cartoon: 0.4 }, ["sketch", "cartoon"])).toEqual([
      ["mean of targets", "30.0"],
    ]);
  });

  it("leave out what was scored when other targets were asked for", () => {
    expect(meansOf({ photo: 0.9, sketch: 0.2, cartoon: 0.4, test: 0.8 }, ["sketch"])).toEqual([
      ["mean of targets", "20.0"],
    ]);
  });

  it("are empty where a target that was asked for is not scored at all", () => {
    expect(meansOf({ photo: 0.9 }, ["sketch"])).toEqual([["mean of targets", "–"]]);
  });

  it("keep the two ways to score apart", () => {
    const scores = { photo: 0.9, v2: 0.6, "r (200-class mask)": 0.4, "r (all 1000 logits)": 0.2 };
    expect(meansOf(scores, ["v2", "r"])).toEqual([
      ["mean of targets, masked", "50.0"],
      ["mean of targets, all logits", "40.0"],
    ]);
  });
});
