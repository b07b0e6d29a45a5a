import { add, concat, filled, reshape, type Value } from "../graph/index.js";
import type { Architecture } from "../vit/architecture.js";
import type { Delta, Place, Site } from "../vit/site.js";

/** A linear map that a low-rank change is given to; `q`, `k` and `v` are thirds of `qkv`. */
export type Target = "qkv" | "q" | "k" | "v" | "proj" | "fc1" | "fc2";

/** All targets. */
export const targets: readonly Target[] = ["qkv", "q", "k", "v", "proj", "fc1", "fc2"];

const places: Readonly<Record<Target, Place>> = {
  qkv: "attn.qkv",
  q: "attn.qkv",
  k: "attn.qkv",
  v: "attn.qkv",
  proj: "attn.proj",
  fc1: "mlp.fc1",
  fc2: "mlp.fc2",
};

/** Inputs and outputs of a target. */
export const sizesOf = (
  { width, hidden }: Architecture,
  target: Target,
): readonly [inputs: number, outputs: number] => [
  target === "fc2" ? hidden : width,
  target === "fc1" ? hidden : target === "qkv" ? 3 * width : width,
];

/**
 * The change of one map from those of its targets, side by side: one product instead of several. Dropout acts on the map's
 * input, once for all of its targets (PEFT's `lora_dropout`, `vera_dropout`).
 * @param factors of a target, `[in, rank]` and `[rank, out]`
 */
export function deltaAt(
  { block, place }: Site,
  chosen: readonly Target[],
  factors: (target: Target, block: number) => Delta,
): Delta | undefined {
  const parts = chosen
    .filter((target) => places[target] === place)
    .map((target) => {
      const { down, up } = factors(target, block);
      return { down, up: widen(up, target) };
    });
  if (parts.length === 0) return undefined;
  return {
    dropout: "input",
    down: concat(
      parts.map(({ down }) => down),
      1,
    ),
    up: concat(
      parts.map(({ up }) => up),
      0,
    ),
  };
}

/**
 * What is added to the output of a module, from the biases of its targets; undefined where it has none.
 * @param name a module by its canonical name, `blocks.3.attn.qkv`
 * @param bias of a target, `[out]`
 */
export function shiftAt(
  name: string,
  chosen: readonly Target[],
  bias: (target: Target, block: number) => Value,
): Value | undefined {
  const [, block, place] = /^blocks\.(\d+)\.(.+)$/.exec(name) ?? [];
  const parts = chosen
    .filter((target) => places[target] === place)
    .map((target) => {
      const row = bias(target, Number(block));
      return widen(reshape(row, [1, ...row.shape]), target);
    });
  const [first, ...rest] = parts;
  if (!first) return undefined;
  const sum = rest.reduce(add, first);
  return reshape(sum, [sum.shape[1] as number]);
}

/** `up` of a third of the QKV map with zeros for the other two: `[rank, width] → [rank, 3 width]`. */
function widen(up: Value, target: Target): Value {
  const third = ["q", "k", "v"].indexOf(target);
  if (third < 0) return up;
  return concat(
    [0, 1, 2].map((i) => (i === third ? up : filled(up.shape, 0, up))),
    1,
  );
}
