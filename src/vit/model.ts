import {
  add,
  attention,
  cast,
  concat,
  constant,
  expand,
  gemm,
  mul,
  normalize,
  reduceMean,
  reduceSum,
  reshape,
  type Shape,
  scope,
  split,
  tensorOf,
  transpose,
  type Value,
  weight,
} from "../graph/index.js";
import { activations } from "./activation.js";
import {
  type Architecture,
  gridOf,
  parametersOf,
  prefixPositionsOf,
  prefixTokensOf,
  tokensOf,
} from "./architecture.js";
import type { Drop } from "./drop.js";
import type { Adaptation, Branch, Delta, Flow, Place } from "./site.js";

/** What images are shifted and scaled by, per channel, after division by 255. */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** What the network is built over. */
export interface NetworkInputs {
  /** `uint8 [batch, height, width, channels]` */
  readonly images: Value;
  readonly normalization: Normalization;
  /** A method's answers; none leaves the network as it was pretrained. */
  readonly adaptation?: Adaptation;
  /** What is left out at random; for training only. */
  readonly drop?: Drop | undefined;
  /** Type of all arithmetic; default `float32`. */
  readonly dtype?: "float32" | "float64";
}

/**
 * The network as a graph, adapted at its sites.
 *
 * @returns pooled features `[batch, width]`, what the head is applied to
 * @see Dosovitskiy et al., An Image is Worth 16x16 Words, 2021, eq. 1 to 4; names as in timm's `vision_transformer.py`
 */
export function features(a: Architecture, inputs: NetworkInputs): Value {
  const { images, adaptation = {}, drop = {}, dtype = "float32" } = inputs;
  const { mean, std } = inputs.normalization;
  const [batch] = images.shape as readonly [number];
  const { width, heads, eps, patchSize, channels } = a;
  const tokens = tokensOf(a);
  const shapes = new Map<string, Shape>(parametersOf(a).map((p) => [p.name, p.shape]));
  const frozen = new Map<string, Value>();

  /** A tensor of the checkpoint: the method's, or the frozen one. */
  function parameter(name: string): Value {
    const shape = shapes.get(name);
    if (!shape) throw new Error(`the network has no tensor ${name}`);
    const stored = frozen.get(name) ?? weight(name, shape, dtype);
    frozen.set(name, stored);
    return adaptation.tensor?.(name, stored) ?? stored;
  }

  /** `x Wᵀ + b`, `[rows, in] → [rows, out]`. */
  const linear = (x: Value, name: string): Value =>
    gemm(x, parameter(`${name}.weight`), {
      transB: true,
      ...(shapes.has(`${name}.bias`) && { bias: parameter(`${name}.bias`) }),
    });

  /** The output of a module, changed as the method says. */
  function leave(y: Value, name: string): Value {
    const change = adaptation.output?.(name);
    if (!change) return y;
    return add(change.scale ? mul(y, change.scale) : y, change.shift);
  }

  /** `y + (x down) up`, with dropout where there is some. */
  function lowRank(x: Value, { down, up, dropout }: Delta, y: Value, name: string): Value {
    if (!drop.dropout || !dropout) return gemm(gemm(x, down), up, { bias: y });
    if (dropout === "input") return gemm(gemm(drop.dropout(x, name), down), up, { bias: y });
    const inner = gemm(x, dropout.down, dropout.bias && { bias: dropout.bias });
    return gemm(drop.dropout(inner, name), dropout.up, { bias: y });
  }

  /** A linear map of a block, its input and output changed as the method says. */
  const site = (x: Value, block: number, place: Place): Value =>
    scope(place, () => {
      const change = adaptation.input?.({ block, place });
      let changed = x;
      const { down, up, scale, dropout, shift } = change ?? {};
      if (down && up)
        changed = lowRank(x, { down, up, ...(dropout && { dropout }) }, changed, `blocks.${block}.${place}`);
      if (scale) changed = add(changed, mul(x, scale));
      const moves = drop.dropout && dropout ? dropout.shift : shift;
      if (moves) changed = add(changed, moves);
      const y = linear(changed, `blocks.${block}.${place}`);
      const delta = adaptation.delta?.({ block, place });
      const moved = delta ? lowRank(x, delta, y, `blocks.${block}.${place}`) : y;
      return leave(moved, `blocks.${block}.${place}`);
    });

  const norm = (x: Value, name: string): Value =>
    scope(name, () => leave(add(mul(normalize(x, eps), parameter(`${name}.weight`)), parameter(`${name}.bias`)), name));

  /** Pixels to tokens. The normalisation of the pixels is linear, so it is done to the kernel: `((p/255 − mean)/std) w`. */
  function embed(): Value {
    const [rows, columns] = gridOf(a);
    const patches = reshape(
      transpose(reshape(images, [batch, rows, patchSize, columns, patchSize, channels]), [0, 1, 3, 2, 4, 5]),
      [batch * rows * columns, patchSize * patchSize * channels],
    );
    const perChannel = (f: (mean: number, std: number) => number): Value =>
      constant(
        tensorOf(
          dtype,
          [channels],
          mean.map((m, i) => f(m, std[i] as number)),
        ),
      );
    const kernel = transpose(parameter("patch_embed.proj.weight"), [0, 2, 3, 1]);
    const scaled = mul(
      kernel,
      perChannel((_, s) => 1 / (255 * s)),
    );
    const shift = reduceSum(
      mul(
        kernel,
        perChannel((m, s) => -m / s),
      ),
      [1, 2, 3],
    );
    const embedded = gemm(cast(patches, dtype), reshape(scaled, [width, patchSize * patchSize * channels]), {
      transB: true,
      bias: a.patchBias ? add(parameter("patch_embed.proj.bias"), shift) : shift,
    });
    const patchTokens = reshape(leave(embedded, "patch_embed.proj"), [batch, rows * columns, width]);
    const all = place(patchTokens);
    return a.hasPreNorm
      ? norm(reshape(all, [batch * tokens, width]), "norm_pre")
      : reshape(all, [batch * tokens, width]);
  }

  /** The patches with their positions, behind the tokens that belong to no patch: `[batch, tokens, width]`. */
  function place(patchTokens: Value): Value {
    const positions = parameter("pos_embed");
    const kinds = [
      ...(a.hasClassToken ? ["cls_token"] : []),
      ...(a.hasDistillationToken ? ["dist_token"] : []),
      ...(a.registers > 0 ? ["reg_token"] : []),
    ];
    const [first, ...more] = kinds.map(parameter);
    if (!first) return add(patchTokens, positions);
    const prefix = more.length > 0 ? concat([first, ...more], 1) : first;
    const repeat = (x: Value): Value => expand(x, [batch, prefixTokensOf(a), width]);
    const placed = prefixPositionsOf(a);
    if (placed === 0) return concat([repeat(prefix), add(patchTokens, positions)], 1);
    const [own, rest] = split(positions, 1, [placed, tokens - placed]) as [Value, Value];
    return concat([repeat(add(prefix, own)), add(patchTokens, rest)], 1);
  }

  /** Tokens that travel: the network's own, and a method's behind them. */
  let count = tokens;

  /** The first token of every image: `[batch · count, width] → [batch, width]`. */
  const firstToken = (x: Value): Value =>
    reshape(split(reshape(x, [batch, count, width]), 1, [1, count - 1])[0] as Value, [batch, width]);

  /** The network's own tokens, without a method's. */
  const ownTokens = (x: Value): Value => {
    const all = reshape(x, [batch, count, width]);
    return count === tokens ? all : (split(all, 1, [tokens, count - tokens])[0] as Value);
  };

  /** The tokens that enter a block: a method's new ones take the place of its old ones. */
  function join(x: Value, block: number): Value {
    const prompts = adaptation.prompts?.(block);
    if (!prompts) return x;
    const [added] = prompts.shape as readonly [number, number];
    const joining = expand(reshape(prompts, [1, added, width]), [batch, added, width]);
    const joined = concat([ownTokens(x), drop.dropout?.(joining, `prompts.${block}`) ?? joining], 1);
    count = tokens + added;
    return reshape(joined, [batch * count, width]);
  }

  /** What a branch adds, changed as the method says. */
  function branch(at: Branch, flow: Omit<Flow, "drop">): Value {
    const place = `blocks.${at.block}.${at.part}`;
    const added =
      adaptation.branch?.(at, { ...flow, drop: (inner) => drop.dropout?.(inner, place) ?? inner }) ?? flow.output;
    return drop.path?.(added, place, at.block) ?? added;
  }

  // Behind the last attention only the class token is looked at, so the last block computes nothing else.
  const isTokenPooled = a.pool === "token" && a.hasClassToken && !a.hasDistillationToken;
  const headWidth = width / heads;

  /** What a branch gives, times the block's own scale per channel where it has one. */
  const scaled = (x: Value, name: string): Value =>
    a.hasLayerScale ? scope(name, () => mul(x, parameter(`${name}.gamma`))) : x;

  function block(x: Value, index: number): Value {
    const isLast = isTokenPooled && index === a.blocks - 1;
    const queries = isLast ? 1 : count;
    let before = x;
    const mixed = scope("attn", () => {
      before = norm(x, `blocks.${index}.norm1`);
      const qkv = site(before, index, "attn.qkv");
      const parts = transpose(reshape(qkv, [batch, count, 3, heads, headWidth]), [2, 0, 3, 1, 4]);
      const [q, k, v] = split(parts, 0, [1, 1, 1]).map((part) => reshape(part, [batch, heads, count, headWidth])) as [
        Value,
        Value,
        Value,
      ];
      const asked = isLast ? (split(q, 2, [1, count - 1])[0] as Value) : q;
      const out = attention(asked, k, v, 1 / Math.sqrt(headWidth));
      return site(reshape(transpose(out, [0, 2, 1, 3]), [batch * queries, width]), index, "attn.proj");
    });
    const attended = scaled(mixed, `blocks.${index}.ls1`);
    const stream = isLast ? firstToken(x) : x;
    const normed = (): Value => (isLast ? firstToken(before) : before);
    const y = add(
      stream,
      branch({ block: index, part: "attn", tokens: queries }, { stream, normed, output: attended }),
    );
    const inner = norm(y, `blocks.${index}.norm2`);
    const activation = activations[a.activation];
    const output = scaled(site(activation(site(inner, index, "mlp.fc1")), index, "mlp.fc2"), `blocks.${index}.ls2`);
    return add(y, branch({ block: index, part: "mlp", tokens: queries }, { stream: y, normed: () => inner, output }));
  }

  let x = scope("patch_embed", embed);
  for (let i = 0; i < a.blocks; i++) x = scope(`blocks.${i}`, () => block(join(x, i), i));
  return scope("pool", () => {
    if (isTokenPooled) return norm(a.blocks === 0 ? firstToken(x) : x, a.finalNorm);
    const all = ownTokens(a.finalNorm === "norm" ? norm(x, "norm") : x);
    if (a.pool === "token") return reduceMean(split(all, 1, [2, tokens - 2])[0] as Value, [1]);
    const prefix = prefixTokensOf(a);
    const patches = prefix > 0 ? (split(all, 1, [prefix, tokens - prefix])[1] as Value) : all;
    const pooled = reduceMean(patches, [1]);
    return a.finalNorm === "norm" ? pooled : norm(pooled, "fc_norm");
  });
}

/**
 * The head: `features Wᵀ + b`.
 * @param x features `[batch, width]`
 * @param weights `[classes, width]`
 * @param bias `[classes]`
 * @returns logits `[batch, classes]`
 */
export const classify = (x: Value, weights: Value, bias: Value): Value => gemm(x, weights, { transB: true, bias });
