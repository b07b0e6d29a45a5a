import type { Tensor } from "../graph/tensor.js";
import { shareOut } from "./lanes.js";

/** Pieces of exactly `size` rows; the last one is filled up with its first row, which then counts nothing. */
export function cutRows(rows: Tensor, size: number): readonly Tensor[] {
  const [count = 0, ...rest] = rows.shape;
  const length = rows.data.length / count;
  const data = rows.data as Uint8Array;
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => {
    const part = data.subarray(i * size * length, (i + 1) * size * length);
    if (part.length === size * length) return { ...rows, shape: [size, ...rest], data: part } as Tensor;
    const full = new (data.constructor as Uint8ArrayConstructor)(size * length);
    for (let row = 0; row < size; row++) full.set(part.subarray(0, length), row * length);
    full.set(part);
    return { ...rows, shape: [size, ...rest], data: full } as Tensor;
  });
}

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
