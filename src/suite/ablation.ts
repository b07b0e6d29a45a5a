import { ConfigError, suggest } from "../errors.js";
import { type SasOptions, sas } from "../methods/sas.js";
import type { Architecture } from "../vit/architecture.js";
import type { MethodChoice, Options } from "./method-choice.js";

/** A question of the ablation: variants of SaS that differ in one thing. */
export interface Question {
  readonly name: QuestionName;
  readonly methods: readonly MethodChoice[];
}

/** What the ablation asks, and at which sizes. */
export const questionNames = ["parts", "form", "division", "hidden", "sites", "rank", "embedding"] as const;
export type QuestionName = (typeof questionNames)[number];

/** Options of SaS, or undefined where the budget is too small for what is asked. */
type Variant = Partial<SasOptions> | undefined;

/** Titles of the questions. */
export const questionTitles: Readonly<Record<QuestionName, string>> = {
  parts: "shared module, specific module, or both, at equal budgets",
  form: "what is generated for each block, at equal budgets",
  division: "division of the budget between shared and specific, at equal budgets",
  hidden: "hidden width of the hyper-network, at equal budgets",
  sites: "where it attaches, at equal budgets",
  rank: "rank of the shared module, the rest as it is",
  embedding: "size of the embeddings, the rest as it is",
};

/**
 * The questions of the ablation with their variants. Where a question is asked at equal budgets, each variant takes the
 * largest size whose count of parameters does not exceed the budget, and one that does not fit at all is left out.
 * @param budget parameters; default: what SaS takes by default
 * @throws ConfigError where a question is not known, or the budget leaves it no two variants
 */
export function questionsOf(
  architecture: Architecture,
  names: readonly string[],
  budget = sas.count(architecture, sas.resolve(architecture, {})),
): readonly Question[] {
  /** A variant at the size that the budget allows. */
  const sized = (given: Partial<SasOptions>, { only }: { only?: "rank" | "embedding" } = {}): Variant => {
    const size = largest(architecture, budget, given);
    if (!size) return undefined;
    return { ...(only === undefined ? size : { [only]: size[only] }), ...given };
  };
  const even = largest(architecture, budget, {}) ?? { rank: 1, embedding: 1 };
  const sizes = [1, 2, 4, 8].filter((size) => size <= architecture.width);
  const variants: Readonly<Record<QuestionName, () => readonly Variant[]>> = {
    parts: () => [even, sized({ specific: false }, { only: "rank" }), sized({ shared: false }, { only: "embedding" })],
    form: () => [sized({}), sized({ form: "affine" }), sized({ form: "core" })],
    division: () => divisions(architecture, budget),
    hidden: () => [sized({}), sized({ hidden: 4 }), sized({ hidden: 8 })],
    sites: () => [sized({}), sized({ sites: ["attn"] }), sized({ sites: ["mlp"] })],
    rank: () => sizes.map((rank) => ({ ...even, rank })),
    embedding: () => sizes.map((embedding) => ({ ...even, embedding })),
  };
  return names.map((name): Question => {
    if (!isQuestion(name)) throw new ConfigError(`ablation: ${name} is no question. ${suggest(name, questionNames)}`);
    const methods = variants[name]().flatMap((given) => (given ? [choiceOf(given)] : []));
    if (methods.length > 1) return { name, methods };
    throw new ConfigError(
      `ablation: ${name}: the budget of ${budget} parameters is too small for more than one variant. Allow more with --budget.`,
    );
  });
}

const isQuestion = (name: string): name is QuestionName => (questionNames as readonly string[]).includes(name);

/** Rank and embedding, equal where both matter, as large as the budget allows; undefined where it allows none. */
function largest(
  a: Architecture,
  budget: number,
  given: Partial<SasOptions>,
): { readonly rank: number; readonly embedding: number } | undefined {
  let best: { readonly rank: number; readonly embedding: number } | undefined;
  for (let size = 1; size <= a.width; size++) {
    const sizes = { rank: size, embedding: size };
    if (sas.count(a, sas.resolve(a, { ...given, ...sizes })) > budget) break;
    best = sizes;
  }
  return best;
}

/** For each rank the largest embedding that the budget leaves; at most five of them, spread over the range. */
function divisions(a: Architecture, budget: number): readonly Partial<SasOptions>[] {
  const count = (rank: number, embedding: number): number => sas.count(a, sas.resolve(a, { rank, embedding }));
  const found: { rank: number; embedding: number }[] = [];
  for (let rank = 1; rank <= a.width && count(rank, 1) <= budget; rank++) {
    let embedding = 1;
    while (embedding < a.width && count(rank, embedding + 1) <= budget) embedding++;
    found.push({ rank, embedding });
  }
  if (found.length <= 5) return found;
  return Array.from({ length: 5 }, (_, i) => found[Math.round((i * (found.length - 1)) / 4)] as (typeof found)[number]);
}

function choiceOf(given: Partial<SasOptions>): MethodChoice {
  const words = Object.entries(given)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${Array.isArray(value) ? value.join("+") : value}`);
  return { label: `sas:${words.join(",")}`, method: "sas", settings: [{ options: given as Options }] };
}
