import { gridOf, tokensOf } from "../dist/vit/architecture.js";

/**
 * Floating-point operations of the frozen network's matrix products for one image, two per multiply-add, with `T` tokens
 * of width `D`, `P` patches of side `p` with `c` channels, `L` blocks and hidden width `M`; the head is left out:
 * `2 · (P · c p² · D + L · (T · D · 3D + T · T · D + T · T · D + T · D · D + 2 · T · D · M))`
 * (patch embedding; per block qkv, QKᵀ, PV, proj, fc1 and fc2).
 */
export function forwardFlops(a) {
  const [rows, columns] = gridOf(a);
  const [tokens, { width, hidden }] = [tokensOf(a), a];
  const embedding = rows * columns * a.channels * a.patchSize ** 2 * width;
  const attention = tokens * width * 3 * width + 2 * tokens * tokens * width + tokens * width * width;
  return 2 * (embedding + a.blocks * (attention + 2 * tokens * width * hidden));
}

/**
 * What is counted for one image trained: twice the forward products. A backward pass through frozen maps needs one product
 * for each of the forward pass (two in QKᵀ and PV, which are not counted twice), the adapters next to nothing.
 */
export const trainedFlops = (a) => 2 * forwardFlops(a);

/** The frozen linear maps of a block, `[inputs, outputs]`. */
export const linearShapes = ({ width, hidden }) => ({
  qkv: [width, 3 * width],
  proj: [width, width],
  fc1: [width, hidden],
  fc2: [hidden, width],
});
