// The comparisons whose results are published here. The folder `results/<name>` holds the lines of one, `results.jsonl`,
// and its figures.

/** ViT-Ti/16 at 96 px, ten epochs; the head's rate beside every method was settled before the first trial. */
const protocol = { imageSize: 96, epochs: 10, headLr: 3e-3 };
/** Rates from which validation images choose, the same for every method; of the head where it is trained alone. */
const rates = [2e-3, 5e-3, 1e-2, 2e-2];
/** Of these, the search on two tasks chose the largest for nearly all small methods, so among them the grid lies higher. */
const higher = [5e-3, 1e-2, 2e-2, 5e-2];

const drawn = (task) => ({ [`drawn:${task}`]: `drawn:${task}:test=1000:size=96` });
const photos = {
  "sign-digits": "other/sign-digits",
  eurosat: "vtab-1k/eurosat",
  caltech101: "vtab-1k/caltech101",
};
const four = { ...photos, ...drawn("count") };
const three = { "sign-digits": photos["sign-digits"], eurosat: photos.eurosat, ...drawn("count") };

/** Tasks that choose together the setting a method has on all of them. */
const two = { "sign-digits": photos["sign-digits"], ...drawn("count") };

/**
 * All methods, as they are searched, each with the setting that did best on the validation images of `two` together.
 * A whole network wants other rates than an adapter. LoRA of rank 1 has the factor α/r = 1 of its usual size.
 */
export const searched = {
  linear: "linear:lr=1e-2",
  sas: "sas:lr=2e-2",
  "fact-tt:rank=3,scale=1/10": "fact-tt:rank=3,scale=10,lr=1e-2",
  "lora:rank=1,alpha=1,targets=v": "lora:rank=1,alpha=1,targets=v,lr=2e-2",
  "sas:rank=8,embedding=8": "sas:rank=8,embedding=8,lr=2e-2",
  "lora:rank=1,alpha=1": "lora:rank=1,alpha=1,lr=2e-2",
  "vera:rank=200": "vera:rank=200,lr=2e-2",
  "layer-norm": "layer-norm:lr=2e-2",
  "ssf:sites=norm": "ssf:sites=norm,lr=2e-2",
  "vpt-shallow": "vpt-shallow:lr=2e-2",
  arc: "arc:lr=2e-2",
  bitfit: "bitfit:lr=1e-2",
  adaptformer: "adaptformer:lr=1e-2",
  adapter: "adapter:lr=2e-2",
  "fact-tt": "fact-tt:lr=1e-2",
  "fact-tk": "fact-tk:lr=1e-2",
  ssf: "ssf:lr=1e-2",
  "rep-adapter": "rep-adapter:lr=5e-3",
  rlrr: "rlrr:lr=1e-2",
  lora: "lora:lr=1e-2",
  convpass: "convpass:lr=1e-2",
  "vpt-deep": "vpt-deep:lr=5e-3",
  "full:lr=1e-4/3e-4/1e-3": "full:lr=3e-4",
};

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
 * @property {readonly number[]} [seeds] where it has not the usual three
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
    tasks: four,
    methods: "linear,sas,sas:rank=8,embedding=8,lora,ssf",
    rates,
    config: protocol,
  },
  // At SaS's two sizes.
  "size-2k": {
    suite: "run",
    tasks: four,
    methods: "sas,vera:rank=4,targets=v,fact-tt:rank=3,scale=1/10,lora:rank=1,alpha=1,targets=v",
    rates: higher,
    config: protocol,
  },
  "size-9k": {
    suite: "run",
    tasks: four,
    methods: "sas:rank=8,embedding=8,lora:rank=1,alpha=1,vera:rank=200,arc:rank=12,layer-norm,ssf:sites=norm",
    rates: higher,
    config: protocol,
  },
  search: {
    suite: "run",
    tasks: two,
    methods: Object.keys(searched).join(","),
    rates,
    config: protocol,
    seeds: [0],
  },
  methods: {
    suite: "run",
    tasks: { ...four, cifar10: "other/cifar10", ...drawn("orientation") },
    methods: Object.values(searched).join(","),
    config: protocol,
    seeds: [0],
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

/** What a comparison has where it has none of its own. */
export const usualSeeds = [0, 1, 2];

const flagOf = (key) => `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** The words behind `sas-petl suite`, for a folder of data and one with ViT-Ti. */
export function wordsOf(
  { suite, tasks, targets, shots, methods, questions, seeds = usualSeeds, rates, config, backbone },
  data,
  vitTiny,
) {
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
