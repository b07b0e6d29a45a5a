// The comparisons whose results are published here. The folder `results/<name>` holds the lines of one, `results.jsonl`,
// and its figures.

/** ViT-Ti/16 at 96 px, ten epochs; the head's rate beside every method was settled before the first trial. */
const protocol = { imageSize: 96, epochs: 10, headLr: 3e-3 };
/** Rates from which validation images choose, the same for every method; of the head where it is trained alone. */
const rates = [2e-3, 5e-3, 1e-2, 2e-2];

const drawn = (task) => ({ [`drawn:${task}`]: `drawn:${task}:test=1000:size=96` });
const photos = {
  "sign-digits": "other/sign-digits",
  eurosat: "vtab-1k/eurosat",
  caltech101: "vtab-1k/caltech101",
};
const three = { "sign-digits": photos["sign-digits"], eurosat: photos.eurosat, ...drawn("count") };

/**
 * A comparison, as `sas-petl suite` takes it.
 * @typedef {object} Suite
 * @property {string} suite its command
 * @property {Record<string, string>} tasks folders below DATA, or drawn tasks, by the name they have in lines and tables
 * @property {string} [methods] as behind --methods
 * @property {readonly number[]} [rates] as behind --lr-grid
 * @property {Record<string, number>} config settings of every trial, by their names in a configuration
 * @property {string} [backbone] one that comes with the package; ViT-Ti where there is none
 * @property {readonly number[]} [shots] of `few-shot`
 * @property {Record<string, string>} [targets] of `domain-generalization`
 * @property {readonly string[]} [questions] of `ablation`
 */

/** @type {Record<string, Suite>} */
export const suites = {
  demo: {
    suite: "run",
    backbone: "sas-mini",
    tasks: { "drawn:count": "drawn:count:train=1500:val=500:test=1000" },
    methods: "linear,sas",
    rates: [5e-3, 1e-2, 2e-2],
    config: { epochs: 10, headLr: 1e-2 },
  },
  comparison: {
    suite: "run",
    tasks: { ...photos, ...drawn("count") },
    methods: "linear,sas,sas:rank=8,embedding=8,lora,ssf",
    rates,
    config: protocol,
  },
  // Methods of the sizes of SaS, or nearest to them: 2 352, and 9 408. LoRA with the factor α/r = 1 of its usual size.
  sizes: {
    suite: "run",
    tasks: three,
    methods:
      "sas,fact-tt:rank=3,scale=1/10,lora:rank=1,alpha=1,targets=v,sas:rank=8,embedding=8,lora:rank=1,alpha=1," +
      "layer-norm,vera:rank=200",
    rates,
    config: protocol,
  },
  ablation: {
    suite: "ablation",
    tasks: three,
    questions: ["parts", "form", "division", "sites", "hidden"],
    rates: [1e-2, 2e-2],
    config: protocol,
  },
  domains: {
    suite: "domain-generalization",
    tasks: { photo: "other/pacs/photo" },
    targets: {
      art_painting: "other/pacs/art_painting",
      cartoon: "other/pacs/cartoon",
      sketch: "other/pacs/sketch",
    },
    methods: "linear,sas,sas:rank=8,embedding=8,lora,ssf",
    rates,
    config: protocol,
  },
  "few-shot": {
    suite: "few-shot",
    tasks: { dtd10: "other/dtd10" },
    shots: [1, 2, 4, 8, 16],
    methods: "linear,sas,sas:rank=8,embedding=8,lora,ssf",
    rates,
    config: { ...protocol, epochs: 20 },
  },
};

/** Every comparison has these. */
export const seeds = [0, 1, 2];

const flagOf = (key) => `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** The words behind `sas-petl suite`, for a folder of data and one with ViT-Ti. */
export function wordsOf({ suite, tasks, targets, shots, methods, questions, rates, config, backbone }, data, vitTiny) {
  const places = (named) =>
    Object.values(named).map((place) => (place.startsWith("drawn:") ? place : `${data}/${place}`));
  const flags = {
    ...(targets ? { source: places(tasks), targets: places(targets) } : { data: places(tasks) }),
    ...(shots && { shots }),
    ...(methods && { methods: [methods] }),
    ...(questions && { questions }),
    seeds,
    ...(rates && { lrGrid: rates }),
    ...Object.fromEntries(Object.entries(config).map(([key, value]) => [key, [value]])),
    backbone: [backbone ?? vitTiny],
  };
  return [suite, ...Object.entries(flags).flatMap(([key, values]) => [flagOf(key), values.join(",")])];
}
