import type { Feed, Session } from "../run/executor.js";
import { cutRows, type Examples } from "./examples.js";

/** What a network says of every example, with the right answers. */
export interface Scored {
  /** `[count, classes]` */
  readonly logits: Float32Array;
  /** `[count]` */
  readonly labels: Int32Array;
}

/**
 * The logits of all examples in their own order.
 * @param session a step's predict graph
 * @param parameters what it is fed with beside the examples
 * @param takes the input that takes the examples
 * @param microBatch examples per run
 */
export async function predictLogits(
  session: Session,
  parameters: Readonly<Record<string, Feed>>,
  examples: Examples,
  takes: "images" | "features",
  microBatch: number,
  signal?: AbortSignal,
): Promise<Scored> {
  const parts: Float32Array[] = [];
  const labels: number[] = [];
  for await (const batch of examples.inOrder()) {
    let left = batch.labels.length;
    for (const part of cutRows(batch.rows, microBatch)) {
      signal?.throwIfAborted();
      const output = (await session.run({ ...parameters, [takes]: part })).logits;
      if (output === undefined) throw new Error("the predict graph returned no logits");
      const classes = output.shape[1] as number;
      parts.push((output.data as Float32Array).subarray(0, Math.min(left, microBatch) * classes));
      left -= microBatch;
    }
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
