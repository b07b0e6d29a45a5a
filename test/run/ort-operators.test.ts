import * as ort from "onnxruntime-node";
import { afterAll, describe } from "vitest";
import { OrtExecutor, sessionOptions } from "../../src/run/ort.js";
import { OrtEngine } from "../../src/run/ort-engine.js";
import { checkNoDoubleKernels, checkOperators, noDoubleKernels } from "../support/operators-on.js";

const executor = OrtExecutor.over(ort, { threads: 1 });
afterAll(() => executor.close());

describe("operators on the CPU in float32", () => checkOperators(() => executor, "float32"));

describe("operators on the CPU in float64", () => {
  checkOperators(() => executor, "float64", noDoubleKernels);
  checkNoDoubleKernels(new OrtEngine(ort, sessionOptions({})));
});
