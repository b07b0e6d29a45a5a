// The comparisons whose results are published here, as commands. The folder `results/<name>` holds the lines of one,
// `results.jsonl`, and its figures.

/** ViT-Ti/16 at 96 px, ten epochs of batches of 32. */
const training = ["--image-size", "96", "--epochs", "10", "--batch-size", "32"];
/** The rate of the head beside every method, settled before the first trial; a linear head alone chooses its own. */
const headRate = ["--head-lr", "3e-3"];
/** Rates from which validation images choose, the same for every method. */
const grid = ["--lr-grid", "1e-3,2e-3,5e-3,1e-2,2e-2"];

const drawn = (task) => `drawn:${task}:test=1000:size=96`;

/**
 * By name: what it asks, and its commands behind `sas-petl suite`, for a folder of data. The backbone is ViT-Ti where none
 * is named.
 * @type {Record<string, { about: string, commands: (data: string) => string[][] }>}
 */
export const suites = {
  demo: {
    about: "Which rates does the demo take, and how far is SaS ahead there?",
    commands: () => [
      [
        ...["run", "--backbone", "sas-mini", "--data", "drawn:count:train=1500:val=500:test=1000", "--epochs", "10"],
        ...["--methods", "linear,sas", "--seeds", "0,1,2", "--lr-grid", "5e-3,1e-2,2e-2", "--head-lr", "1e-2"],
      ],
    ],
  },
  comparison: {
    about: "How good are methods on images of a kind that the backbone knows, and of kinds that it does not?",
    commands: (data) => [
      [
        ...["run", "--data"],
        `${data}/other/sign-digits,${data}/vtab-1k/eurosat,${data}/vtab-1k/caltech101,${drawn("count")}`,
        ...["--methods", "linear,sas,sas:rank=8,embedding=8,lora,ssf"],
        ...["--seeds", "0,1,2", ...training, ...headRate, ...grid],
      ],
    ],
  },
};
