import { stream } from "../../src/data/random.js";
import { backward } from "../../src/graph/backward.js";
import { add, mul } from "../../src/graph/elementwise.js";
import { graph } from "../../src/graph/graph.js";
import { reduceSum } from "../../src/graph/reduce.js";
import { type Tensor, tensorOf } from "../../src/graph/tensor.js";
import { constant, input, type Value } from "../../src/graph/value.js";
import { ReferenceExecutor } from "../../src/run/reference.js";
import { relativeError } from "./closeness.js";
import { doubles } from "./compute.js";

/** Central differences: truncation error h²/6 · f‴ ≈ 2e-11, rounding ε/h ≈ 2e-11. */
const step = 1e-5;
const tolerance = 1e-7;
/** Below this norm a gradient is lost in the noise floor of 1e-11, and 1e-7 of it cannot be asked for. */
const leastNorm = 1e-4;

/** A random projection that makes one number of an output; multiples of 1/64 are exact in every float type. */
function project(y: Value, index: number): Value {
  const { normal } = stream(0, "gradcheck", index);
  const direction = Array.from({ length: y.shape.reduce((a, b) => a * b, 1) }, () => Math.round(normal() * 64) / 64);
  return reduceSum(mul(y, constant(tensorOf(y.dtype, y.shape, direction))));
}

/**
 * Compares the gradients that `backward` derives with central differences, in float64 on the reference.
 * @param f builds the outputs whose gradients are checked, all of one type
 * @param inputs a point at which `f` is smooth
 * @param wrt indices of the inputs to be checked; default all
 * @throws Error where a gradient is off by more than 1e-7 of its norm
 */
export async function gradcheck(
  f: (...inputs: Value[]) => Value | readonly Value[],
  inputs: readonly Tensor<"float64">[],
  wrt: readonly number[] = [...inputs.keys()],
): Promise<void> {
  const leaves = inputs.map((x, i) => input(`x${i}`, x.shape, "float64"));
  const loss = [f(...leaves)]
    .flat()
    .map(project)
    .reduce((a, b) => add(a, b));
  const checked = leaves.filter((_, i) => wrt.includes(i));
  const gradients = Object.fromEntries(backward(loss, checked).map((g, i) => [checked[i]?.name ?? "", g]));

  const executor = new ReferenceExecutor();
  const feeds = Object.fromEntries(inputs.map((x, i) => [`x${i}`, x]));
  const derived = await (await executor.load(graph("gradients", gradients))).run(feeds);
  const forward = await executor.load(graph("loss", { loss }));
  const lossAt = async (name: string, data: Float64Array): Promise<number> =>
    (await forward.run({ ...feeds, [name]: doubles(feeds[name]?.shape ?? [], data) })).loss?.data[0] as number;

  for (const { name } of checked) {
    const { data } = feeds[name] as Tensor<"float64">;
    const measured: number[] = [];
    for (const [i, x] of data.entries()) {
      const [up, down] = [x + step, x - step];
      const difference = (await lossAt(name, data.with(i, up))) - (await lossAt(name, data.with(i, down)));
      measured.push(difference / (up - down));
    }
    const got = Array.from(derived[name]?.data as Float64Array);
    const error = relativeError(got, measured, leastNorm);
    if (!(error <= tolerance)) {
      throw new Error(`gradient of ${name} is off by ${error} of its norm: derived ${got}, measured ${measured}`);
    }
  }
}
