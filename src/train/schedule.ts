/** What decides the learning rate at every step. */
export interface Schedule {
  /** Rate after warm-up. */
  readonly lr: number;
  /** Rate that the cosine falls towards. */
  readonly minLr: number;
  /** Steps over which the rate rises linearly to `lr`; 0 for none. */
  readonly warmupSteps: number;
  /** Steps of the whole training. */
  readonly totalSteps: number;
}

/**
 * The learning rate of step `t = 0 … T − 1`: linear warm-up over `W` steps, then half a cosine.
 *
 *     t < W:  lr·(t + 1)/W        t ≥ W:  min + ½·(lr − min)·(1 + cos(π·(t − W)/(T − W)))
 *
 * @see Loshchilov and Hutter, "SGDR", ICLR 2017, equation 5 (one period); Goyal et al., arXiv 1706.02677, section 2.2 (warm-up)
 */
export function learningRate(step: number, { lr, minLr, warmupSteps, totalSteps }: Schedule): number {
  if (step < warmupSteps) return (lr * (step + 1)) / warmupSteps;
  const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  return minLr + 0.5 * (lr - minLr) * (1 + Math.cos(Math.PI * Math.min(1, progress)));
}
