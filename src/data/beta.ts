import { portableLog } from "./normal.js";
import type { Stream } from "./random.js";

/**
 * The logarithm of a draw from the Gamma distribution of shape `alpha` and scale 1. A draw of shape `alpha + 1` by
 * rejection, times `u^(1/alpha)`; as logarithms nothing underflows, however small `alpha` is.
 * @see Marsaglia, Tsang, A simple method for generating gamma variables, 2000
 */
function drawLogGamma(alpha: number, random: Stream): number {
  const d = alpha + 1 - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    const u = random.uniform();
    if (v > 0 && portableLog(u) < x * x * 0.5 + d - d * v + d * portableLog(v)) {
      return portableLog(d * v) + portableLog(random.uniform()) / alpha;
    }
  }
}

/**
 * A number from Beta(alpha, alpha), which is symmetric about ½: uniform for 1, near 0 or 1 below, near ½ above.
 * @param alpha positive
 */
export function drawBeta(alpha: number, random: Stream): number {
  const first = drawLogGamma(alpha, random);
  return 1 / (1 + Math.exp(drawLogGamma(alpha, random) - first));
}
