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
 * largest size whose count of parameters does not exceed the budget, or the least budget into which all of them fit. Where
 * equal sizes of rank and embedding leave too much of it, the rank is one more, beside at least half the embedding.
 * @param asked budget in parameters; default: what SaS takes by default
 * @throws ConfigError where a question is not known or asked twice, or a budget that was asked for is below the smallest SaS
 */
export function questionsOf(architecture: Architecture, names: readonly string[], asked?: number): readonly Question[] {
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new ConfigError(`ablation: ${twice} is asked twice. Ask it once.`);
  const smallest = countAt(architecture, {}, 1);
  if (asked !== undefined && asked < smallest) {
    throw new ConfigError(`ablation: a budget of ${asked} holds no SaS, which takes ${smallest} parameters at least.`);
  }
  const budget = asked ?? sas.count(architecture, sas.resolve(architecture, {}));
  /** Variants at one budget; a module that is left out has no size. */
  const sized = (all: readonly Partial<SasOptions>[]): readonly Partial<SasOptions>[] => {
    const least = Math.max(...all.map((given) => countAt(architecture, given, 1)));
    const shared = Math.max(budget, least);
    return all.map((given) => {
      const { rank, embedding } = fill(architecture, shared, given);
      return {
        ...(given.shared !== false && { rank }),
        ...(given.specific !== false && { embedding }),
        ...given,
      };
    });
  };
  const even = largest(architecture, budget, {});
  const sizes = [1, 2, 4, 8].filter((size) => size <= architecture.width);
  const variants: Readonly<Record<QuestionName, () => readonly Partial<SasOptions>[]>> = {
    parts: () => sized([{}, { specific: false }, { shared: false }]),
    form: () => sized([{}, { form: "low-rank" }, { form: "core" }]),
    division: () => divisions(architecture, budget),
    hidden: () => sized([{}, { hidden: 4 }, { hidden: 8 }]),
    sites: () => sized([{}, { sites: ["attn"] }, { sites: ["mlp"] }]),
    rank: () => sizes.map((rank) => ({ rank, embedding: even })),
    embedding: () => sizes.map((embedding) => ({ rank: even, embedding })),
  };
  return names.map((name): Question => {
    if (!isQuestion(name)) throw new ConfigError(`ablation: ${name} is no question. ${suggest(name, questionNames)}`);
    return { name, methods: variants[name]().map(choiceOf) };
  });
}

const isQuestion = (name: string): name is QuestionName => (questionNames as readonly string[]).includes(name);

const countAt = (a: Architecture, given: Partial<SasOptions>, rank: number, embedding = rank): number =>
  sas.count(a, sas.resolve(a, { ...given, rank, embedding }));

/**
 * Rank and embedding within a budget: the largest that are equal; or, where more of it is used so, the rank one more and at
 * least half the embedding.
 */
function fill(a: Architecture, budget: number, given: Partial<SasOptions>): { rank: number; embedding: number } {
  const size = largest(a, budget, given);
  const even = { rank: size, embedding: size };
  const rank = size + 1;
  if (given.shared === false || given.specific === false || rank > a.width) return even;
  let embedding = size;
  while (embedding > Math.ceil(size / 2) && countAt(a, given, rank, embedding) > budget) embedding--;
  const uneven = countAt(a, given, rank, embedding);
  return uneven <= budget && uneven > countAt(a, given, size) ? { rank, embedding } : even;
}

/** The largest size that rank and embedding may both have within a budget; at least 1. */
function largest(a: Architecture, budget: number, given: Partial<SasOptions>): number {
  let size = 1;
  while (size < a.width && countAt(a, given, size + 1) <= budget) size++;
  return size;
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
  if (found.length === 0) return [{ rank: 1, embedding: 1 }];
  if (found.length <= 5) return found;
  return Array.from({ length: 5 }, (_, i) => found[Math.round((i * (found.length - 1)) / 4)] as (typeof found)[number]);
}

function choiceOf(given: Partial<SasOptions>): MethodChoice {
  const words = Object.entries(given)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${Array.isArray(value) ? value.join("+") : value}`);
  return { label: `sas:${words.join(",")}`, method: "sas", settings: [{ options: given as Options }] };
}
