import { ConfigError } from "../errors.js";
import { add, concat, type Graph, gemm, graph, input, reshape, type Value, weight } from "../graph/index.js";
import { modulesOf, parametersOf } from "../vit/architecture.js";
import { places, type Site } from "../vit/site.js";
import type { MergeOptions } from "./merge.js";

/** The outputs of a `lowRankGraph` at one linear map, by the end of their names. */
export type LowRankPart = "down" | "up" | "scale" | "shift";

/** What an output is called: `blocks.3.mlp.fc1/up`. */
export const lowRankName = ({ block, place }: Site, part: LowRankPart): string => `blocks.${block}.${place}/${part}`;

/**
 * The graph that writes a method's changes as changes of the frozen maps alone. With `x′ = x + (x down) up + x ⊙ scale + shift`
 * and `y = x′ W + b`: `y = x W + b + (x down)(up W) + (x ⊙ scale) W + shift W`.
 *
 * Feeds: the method's parameters. Outputs, as far as there are any: `…/down` `[in, rank]`, `…/up` `[rank, out]`, behind the
 * map; `…/scale` `[in]`, before it; `…/shift` `[out]`, behind it.
 * @throws ConfigError where the method changes something else than the linear maps
 */
export function lowRankGraph({ architecture: a, method, methodOptions }: MergeOptions): Graph {
  const refuse = (what: string): never => {
    throw new ConfigError(
      `${method.name} ${what}, which is no change of linear maps alone. Export it merged: --format safetensors --names hf.`,
    );
  };
  if (!method.folds) throw new ConfigError(`${method.name} does not fold into the network: take --format onnx.`);
  const values = new Map(method.parameters(a, methodOptions).map(({ name, shape }) => [name, input(name, shape)]));
  const adaptation = method.adapt(a, methodOptions, (name) => {
    const value = values.get(name);
    if (!value) throw new Error(`method ${method.name} has no parameter ${name}`);
    return value;
  });
  for (const { name, shape } of parametersOf(a)) {
    if (adaptation.tensor?.(name, weight(name, shape))) refuse(`trains ${name} itself`);
  }
  const maps = new Set(
    Array.from({ length: a.blocks }, (_, block) => places.map((p) => `blocks.${block}.${p}`)).flat(),
  );
  for (const { name } of modulesOf(a)) {
    const change = adaptation.output?.(name);
    if (change && (change.scale || !maps.has(name))) refuse(`scales or shifts what comes out of ${name}`);
  }

  const outputs: Record<string, Value> = {};
  const shapes = new Map(parametersOf(a).map(({ name, shape }) => [name, shape]));
  for (let block = 0; block < a.blocks; block++) {
    for (const place of places) collect({ block, place });
  }
  return graph("low-rank", outputs);

  function collect(site: Site): void {
    const change = adaptation.input?.(site);
    const delta = adaptation.delta?.(site);
    const name = `blocks.${site.block}.${site.place}.weight`;
    const kernel = weight(name, shapes.get(name) ?? []);
    const behind = (rows: Value): Value => gemm(rows, kernel, { transB: true });
    const pairs = [
      ...(change?.down && change.up ? [{ down: change.down, up: behind(change.up) }] : []),
      ...(delta ? [delta] : []),
    ];
    const put = (part: LowRankPart, value: Value): void => {
      outputs[lowRankName(site, part)] = value;
    };
    if (pairs.length > 0) {
      put(
        "down",
        concat(
          pairs.map(({ down }) => down),
          1,
        ),
      );
      put(
        "up",
        concat(
          pairs.map(({ up }) => up),
          0,
        ),
      );
    }
    if (change?.scale) put("scale", change.scale);
    const before = change?.shift && reshape(behind(reshape(change.shift, [1, a.width])), [kernel.shape[0] as number]);
    const after = adaptation.output?.(`blocks.${site.block}.${site.place}`)?.shift;
    const shift = before && after ? add(before, after) : (before ?? after);
    if (shift) put("shift", shift);
  }
}
