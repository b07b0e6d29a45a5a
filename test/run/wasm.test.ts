import * as ort from "onnxruntime-web";
import { afterAll, describe, it } from "vitest";
import { OrtExecutor, sessionOptions } from "../../src/run/ort.js";
import { OrtEngine } from "../../src/run/ort-engine.js";
import { expectGoldenStep } from "../support/golden-step.js";
import { checkNoDoubleKernels, checkOperators, noDoubleKernels } from "../support/operators-on.js";

// More threads would be workers, which outlive the test.
ort.env.wasm.numThreads = 1;
const executor = OrtExecutor.over(ort, { target: "wasm" });
afterAll(() => executor.close());

describe("operators in WebAssembly in float32", () => checkOperators(() => executor, "float32"));

describe("operators in WebAssembly in float64", () => {
  checkOperators(() => executor, "float64", noDoubleKernels);
  checkNoDoubleKernels(new OrtEngine(ort, sessionOptions({ target: "wasm" })));
});

describe("the whole SaS step in WebAssembly", () => {
  it.each(["sas-low-rank", "sas-affine", "sas-core", "sas-hidden"])("%s", (name) => expectGoldenStep(name, executor));
});
