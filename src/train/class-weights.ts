import { ConfigError } from "../errors.js";

/** How much an image counts by its class. */
export type ClassWeights = "none" | "balanced" | "effective" | readonly number[];

/**
 * The weight of each class in the loss, or undefined where all are 1.
 *
 * `balanced`: `N / (C·n)` for a class with `n` of `N` training images, `C` classes having some. `effective`: proportional to
 * `(1 − β) / (1 − βⁿ)`, with mean 1 over these classes. A class without training images weighs 1.
 * @param labels class of each training image
 * @throws ConfigError where a list does not have one number per class, or gives every training image the weight 0
 * @see King and Zeng, Logistic Regression in Rare Events Data, 2001 (scikit-learn's "balanced")
 * @see Cui et al., Class-Balanced Loss Based on Effective Number of Samples, 2019, equation 2
 */
export function classWeightsOf(
  wish: ClassWeights,
  beta: number,
  labels: ArrayLike<number>,
  classes: number,
): Float64Array | undefined {
  if (wish === "none") return undefined;
  const counts = new Float64Array(classes);
  for (let i = 0; i < labels.length; i++) counts[labels[i] as number] = (counts[labels[i] as number] as number) + 1;
  const present = counts.filter((n) => n > 0).length;
  if (wish === "balanced") return counts.map((n) => (n > 0 ? labels.length / (present * n) : 1));
  if (wish === "effective") {
    // −expm1 keeps the digits that 1 − βⁿ loses where β is close to 1.
    const raw = counts.map((n) => (n > 0 ? (1 - beta) / -Math.expm1(n * Math.log(beta)) : 0));
    const mean = raw.reduce((a, b) => a + b, 0) / present;
    return raw.map((weight) => (weight > 0 ? weight / mean : 1));
  }
  if (wish.length !== classes) {
    throw new ConfigError(
      `classWeights: expected one number for each of the ${classes} classes, got ${wish.length}. Classes go by name.`,
    );
  }
  const given = Float64Array.from(wish);
  if (!counts.some((n, c) => n > 0 && (given[c] as number) > 0)) {
    throw new ConfigError("classWeights: they give every training image the weight 0; expected one class above 0.");
  }
  return given;
}

/**
 * How much each image of a batch counts: `w / Σ w` over the batch, so the loss stays a mean. A batch of weight 0 counts nothing.
 * @param weights of the classes
 * @param second the classes of images mixed into these, which count for their share
 * @see PyTorch `CrossEntropyLoss(weight)` with `reduction="mean"`
 */
export function imageWeights(
  labels: Int32Array,
  weights: Float64Array | undefined,
  second?: { readonly labels: Int32Array; readonly share: number },
): Float64Array {
  if (!weights) return new Float64Array(labels.length).fill(1 / labels.length);
  const share = second?.share ?? 0;
  const own = Float64Array.from(labels, (label, row) => {
    const other = second?.labels[row] ?? label;
    return (1 - share) * (weights[label] as number) + share * (weights[other] as number);
  });
  const total = own.reduce((a, b) => a + b, 0);
  return total > 0 ? own.map((weight) => weight / total) : own;
}
