import { afterAll, describe, it } from "vitest";
import { OrtExecutor, sessionOptions } from "../../src/run/ort.js";
import { expectGoldenStep } from "../support/golden-step.js";
import { checkOperators } from "../support/operators-on.js";
import { launch, openPage, PageEngine, whyNoBrowser } from "./chromium.js";

describe.skipIf(whyNoBrowser)(`WebGPU in a browser${whyNoBrowser}`, async () => {
  const browser = whyNoBrowser ? undefined : await launch();
  afterAll(() => browser?.close());
  const page = browser && (await openPage(browser, process.env.ENTRY ?? "ort.webgpu.min.mjs"));
  page?.on("console", (m) => console.log(m.text().slice(0, 400)));
  const executor = page && new OrtExecutor(new PageEngine(page, sessionOptions({ target: "webgpu" })), "webgpu");

  checkOperators(() => executor as never, "float32");

  it("the whole SaS step", () => expectGoldenStep("sas-low-rank", executor as never), 120_000);
});
