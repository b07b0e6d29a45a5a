import * as ort from "onnxruntime-web";
import { afterAll, describe, it } from "vitest";
import { OrtExecutor } from "../../src/run/ort.js";
import { expectGoldenStep } from "../support/golden-step.js";
import { checkOperators, noDoubleKernels } from "../support/operators-on.js";

// More threads would be workers, which outlive the test.
ort.env.wasm.numThreads = 1;
const executor = OrtExecutor.over(ort, { target: "wasm" });
afterAll(() => executor.close());

describe("operators in WebAssembly in float32", () => checkOperators(() => executor, "float32"));

describe("operators in WebAssembly in float64", () => checkOperators(() => executor, "float64", noDoubleKernels));

describe("the whole SaS step in WebAssembly", () => {
  it.each(["sas-low-rank", "sas-affine", "sas-core", "sas-hidden"])("%s", (name) => expectGoldenStep(name, executor));
});
