import { ConfigError } from "../errors.js";
import {
  add,
  concat,
  constant,
  expand,
  matmul,
  mul,
  reshape,
  scalar,
  split,
  tensorOf,
  type Value,
} from "../graph/index.js";
import { type Architecture, parameterCount } from "../vit/architecture.js";
import { branchEntries, type InputChange, type Place } from "../vit/site.js";
import { generate, type HyperNetwork, hyperNetworkCount, hyperNetworkParameters } from "./hyper-network.js";
import { type Method, type MethodParameter, normalOf, zerosOf } from "./method.js";

/** What the hyper-network generates for each block. */
export type SasForm = "affine" | "low-rank" | "core";
/** The input of the QKV map, or of the MLP's first map. */
export type SasSite = "attn" | "mlp";

/** Options of `sas`. */
export interface SasOptions {
  readonly form: SasForm;
  /** Rank `r` of the shared pair. */
  readonly rank: number;
  /** Size `e` of a block's embedding. */
  readonly embedding: number;
  /** Hidden width `h` of the hyper-network; 0 for none. */
  readonly hidden: number;
  readonly sites: readonly SasSite[];
  /** Scale `α`: the shared module is multiplied by `α / r`, what the specific one adds by `α / e`, or `α / h`. */
  readonly alpha: number;
  /** Whether there is a shared module. */
  readonly shared: boolean;
  /** Whether there is a layer-specific module. */
  readonly specific: boolean;
}

/** The share of the backbone that the default configuration stays below. */
export const defaultShare = 0.0005;

const forms: readonly SasForm[] = ["affine", "low-rank", "core"];
/**
 * SaS: `x′ = x + α/r (x Down) Up + α/n P(x)` at the input of the adapted maps. `Down` and `Up` are the same in every block;
 * `P` is the block's own, its parameters `θ = H(z)` generated from the block's embedding `z` by a hyper-network with `n`
 * inputs of its last map, `e` or `h`: `affine` `P(x) = x ⊙ γ + β`; `low-rank` `P(x) = (x a) b`; `core` no `P`, but
 * `α/r (x Down)(I + K) Up`.
 *
 * Dropout, where it is asked for, acts between `Down` and `Up` and between `a` and `b`.
 *
 * The paper fixes a shared low-rank module and a hyper-network for the specific parameters; sites, forms, sizes and
 * the start are our reconstruction.
 * @see Nguyen et al., Optimizing Specific and Shared Parameters for Efficient Parameter Tuning, arXiv 2504.03450, 2025
 */
export const sas: Method<SasOptions> = {
  name: "sas",
  source:
    "Nguyen et al., Optimizing Specific and Shared Parameters for Efficient Parameter Tuning, arXiv 2504.03450, 2025",
  startsAsIdentity: true,
  folds: true,

  resolve(a, given) {
    const options = {
      form: "affine",
      hidden: 0,
      sites: ["attn", "mlp"],
      alpha: 4,
      shared: true,
      specific: true,
      ...given,
    } as const;
    check({ rank: 1, embedding: 1, ...options }, a);
    const size = defaultSize(a, { ...options, rank: 1, embedding: 1 });
    return { rank: size, embedding: size, ...options };
  },

  count(a, o) {
    const pairs = o.shared ? o.sites.length * 2 * a.width * o.rank : 0;
    const embeddings = o.specific ? o.sites.length * a.blocks * o.embedding : 0;
    return pairs + embeddings + (o.specific ? hyperNetworkCount(hyperNetworkOf(a, o)) : 0);
  },

  parameters(a, o) {
    const pairs = (site: SasSite): MethodParameter[] => [
      {
        name: `sas.${site}.down`,
        shape: [a.width, o.rank],
        group: "shared",
        initial: normalOf([a.width, o.rank], a.width ** -0.5),
      },
      { name: `sas.${site}.up`, shape: [o.rank, a.width], group: "shared", initial: zerosOf([o.rank, a.width]) },
    ];
    const embedding = (site: SasSite): MethodParameter => {
      const shape = [a.blocks, o.embedding];
      return { name: `sas.embedding.${site}`, shape, group: "specific", initial: normalOf(shape, 1) };
    };
    // Zero in all columns but one factor's: the start is the identity, and no pair of factors is zero at once.
    const deviationOf = (column: number): number => {
      if (o.form === "core") return Math.sqrt(0.01 / inputsOf(o));
      return o.form === "low-rank" && column < a.width ? (a.width * inputsOf(o)) ** -0.5 : 0;
    };
    return [
      ...(o.shared ? o.sites.flatMap(pairs) : []),
      ...(o.specific ? o.sites.map(embedding) : []),
      ...(o.specific ? hyperNetworkParameters("sas.hyper", hyperNetworkOf(a, o), deviationOf) : []),
    ];
  },

  adapt(a, o, value) {
    const changes = new Map<Place, InputChange[]>(
      o.sites.map((site) => [branchEntries[site], changesAt(a, o, site, value)]),
    );
    return { input: ({ block, place }) => changes.get(place)?.[block] };
  },
};

/** The changes at one kind of site, one per block. */
function changesAt(a: Architecture, o: SasOptions, site: SasSite, value: (name: string) => Value): InputChange[] {
  const { width, blocks } = a;
  const rows = (x: Value, shape: readonly number[]): Value[] =>
    split(x, 0, new Array<number>(blocks).fill(1)).map((row) => reshape(row, shape));
  const theta = o.specific ? generate("sas.hyper", o.hidden, value(`sas.embedding.${site}`), value) : undefined;

  let down: Value | undefined;
  let up: Value | undefined;
  let rank = 0;
  if (o.shared) {
    rank = o.rank;
    down = expand(reshape(value(`sas.${site}.down`), [1, width, rank]), [blocks, width, rank]);
    up = scaled(value(`sas.${site}.up`), o.alpha / rank);
    up = expand(reshape(up, [1, rank, width]), [blocks, rank, width]);
    if (theta && o.form === "core") {
      const identity = Array.from({ length: rank * rank }, (_, i) => Number(i % (rank + 1) === 0));
      const core = add(
        reshape(theta, [blocks, rank, rank]),
        constant(tensorOf(theta.dtype, [1, rank, rank], identity)),
      );
      up = matmul(core, up);
    }
  }
  let scales: Value[] = [];
  let shifts: Value[] = [];
  if (theta && o.form !== "core") {
    const [first, second] = split(theta, 1, [width, width]) as [Value, Value];
    const factor = o.alpha / inputsOf(o);
    if (o.form === "affine") {
      scales = rows(scaled(first, factor), [width]);
      shifts = rows(scaled(second, factor), [width]);
    } else {
      // Side by side with the shared pair: one product instead of two.
      const column = reshape(first, [blocks, width, 1]);
      const row = reshape(scaled(second, factor), [blocks, 1, width]);
      down = down ? concat([down, column], 2) : column;
      up = up ? concat([up, row], 1) : row;
      rank += 1;
    }
  }
  const downs = down ? rows(down, [width, rank]) : [];
  const ups = up ? rows(up, [rank, width]) : [];
  return Array.from({ length: blocks }, (_, i) => {
    const pair = downs[i] && ups[i] && { down: downs[i], up: ups[i] };
    const shift = shifts[i] && { shift: shifts[i] };
    return {
      ...(pair && { ...pair, dropout: { ...pair, ...shift } }),
      ...(scales[i] && shift && { scale: scales[i], ...shift }),
    };
  });
}

const scaled = (x: Value, factor: number): Value => (factor === 1 ? x : mul(x, scalar(factor, x)));

const hyperNetworkOf = (a: Architecture, o: SasOptions): HyperNetwork => ({
  embedding: o.embedding,
  hidden: o.hidden,
  outputs: o.form === "core" ? o.rank ** 2 : 2 * a.width,
});

/** Inputs of the hyper-network's last map. */
const inputsOf = (o: SasOptions): number => (o.hidden === 0 ? o.embedding : o.hidden);

/** The largest power of two for `rank` and `embedding` that keeps the total below the default share; at least 1. */
function defaultSize(a: Architecture, options: SasOptions): number {
  let size = 1;
  const fits = (n: number): boolean =>
    sas.count(a, { ...options, rank: n, embedding: n }) < defaultShare * parameterCount(a);
  while (2 * size <= Math.min(a.width, 4096) && fits(2 * size)) size *= 2;
  return size;
}

function check(o: SasOptions, a: Architecture): void {
  const expect = (isFine: boolean, name: keyof SasOptions, expected: string): void => {
    if (isFine) return;
    const got = typeof o[name] === "number" ? String(o[name]) : JSON.stringify(o[name]);
    throw new ConfigError(`sas: ${name} must be ${expected}, got ${got}`);
  };
  const whole = (name: "rank" | "embedding" | "hidden", lowest: number, highest: number, hint = ""): void => {
    const isFine = Number.isInteger(o[name]) && o[name] >= lowest && o[name] <= highest;
    expect(isFine, name, `a whole number from ${lowest} to ${highest}${hint}`);
  };
  whole("rank", 1, a.width, ", the network's width");
  whole("embedding", 1, 4096);
  whole("hidden", 0, 4096, " (0: no hidden layer)");
  expect(forms.includes(o.form), "form", `one of ${forms.join(", ")}`);
  expect(
    Number.isFinite(o.alpha) && o.alpha !== 0,
    "alpha",
    "a number other than 0 (--no-shared and --no-specific leave a module out)",
  );
  for (const name of ["shared", "specific"] as const) expect(typeof o[name] === "boolean", name, "true or false");
  const sites = Array.isArray(o.sites) ? o.sites : [];
  const areKnown = sites.length > 0 && sites.every((site) => Object.hasOwn(branchEntries, site));
  expect(areKnown && new Set(sites).size === sites.length, "sites", "attn, mlp or both, each once");
  if (!o.shared && !o.specific)
    throw new ConfigError("sas: without shared and specific module nothing is trained; use --method linear");
  if (!o.shared && o.form === "core")
    throw new ConfigError("sas: the core form changes the shared module and needs it; choose low-rank or affine");
}
