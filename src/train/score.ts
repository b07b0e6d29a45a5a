import type { Examples } from "./examples.js";
import { answerRows, type Team } from "./rows.js";

/** What a network says of every example, with the right answers. */
export interface Scored {
  /** `[count, classes]` */
  readonly logits: Float32Array;
  /** `[count]` */
  readonly labels: Int32Array;
  /** Place of each example in its split, `[count]`. */
  readonly indices: Int32Array;
}

/** The logits of all examples in their own order. */
export async function predictLogits(team: Team, examples: Examples, signal?: AbortSignal): Promise<Scored> {
  const parts: Float32Array[] = [];
  const labels: number[] = [];
  const indices: number[] = [];
  for await (const batch of examples.inOrder()) {
    parts.push(await answerRows(team, batch.rows, signal));
    labels.push(...batch.labels);
    indices.push(...batch.indices);
  }
  const logits = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    logits.set(part, at);
    at += part.length;
  }
  return { logits, labels: Int32Array.from(labels), indices: Int32Array.from(indices) };
}
