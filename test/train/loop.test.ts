import { describe, expect, it } from "vitest";
import type { Tensor } from "../../src/graph/tensor.js";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "../../src/train/checkpoint.js";
import type { LoopEvent } from "../../src/train/events.js";
import { type TrainingResult, trainLoop } from "../../src/train/loop.js";
import type { LoopConfig, LoopParts } from "../../src/train/loop-parts.js";
import type { RunStore } from "../../src/train/store.js";
import { bytesSource, encodeSafetensors, readSafetensors } from "../../src/vit/safetensors.js";
import { classes, FakeExecutor, fakeLoader, fakeStep } from "../support/fake-step.js";

const config: LoopConfig = {
  epochs: 3,
  batchSize: 8,
  lr: 0.5,
  minLr: 0,
  warmupSteps: 2,
  labelSmoothing: 0.1,
  seed: 3,
  checkpointSeconds: 0.001,
};

const source = (count: number, set: number, seen?: number[]) => fakeLoader(count, set, 8, config.seed, seen);

class Killed extends Error {}

/** The clock: a second passes with every line of metrics. */
let time = 0;

/** A disk that survives the process: it dies, before or after the operation, when its life is over. */
class Disk implements RunStore {
  checkpoint: Uint8Array | undefined;
  metrics = "";
  operations = 0;
  constructor(private life = Number.POSITIVE_INFINITY) {}

  revive(life: number): this {
    this.life = life;
    return this;
  }
  #die(): void {
    this.operations++;
    if (this.life-- <= 0) throw new Killed();
  }
  async load(): Promise<Checkpoint | undefined> {
    const found =
      this.checkpoint &&
      decodeCheckpoint(await readSafetensors(bytesSource("checkpoint", this.checkpoint)), "checkpoint");
    this.metrics = this.metrics.slice(0, found?.progress.metricsBytes ?? 0);
    return found;
  }
  async save(checkpoint: Checkpoint): Promise<void> {
    this.#die();
    this.checkpoint = encodeSafetensors(encodeCheckpoint(checkpoint));
    this.#die();
  }
  async append(line: string): Promise<number> {
    this.#die();
    this.metrics += `${line}\n`;
    time += 1000;
    this.#die();
    return this.metrics.length;
  }
}

interface Setting extends Partial<LoopParts> {
  readonly withFeatures?: boolean;
  readonly microBatch?: number;
  readonly config?: Partial<LoopConfig>;
}

function begin({ withFeatures = false, microBatch = 3, config: changed, ...parts }: Setting = {}) {
  const executor = new FakeExecutor();
  const loop = trainLoop(
    { ...config, ...changed },
    {
      step: fakeStep(microBatch, withFeatures),
      executors: [executor],
      weights: () => {
        throw new Error("no weights");
      },
      classes,
      splits: { train: source(29, 1), val: source(10, 2), test: source(11, 3) },
      store: new Disk(),
      isRandom: false,
      now: () => time,
      ...parts,
    },
  );
  return { loop, executor };
}

async function finish(loop: ReturnType<typeof trainLoop>): Promise<{ events: LoopEvent[]; result: TrainingResult }> {
  const events: LoopEvent[] = [];
  for (;;) {
    const next = await loop.next();
    if (next.done) return { events, result: next.value };
    events.push(next.value);
  }
}

const bytesOf = (tensors: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { data }]) => [
      name,
      Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex"),
    ]),
  );
const outcome = ({ parameters, best, val, test }: TrainingResult) => ({
  parameters: bytesOf(parameters),
  val,
  test,
  best: best && { ...best, parameters: bytesOf(best.parameters) },
});

describe("trainLoop", () => {
  it("learns, reports in order, and leaves nothing open or resident but the optimizer's state", async () => {
    const { loop, executor } = begin();
    const { events, result } = await finish(loop);
    const perEpoch = ["step", "step", "step", "step", "epoch", "checkpoint"];
    const kinds = events
      .map(({ event }) => event)
      .filter((kind, i, all) => kind !== "checkpoint" || all[i - 1] === "epoch");
    expect(kinds).toEqual(["start", ...perEpoch, ...perEpoch, ...perEpoch]);
    expect(events[0]).toMatchObject({ stepsPerEpoch: 4, batchSize: 8, microBatch: 3, resumed: null });
    expect(result.test?.top1).toBeGreaterThan(0.5);
    expect(executor.open).toBe(0);
    expect([...executor.residents.values()].map(({ shape }) => shape)).toEqual([[classes, 3]]);
  });

  it("gives the mean over the whole batch whatever the micro-batch, its fillers counting nothing", async () => {
    const losses = async (microBatch: number) =>
      (await finish(begin({ microBatch }).loop)).events.flatMap((e) => (e.event === "step" ? [e.loss] : []));
    const whole = await losses(8);
    for (const microBatch of [1, 3, 5, 16]) {
      for (const [i, loss] of (await losses(microBatch)).entries()) expect(loss).toBeCloseTo(whole[i], 5);
    }
  });

  it("shares the micro-batches out among lanes, with the same result but for the order of sums", async () => {
    const lanes = [new FakeExecutor(), new FakeExecutor(), new FakeExecutor()];
    const { result } = await finish(begin({ executors: lanes }).loop);
    const single = (await finish(begin().loop)).result;
    const [shared, alone] = [result, single].map(({ parameters }) => parameters.w?.data as Float32Array);
    for (const [i, value] of shared.entries()) expect(value).toBeCloseTo(alone[i], 5);
    for (const lane of lanes) expect(lane.runs.filter((name) => name === "accumulate").length).toBeGreaterThan(0);
    expect(lanes.map(({ runs }) => runs.filter((name) => name === "update").length)).toEqual([12, 0, 0]);
    expect(lanes.map(({ open }) => open)).toEqual([0, 0, 0]);
    expect(lanes.map(({ residents }) => residents.size)).toEqual([1, 0, 0]);
    const again = await finish(begin({ executors: [new FakeExecutor(), new FakeExecutor(), new FakeExecutor()] }).loop);
    expect(bytesOf(again.result.parameters)).toEqual(bytesOf(result.parameters));
  });

  it("shares the micro-batches out among lanes, every time to the same bits", async () => {
    const lanes = () => {
      // One lane is slower than the other, now this one, now that one.
      const slow = (executor: FakeExecutor, isSlow: () => boolean) => {
        const load = executor.load.bind(executor);
        executor.load = async (graph) => {
          const { run, ...session } = await load(graph);
          const late: typeof run = async (...args) => {
            if (isSlow()) await new Promise((resolve) => setTimeout(resolve, 1));
            return run(...args);
          };
          return { ...session, run: late };
        };
        return executor;
      };
      let turn = 0;
      return [slow(new FakeExecutor(0), () => turn++ % 3 === 0), slow(new FakeExecutor(1e6), () => turn++ % 2 === 0)];
    };
    const first = await finish(begin({ executors: lanes() }).loop);
    const second = await finish(begin({ executors: lanes().reverse() }).loop);
    expect(outcome(second.result)).toEqual(outcome(first.result));
    const alone = await finish(begin().loop);
    for (const [i, value] of (alone.result.parameters.w.data as Float32Array).entries()) {
      expect((first.result.parameters.w.data as Float32Array)[i]).toBeCloseTo(value, 5);
    }
  });

  it("ends in the same bits wherever it is killed, and however often", async () => {
    const whole = new Disk();
    const expected = await finish(begin({ store: whole }).loop);
    for (let life = 0; life < whole.operations; life++) {
      const disk = new Disk(life);
      await expect(finish(begin({ store: disk }).loop)).rejects.toThrow(Killed);
      const { result } = await finish(begin({ store: disk.revive(Number.POSITIVE_INFINITY) }).loop);
      expect(outcome(result)).toEqual(outcome(expected.result));
      expect(disk.metrics).toBe(whole.metrics);
    }
    const disk = new Disk();
    for (let deaths = 0; ; deaths++) {
      disk.revive(5);
      try {
        expect(outcome((await finish(begin({ store: disk }).loop)).result)).toEqual(outcome(expected.result));
        expect(deaths).toBeGreaterThan(3);
        break;
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
      }
    }
    expect(disk.metrics).toBe(whole.metrics);
  });

  it("mixes training images, and ends in the same bits wherever it is killed", async () => {
    for (const withFeatures of [false, true]) {
      const setting = { withFeatures, config: { mixup: 0.8, cutmix: 1, mixSwitch: 0.3 } };
      const whole = new Disk();
      const { loop, executor } = begin({ ...setting, store: whole });
      const expected = await finish(loop);
      expect(outcome(expected.result)).not.toEqual(outcome((await finish(begin({ withFeatures }).loop)).result));
      for (const life of [3, 11, 19]) {
        const disk = new Disk(life);
        await expect(finish(begin({ ...setting, store: disk }).loop)).rejects.toThrow(Killed);
        const { result } = await finish(begin({ ...setting, store: disk.revive(Number.POSITIVE_INFINITY) }).loop);
        expect(outcome(result)).toEqual(outcome(expected.result));
        expect(disk.metrics).toBe(whole.metrics);
      }
      // An answer that names one of two mixed images is worth its share.
      const worths = expected.events.flatMap((e) => (e.event === "step" ? [e.top1 * Math.min(29, 8 * e.step)] : []));
      expect(worths.some((worth) => Math.abs(worth - Math.round(worth)) > 1e-3)).toBe(true);
      expect(Math.max(...worths)).toBeLessThanOrEqual(29);
      // Images that change have no features to keep: three epochs of parts of three images, then the other splits.
      const computed = executor.runs.filter((name) => name === "features");
      expect(computed).toHaveLength(withFeatures ? 3 * 11 + 4 + 4 : 0);
    }
  });

  it("does not depend on when checkpoints are written", async () => {
    const often = await finish(begin().loop);
    const seldom = await finish(begin({ config: { checkpointSeconds: 1e6 } }).loop);
    expect(outcome(seldom.result)).toEqual(outcome(often.result));
    expect(seldom.events.filter(({ event }) => event === "checkpoint")).toHaveLength(3);
  });

  it("saves when it is interrupted, and goes on to the same bits", async () => {
    const expected = outcome((await finish(begin().loop)).result);
    for (const stopAt of [1, 4, 7, 12]) {
      const controller = new AbortController();
      const store = new Disk();
      const { loop } = begin({ store, signal: controller.signal, config: { checkpointSeconds: 1e6 } });
      let steps = 0;
      let last = "";
      const watch = async () => {
        for await (const { event } of loop) {
          last = event;
          if (event === "step" && ++steps === stopAt) controller.abort(new Error("stop"));
        }
      };
      await expect(watch()).rejects.toThrow("stop");
      expect([steps, last]).toEqual([stopAt, "checkpoint"]);
      const resumed = await finish(begin({ store }).loop);
      expect(resumed.events.filter(({ event }) => event === "step")).toHaveLength(12 - stopAt);
      expect(outcome(resumed.result)).toEqual(expected);
    }
  });

  it("looks at the test images once, at the very end, and never chooses by them", async () => {
    const seen: number[] = [];
    const { loop } = begin({
      splits: { train: source(29, 1), val: source(10, 2), test: source(11, 3, seen) },
    });
    for (;;) {
      const next = await loop.next();
      if (next.done) {
        const passes = next.value.best?.epoch === config.epochs ? 1 : 2;
        expect(seen.length).toBe(passes * 11);
        break;
      }
      expect(seen).toEqual([]);
    }
    const other = begin({ splits: { train: source(29, 1), val: source(10, 2), test: source(40, 9) } });
    const same = await finish(begin().loop);
    const { result } = await finish(other.loop);
    expect(result.best?.epoch).toBe(same.result.best?.epoch);
    expect(bytesOf(result.parameters)).toEqual(bytesOf(same.result.parameters));
  });

  it("has the earliest of equally good epochs as its best", async () => {
    const { events, result } = await finish(begin({ config: { epochs: 6 } }).loop);
    const scores = events.flatMap((e) => (e.event === "epoch" ? [e.val?.top1 ?? 0] : []));
    expect(result.best?.epoch).toBe(1 + scores.indexOf(Math.max(...scores)));
  });

  it("does without validation and test images", async () => {
    const { result } = await finish(begin({ splits: { train: source(5, 1), val: null, test: null } }).loop);
    expect(result).toMatchObject({ val: null, test: null, best: null });
  });

  it("computes features once per image where nothing but the head is trained", async () => {
    const { loop, executor } = begin({ withFeatures: true });
    const { result } = await finish(loop);
    expect(executor.runs.filter((name) => name === "features")).toHaveLength(11 + 4 + 4);
    const images = await finish(begin().loop);
    const values = (r: TrainingResult) => Array.from(r.parameters.w.data as Float32Array);
    for (const [i, value] of values(result).entries()) expect(value).toBeCloseTo(values(images.result)[i], 4);
  });

  it("ends where patience runs out, and its result is the best epoch", async () => {
    const asked = { config: { epochs: 12, patience: 2 } };
    const { events, result } = await finish(begin(asked).loop);
    const long = await finish(begin({ config: { epochs: 12 } }).loop);
    const scores = events.flatMap((e) => (e.event === "epoch" ? [e.val?.top1 ?? 0] : []));
    const best = 1 + scores.indexOf(Math.max(...scores));
    expect([result.epochs, scores.length, result.best?.epoch]).toEqual([best + 2, best + 2, best]);
    expect(result.epochs).toBeLessThan(12);
    expect(long.result.epochs).toBe(12);
    // The same path up to there: the schedule is that of all epochs.
    const same = long.events.flatMap((e) => (e.event === "epoch" ? [e.val?.top1 ?? 0] : []));
    expect(same.slice(0, scores.length)).toEqual(scores);
    expect(bytesOf(result.parameters)).toEqual(bytesOf(result.best?.parameters ?? {}));
    expect([result.val, result.test]).toEqual([result.best?.val, result.best?.test]);
    const never = await finish(begin({ config: { epochs: 12, patience: 11 } }).loop);
    expect(bytesOf(never.result.parameters)).toEqual(bytesOf(never.result.best?.parameters ?? {}));
  });

  it("scores and returns the average where one is asked for, and trains on as without", async () => {
    const plain = await finish(begin().loop);
    const averaged = await finish(begin({ config: { ema: 0.8 } }).loop);
    const losses = (events: readonly LoopEvent[]) => events.flatMap((e) => (e.event === "step" ? [e.loss] : []));
    expect(losses(averaged.events)).toEqual(losses(plain.events));
    expect(bytesOf(averaged.result.parameters)).not.toEqual(bytesOf(plain.result.parameters));
    const store = new Disk();
    const { result } = await finish(begin({ config: { ema: 0.8 }, store }).loop);
    const { parameters, average } = (await store.load()) as Checkpoint;
    expect(bytesOf(average ?? {})).toEqual(bytesOf(result.parameters));
    expect(bytesOf(parameters)).toEqual(bytesOf(plain.result.parameters));
  });

  it("ends in the same bits wherever it is killed, with an average and patience as well", async () => {
    const options = { config: { epochs: 8, patience: 2, ema: 0.9 }, classWeights: Float64Array.of(1, 3, 2) };
    const whole = new Disk();
    const expected = await finish(begin({ ...options, store: whole }).loop);
    for (let life = 0; life < whole.operations; life += 3) {
      const disk = new Disk(life);
      await expect(finish(begin({ ...options, store: disk }).loop)).rejects.toThrow(Killed);
      const { result } = await finish(begin({ ...options, store: disk.revive(Number.POSITIVE_INFINITY) }).loop);
      expect([outcome(result), result.epochs]).toEqual([outcome(expected.result), expected.result.epochs]);
      expect(disk.metrics).toBe(whole.metrics);
    }
  });

  it("weighs images by their class as a list of weighted losses says", async () => {
    const weights = Float64Array.of(1, 4, 0.5);
    const first = async (classWeights?: Float64Array) => {
      const { events } = await finish(begin({ ...(classWeights && { classWeights }) }).loop);
      return events.flatMap((e) => (e.event === "step" ? [e.loss] : []))[0];
    };
    // All the same weight is no weight at all.
    expect(await first(Float64Array.of(3, 3, 3))).toBeCloseTo((await first()) ?? 0, 6);
    expect(await first(weights)).not.toBeCloseTo((await first()) ?? 0, 3);
  });

  it("stops with a plain word where the loss leaves the numbers", async () => {
    const { loop } = begin({ config: { lr: 1e38 } });
    await expect(finish(loop)).rejects.toThrow(/Try a lower learning rate/);
  });
});
