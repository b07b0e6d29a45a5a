import type { Tensor } from "../graph/tensor.js";
import { cutRows, type Examples } from "./examples.js";
import { shareOut } from "./lanes.js";

/** A graph that answers rows by rows, loaded into several lanes. */
export interface Team {
  readonly lanes: number;
  /** Rows per answer. */
  readonly microBatch: number;
  /** What a lane's graph says of `microBatch` rows: `[microBatch, width]`. */
  answer(lane: number, rows: Tensor): Promise<Tensor>;
}

/** What a team says of any number of rows, `[count, width]`, in their order. */
export async function answerRows(team: Team, rows: Tensor, signal?: AbortSignal): Promise<Float32Array> {
  const parts = await shareOut(team.lanes, cutRows(rows, team.microBatch), (lane, part) => {
    signal?.throwIfAborted();
    return team.answer(lane, part);
  });
  const [count = 0] = rows.shape;
  const length = (parts[0]?.data.length ?? 0) / team.microBatch;
  const all = new Float32Array(count * length);
  for (const [i, { data }] of parts.entries()) {
    const at = i * team.microBatch * length;
    all.set((data as Float32Array).subarray(0, all.length - at), at);
  }
  return all;
}

/** What a network says of every example, with the right answers. */
export interface Scored {
  /** `[count, classes]` */
  readonly logits: Float32Array;
  /** `[count]` */
  readonly labels: Int32Array;
}

/** The logits of all examples in their own order. */
export async function predictLogits(team: Team, examples: Examples, signal?: AbortSignal): Promise<Scored> {
  const parts: Float32Array[] = [];
  const labels: number[] = [];
  for await (const batch of examples.inOrder()) {
    parts.push(await answerRows(team, batch.rows, signal));
    labels.push(...batch.labels);
  }
  const logits = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    logits.set(part, at);
    at += part.length;
  }
  return { logits, labels: Int32Array.from(labels) };
}
