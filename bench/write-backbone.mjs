// node write-backbone.mjs NAME FOLDER: a backbone of that architecture with random weights.
import { stream } from "../dist/data/random.js";
import { writeBackbone } from "../dist/platform/backbone.js";
import { architectureOf } from "../dist/vit/architecture.js";
import { completeContract } from "../dist/vit/contract.js";
import { randomWeights } from "../dist/vit/random-weights.js";

const [name, folder] = process.argv.slice(2);
const architecture = architectureOf(name);
// Speed does not depend on the values as long as they are neither zero nor subnormal: few draws, used again and again.
const draws = Float64Array.from({ length: 4093 }, stream(0, "weights").normal);
let drawn = 0;
const weights = randomWeights(architecture, () => () => draws[drawn++ % draws.length]);
const { contract } = completeContract({ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }, architecture.imageSize);
await writeBackbone(folder, { architecture, contract, weights });
