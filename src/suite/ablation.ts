import { ConfigError, suggest } from "../errors.js";
import { sas, type SasOptions } from "../methods/sas.js";
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
 * largest size whose count of parameters does not exceed the budget.
 * @param budget parameters; default: what SaS takes by default
 * @throws ConfigError where a question is not known, or the budget too small for a variant
 */
export function questionsOf(
  architecture: Architecture,
  names: readonly string[],
  budget = sas.count(architecture, sas.resolve(architecture, {})),
): readonly Question[] {
  const fit = (given: Partial<SasOptions>) => largest(architecture, budget, given);
  const { rank, embedding } = fit({});
  const even = { rank, embedding };
  const sizes = [1, 2, 4, 8].filter((size) => size <= architecture.width);
  const variants: Readonly<Record<QuestionName, () => readonly Partial<SasOptions>[]>> = {
    parts: () => [
      even,
      { rank: fit({ specific: false }).rank, specific: false },
      { embedding: fit({ shared: false }).embedding, shared: false },
    ],
    form: () => (["low-rank", "affine", "core"] as const).map((form) => ({ ...fit({ form }), form })),
    division: () => divisions(architecture, budget),
    hidden: () => [0, 4, 8].map((hidden) => ({ ...fit({ hidden }), hidden })),
    sites: () =>
      ([["attn", "mlp"], ["attn"], ["mlp"]] as const).map((sites) => ({ ...fit({ sites }), sites })),
    rank: () => sizes.map((size) => ({ ...even, rank: size })),
    embedding: () => sizes.map((size) => ({ ...even, embedding: size })),
  };
  return names.map((name): Question => {
    if (!isQuestion(name)) throw new ConfigError(`ablation: ${name} is no question. ${suggest(name, questionNames)}`);
    const methods = variants[name]().map(choiceOf);
    return { name, methods: methods.filter(({ label }, i) => methods.findIndex((m) => m.label === label) === i) };
  });
}

const isQuestion = (name: string): name is QuestionName => (questionNames as readonly string[]).includes(name);

/** Rank and embedding, equal where both matter, as large as the budget allows. */
function largest(a: Architecture, budget: number, given: Partial<SasOptions>): { rank: number; embedding: number } {
  let best: { rank: number; embedding: number } | undefined;
  for (let size = 1; size <= a.width; size++) {
    const sizes = { rank: size, embedding: size };
    if (sas.count(a, sas.resolve(a, { ...given, ...sizes })) > budget) break;
    best = sizes;
  }
  if (best) return best;
  const least = sas.count(a, sas.resolve(a, { ...given, rank: 1, embedding: 1 }));
  throw new ConfigError(
    `ablation: the budget of ${budget} parameters is too small for ${JSON.stringify(given)}, which takes at least ${least}. Allow more with --budget.`,
  );
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
