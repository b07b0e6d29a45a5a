import { modulesOf } from "../vit/architecture.js";
import { expectNames } from "./expect.js";
import { type Method, type MethodParameter, normalOf } from "./method.js";

/** Kinds of modules: the patch embedding, every norm, the linear maps of attention and of the MLP. */
export type SsfSite = "embed" | "norm" | "attn" | "mlp";

/** Options of `ssf`. */
export interface SsfOptions {
  /** Modules whose outputs change; default all. `norm` alone is the size of LayerNorm tuning. */
  readonly sites: readonly SsfSite[];
}

/** Adapters from before there was a choice have no `sites`: all. */
const allSites: readonly SsfSite[] = ["embed", "norm", "attn", "mlp"];

/**
 * SSF: `y′ = y ⊙ scale + shift` behind every linear map, every norm and the patch embedding. `scale ~ N(1, 0.02²)`,
 * `shift ~ N(0, 0.02²)`, so the start is close to the frozen network but not equal to it.
 * @see Lian et al., Scaling & Shifting Your Features: A New Baseline for Efficient Model Tuning, 2022
 */
export const ssf: Method<SsfOptions> = {
  name: "ssf",
  source: "Lian et al., Scaling & Shifting Your Features: A New Baseline for Efficient Model Tuning, 2022",
  startsAsIdentity: false,
  folds: true,

  resolve(_, given) {
    const o = { sites: allSites, ...given };
    expectNames("ssf", "sites", o.sites, allSites);
    return o;
  },

  count({ width, hidden, blocks, hasPreNorm }, { sites = allSites }) {
    const outputs: Readonly<Record<SsfSite, number>> = {
      embed: width,
      norm: width * (2 * blocks + (hasPreNorm ? 2 : 1)),
      attn: blocks * 4 * width,
      mlp: blocks * (hidden + width),
    };
    return 2 * sites.reduce((sum, site) => sum + outputs[site], 0);
  },

  parameters: (a, { sites = allSites }) =>
    modulesOf(a)
      .filter(({ name }) => sites.includes(siteOf(name)))
      .flatMap(({ name, outputs }): MethodParameter[] => [
        {
          name: `ssf.${name}.scale`,
          shape: [outputs],
          group: "adapter",
          initial: (normal) => normalOf([outputs], 0.02)(normal).map((z) => 1 + z),
        },
        { name: `ssf.${name}.shift`, shape: [outputs], group: "adapter", initial: normalOf([outputs], 0.02) },
      ]),

  adapt: (_, { sites = allSites }, value) => ({
    output: (name) =>
      sites.includes(siteOf(name))
        ? { scale: value(`ssf.${name}.scale`), shift: value(`ssf.${name}.shift`) }
        : undefined,
  }),
};

/** @param name of a module, `blocks.3.attn.qkv` */
const siteOf = (name: string): SsfSite =>
  name.startsWith("patch_embed") ? "embed" : name.includes("norm") ? "norm" : name.includes(".attn.") ? "attn" : "mlp";
