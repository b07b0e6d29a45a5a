import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepingShelf } from "../../src/platform/shelf.js";
import { runSuite, type SuiteEvent } from "../../src/platform/suite.js";
import type { SuiteOptions } from "../../src/platform/suite-options.js";
import { planSuite } from "../../src/platform/suite-plan.js";
import { parseMethods, type Setting } from "../../src/suite/method-choice.js";
import { choicesPart } from "../../src/suite/parts.js";
import { isFinished, parseResults, type TrialLine } from "../../src/suite/result.js";
import { makeTinyTask } from "../support/tiny-task.js";
import { nameOfLine } from "../support/trial-name.js";

let folder: string;
beforeAll(async () => {
  folder = await makeTinyTask();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const optionsOf = (out: string, given: Partial<SuiteOptions> = {}): SuiteOptions => ({
  suite: "run",
  out: join(folder, out),
  tasks: [
    { name: "colours", data: join(folder, "data") },
    { name: "count", data: "drawn:count:train=12:val=6:test=6:size=16" },
  ],
  methods: parseMethods("linear,sas:rank=2,embedding=2"),
  seeds: [0, 1],
  rates: [1e-3, 3e-2],
  config: { backbone: join(folder, "backbone"), epochs: 2, batchSize: 12, threads: 1, clip: null },
  ...given,
});

const linesOf = (out: string): TrialLine[] => {
  const file = join(folder, out, "results.jsonl");
  return [...parseResults(readFileSync(file, "utf8"), file).values()] as TrialLine[];
};
/** What a line found, without times. */
const bare = ({ seconds: _, wallSeconds: __, ...line }: TrialLine) => line;
const sorted = (lines: readonly TrialLine[]) => lines.map(bare).toSorted((a, b) => (a.trial < b.trial ? -1 : 1));

describe("a suite", () => {
  it("runs searches and results once each, and a second time nothing", async () => {
    const events: SuiteEvent[] = [];
    const first = await runSuite(optionsOf("whole"), { onEvent: (event) => events.push(event) });
    // Of each method on each task 2 rates, of which one is seed 0, and seed 1.
    expect(first.plan.steps).toHaveLength(2 * 2 * 3);
    expect([first.lines.length, first.searched.length, first.failures.length]).toEqual([8, 8, 0]);
    const lines = linesOf("whole");
    expect(lines).toHaveLength(12);
    expect(lines.filter(({ role }) => role === "result")).toHaveLength(8);
    expect(new Set(lines.map(({ trial }) => trial)).size).toBe(12);
    for (const line of lines) {
      expect(Object.keys(line.scores)).toEqual(line.role === "result" ? ["test"] : []);
      expect(existsSync(join(folder, "whole/trials", line.trial, "adapter.safetensors"))).toBe(true);
      expect(existsSync(join(folder, "whole/trials", line.trial, "checkpoint.safetensors"))).toBe(false);
      expect(line.versions).toHaveProperty("engine");
      expect(line.digests.backbone).toMatch(/^[0-9a-f]{64}$/);
    }
    // The chosen rate is that of the better search, the head's where it is trained alone.
    for (const cell of first.plan.cells) {
      const own = (line: TrialLine) => line.task === cell.task.name && line.method === cell.method.label;
      const key = cell.method.method === "linear" ? "headLr" : "lr";
      const tried = first.searched.filter(isFinished).filter(own);
      expect(tried.map((line) => line[key])).toEqual([1e-3, 3e-2]);
      const best = tried.reduce((a, b) => {
        const [x, y] = [a.val, b.val];
        return (y?.top1 ?? 0) > (x?.top1 ?? 0) || (y?.top1 === x?.top1 && (y?.nll ?? 0) < (x?.nll ?? 0)) ? b : a;
      });
      const found = first.lines.filter(own);
      expect(found.map((line) => [line.seed, line[key]])).toEqual([0, 1].map((seed) => [seed, best[key]]));
      expect(found[0]?.trial).toBe(best.trial);
    }
    const before = readFileSync(join(folder, "whole/results.jsonl"), "utf8");
    const again: SuiteEvent[] = [];
    const second = await runSuite(optionsOf("whole"), { onEvent: (event) => again.push(event) });
    expect(second.lines.map(bare)).toEqual(first.lines.map(bare));
    expect(again.filter(({ event }) => event === "begin" || event === "training")).toEqual([]);
    expect(second.plan.steps.every(({ isDone }) => isDone)).toBe(true);
    expect(second.plan.seconds).toBe(0);
    expect(readFileSync(join(folder, "whole/results.jsonl"), "utf8")).toBe(before);
  });

  it("scores as training and evaluation do", async () => {
    const { train } = await import("../../src/platform/train.js");
    const [line] = linesOf("whole").filter(
      ({ task, method, seed }) => task === "colours" && method === "linear" && seed === 1,
    );
    const config = { ...optionsOf("").config, headLr: line?.headLr };
    const done = await train(
      { ...config, data: join(folder, "data"), method: "linear", seed: 1, out: join(folder, "alone") },
      { report: "none" },
    );
    expect(line?.val).toEqual(done.val);
    expect(line?.scores.test?.last.top1).toBe(done.test?.top1);
    expect(line?.scores.test?.best?.top1).toBe(done.best?.test?.top1);
    expect(line?.scores.test?.last.nll).toBeCloseTo(done.test?.nll ?? Number.NaN, 5);
  });

  it("takes up another task, method or seed without touching what is there", async () => {
    const options = optionsOf("whole", {
      seeds: [0, 1, 2],
      methods: parseMethods("linear,bitfit,sas:rank=2,embedding=2"),
    });
    const began: string[] = [];
    await runSuite(options, {
      onEvent: (event) => event.event === "begin" && began.push(`${event.trial.method} ${event.trial.config.seed}`),
    });
    // Two tasks: seed 2 of each old method, and bitfit: 2 rates with seed 0, seed 0's scores, seeds 1 and 2.
    expect(began.filter((name) => name === "linear 2" || name.startsWith("sas"))).toHaveLength(4);
    expect(began.filter((name) => name.startsWith("bitfit"))).toHaveLength(10);
    expect(began).toHaveLength(14);
  });

  it("takes the same trial under another label as done", async () => {
    const events: SuiteEvent[] = [];
    const { lines } = await runSuite(
      optionsOf("whole", { methods: parseMethods("sas:embedding=2,rank=2,hidden=0"), rates: [3e-2, 1e-3] }),
      { onEvent: (event) => events.push(event) },
    );
    expect(events.some(({ event }) => event === "begin")).toBe(false);
    expect(new Set(lines.map(({ method }) => method))).toEqual(new Set(["sas:embedding=2,rank=2,hidden=0"]));
  });

  it("chooses no rate that diverges, tries it once, and says where none is left", async () => {
    const options = (rates: readonly number[]) =>
      optionsOf("diverging", { tasks: optionsOf("").tasks.slice(0, 1), methods: parseMethods("bitfit"), rates });
    const events: SuiteEvent[] = [];
    const rerun = (rates: readonly number[]) => {
      events.length = 0;
      return runSuite(options(rates), { onEvent: (event) => events.push(event) });
    };
    const first = await rerun([1e-3, 1e38]);
    expect([first.lines.map(({ lr }) => lr), first.failures]).toEqual([[1e-3, 1e-3], []]);
    expect(first.searched.map((line) => ["error" in line, line.lr])).toEqual([
      [false, 1e-3],
      [true, 1e38],
    ]);
    const choices = choicesPart(first.searched, {
      ...first,
      tasks: ["colours"],
      methods: ["bitfit"],
      groupOf: () => "",
    });
    expect(choices?.table?.rows[0]?.slice(1)).toEqual([
      "lr 0.001 (end)",
      expect.stringMatching(/^lr 0.001: \d+\.\d; lr 1e\+38: diverged$/),
    ]);
    const trial = first.searched.at(-1)?.trial ?? "";
    expect(existsSync(join(folder, "diverging/trials", trial, "checkpoint.safetensors"))).toBe(false);

    const second = await rerun([1e-3, 1e38]);
    expect([second.plan.steps.every(({ isDone }) => isDone), second.failures]).toEqual([true, []]);
    expect(events.filter(({ event }) => event === "begin")).toEqual([]);
    expect(events).toContainEqual(expect.objectContaining({ event: "failure", isResult: false, wasThere: true }));

    const { plan, lines, failures } = await rerun([1e38, 1e37]);
    expect(lines).toEqual([]);
    expect(failures.map(({ lr, error }) => [lr, error])).toEqual(
      [1e38, 1e37].map((rate) => [rate, expect.stringMatching(/has left the numbers.*Try a lower learning rate/)]),
    );
    // The results it would have had are in no plan once that is known.
    expect(plan.steps).toHaveLength(3);
    expect((await rerun([1e38, 1e37])).plan.steps.map(({ isDone }) => isDone)).toEqual([true, true]);
    expect((await rerun([1e38])).failures).toHaveLength(2);
    const third = await rerun([1e38]);
    expect([third.failures.length, events.filter(({ event }) => event === "begin")]).toEqual([2, []]);
  });

  it("has one result for each seed when a wider grid chooses otherwise", async () => {
    const options = (rates: readonly number[]) =>
      optionsOf("wider", { tasks: optionsOf("").tasks.slice(0, 1), methods: parseMethods("linear"), rates });
    const results = () => linesOf("wider").filter(({ role }) => role === "result");
    await runSuite(options([1e-9]));
    expect(results().map(({ headLr }) => headLr)).toEqual([1e-9, 1e-9]);
    await runSuite(options([1e-9, 3e-2]));
    expect(results().map(({ seed, headLr }) => [seed, headLr])).toEqual([
      [0, 3e-2],
      [1, 3e-2],
    ]);
    const { lines } = await runSuite(options([1e-9]), {
      onEvent: ({ event }) => expect(event).not.toBe("begin"),
    });
    expect(lines.map(({ headLr }) => headLr)).toEqual([1e-9, 1e-9]);
  });

  it("aborted at any event and started again ends in the same lines", async () => {
    const whole = sorted(linesOf("whole"));
    const wanted = new Set(optionsOf("whole").methods.map(({ label }) => label));
    const expected = whole.filter(({ method, seed }) => wanted.has(method) && seed < 2);
    let stops = 0;
    for (const stopAt of [1, 3, 4, 7, 11, 17, 26]) {
      const controller = new AbortController();
      let count = 0;
      const run = runSuite(optionsOf("aborted"), {
        signal: controller.signal,
        onEvent: () => {
          if (++count === stopAt) controller.abort(new Error("stop"));
        },
      });
      await run.then(
        () => undefined,
        (error: Error) => {
          expect(error.message).toBe("stop");
          stops++;
        },
      );
      expect(readdirSync(join(folder, "aborted")).filter((name) => name.startsWith(".lock"))).toEqual([]);
    }
    expect(stops).toBeGreaterThan(4);
    await runSuite(optionsOf("aborted"));
    expect(sorted(linesOf("aborted"))).toEqual(expected);
  });

  it("records a trial that fails, goes on with the rest, and tries it again", async () => {
    cpSync(join(folder, "data"), join(folder, "mendable"), { recursive: true });
    const image = join(folder, "mendable/train/red/0.png");
    const bytes = readFileSync(image);
    writeFileSync(image, Buffer.alloc(bytes.length));
    const options = optionsOf("failing", {
      tasks: [{ name: "bad", data: join(folder, "mendable") }, ...optionsOf("").tasks.slice(1)],
      methods: parseMethods("linear"),
      rates: [],
      seeds: [0],
    });
    const first = await runSuite(options);
    expect(first.failures).toHaveLength(1);
    expect(first.failures[0]).toMatchObject({ task: "bad", method: "linear", error: expect.stringContaining("0.png") });
    expect(first.lines.map(({ task }) => task)).toEqual(["count"]);
    expect(readFileSync(join(folder, "failing/results.jsonl"), "utf8")).toContain('"error":');
    writeFileSync(image, bytes);
    const second = await runSuite(options);
    expect([second.failures.length, second.lines.map(({ task }) => task)]).toEqual([0, ["bad", "count"]]);
    expect(readFileSync(join(folder, "failing/results.jsonl"), "utf8")).not.toContain('"error":');
  });

  it("goes on from a cut results file's whole lines only after it is mended", async () => {
    const file = join(folder, "failing/results.jsonl");
    const { length } = readFileSync(file, "utf8");
    truncateSync(file, length - 20);
    await expect(runSuite(optionsOf("failing"))).rejects.toThrow(/results.jsonl, line 2: this is no result/);
  });

  it("trains again where only the run folder is gone but scores are missing", async () => {
    const options = optionsOf("gone", {
      methods: parseMethods("sas:rank=1,embedding=1"),
      seeds: [0],
      tasks: optionsOf("").tasks.slice(0, 1),
    });
    await runSuite(options);
    const [search] = linesOf("gone").filter(({ role }) => role === "search");
    rmSync(join(folder, "gone/trials", search?.trial ?? "-"), { recursive: true });
    const { lines } = await runSuite({ ...options, rates: [search?.lr ?? 0] });
    expect(lines.map(({ trial, role }) => [trial, role])).toEqual([[search?.trial, "result"]]);
    expect(lines[0]?.scores).toHaveProperty("test");
  });

  it("trains on validation images too once the settings are chosen", async () => {
    const options = optionsOf("final", {
      final: true,
      methods: parseMethods("bitfit"),
      seeds: [0],
      tasks: optionsOf("").tasks.slice(0, 1),
    });
    const { lines, ...outcome } = await runSuite(options);
    const searched = outcome.searched.filter(isFinished);
    expect(searched.map(({ images }) => images.train)).toEqual([24, 24]);
    expect(lines.map(({ images, val, scores }) => [images.train, val, scores.test?.best])).toEqual([[36, null, null]]);
    expect(lines[0]?.config.final).toBe(true);
  });
});

describe("a plan", () => {
  const plan = (given: Partial<SuiteOptions>) => planSuite(optionsOf("plan", given), new Map(), keepingShelf(), true);

  it("is made without writing anything", async () => {
    const { steps, seconds, measured, memoryBytes } = await plan({});
    expect(steps).toHaveLength(12);
    expect(measured).toBe("sas:rank=2,embedding=2");
    expect(steps.every((step) => step.seconds > 0 && step.memoryBytes > 1e8)).toBe(true);
    expect([seconds, memoryBytes]).toEqual([
      expect.closeTo(steps.reduce((sum, step) => sum + step.seconds, 0)),
      Math.max(...steps.map((step) => step.memoryBytes)),
    ]);
    expect(existsSync(join(folder, "plan"))).toBe(false);
  });

  it.each([
    ["an option that a method does not have", { methods: parseMethods("linear,lora:rang=2") }, /rang/],
    ["an option of the wrong type", { methods: parseMethods("lora:rank=high") }, /rank/],
    ["a size that does not fit", { methods: parseMethods("lora:rank=1000") }, /rank/],
    ["no task", { tasks: [] }, /no task/],
    ["a folder that is not there", { tasks: [{ name: "x", data: "nowhere" }] }, /nowhere/],
    ["no test images", { tasks: [{ name: "x", data: "drawn:count:test=0" }] }, /no test images/],
    ["nothing to choose with", { tasks: [{ name: "x", data: "drawn:count:val=0" }] }, /no validation images/],
  ])("refuses %s", async (_, given, message) => {
    await expect(plan(given)).rejects.toThrow(message);
  });
});

it("a plan refuses a method that the memory does not hold, by its name", async () => {
  const config = { ...optionsOf("").config, memoryMb: 100 };
  await expect(planSuite(optionsOf("plan", { config }), new Map(), keepingShelf(), false)).rejects.toThrow(
    /^linear: training this network takes about \d+ MiB, 100 MiB are allowed/,
  );
});

describe("settings that the trials of a suite share", () => {
  it("are left out where a method has no place for them", async () => {
    const config = { ...optionsOf("").config, dropout: 0.1, layerDecay: 0.8 };
    const methods = parseMethods("linear,bitfit,lora,full,vpt-shallow");
    const plan = await planSuite(
      optionsOf("shared", { config, methods, rates: [], seeds: [0] }),
      new Map(),
      keepingShelf(),
      false,
    );
    const kept = await Promise.all(
      plan.cells.slice(0, 5).map(async (cell) => {
        const { config: own } = await plan.trialOf(cell, cell.candidates[0] as Setting, 0, false);
        return [cell.method.label, own.dropout !== undefined, own.layerDecay !== undefined];
      }),
    );
    expect(kept).toEqual([
      ["linear", false, false],
      ["bitfit", false, true],
      ["lora", true, true],
      ["full", false, true],
      ["vpt-shallow", true, true],
    ]);
  });

  it("run to the end with every method, and divide images for the search alone where results are final", async () => {
    const config = { ...optionsOf("").config, epochs: 1, dropout: 0.1, valFraction: 0.5 };
    const tasks = [{ name: "count", data: "drawn:count:train=12:val=0:test=6:size=16" }];
    const methods = parseMethods("bitfit,vera:start=0.1/0.2");
    const options = optionsOf("divided", { config, tasks, methods, rates: [], seeds: [0], final: true });
    const { plan, lines, failures, ...outcome } = await runSuite(options);
    const searched = outcome.searched.filter(isFinished);
    expect(failures).toEqual([]);
    expect(plan.tasks[0]?.images).toEqual({ train: 6, val: 6, test: 6 });
    expect(lines.map(({ images }) => images)).toEqual(Array(2).fill({ train: 12, val: 0, test: 6 }));
    expect(searched.map(({ images }) => images.train)).toEqual([6, 6]);
    for (const line of [...lines, ...searched]) expect(await nameOfLine(line)).toBe(line.trial);
    expect(searched.every(({ digests }) => digests.task !== digests.data && digests.task !== undefined)).toBe(true);
  });
});
