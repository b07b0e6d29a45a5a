import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reportRun } from "../../src/report/run-page.js";
import { makeRun } from "../support/made-up-run.js";
import { launch, whyNoBrowser } from "./chromium.js";

let browser: Browser;
beforeAll(async () => {
  if (!whyNoBrowser) browser = await launch();
}, 120_000);
afterAll(() => browser?.close());

const hostile = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`;

/** The report in a page of this width, and what the page asked for or complained of. */
async function show(classes: number, width: number) {
  const run = makeRun(classes, classes * 4, { right: 1, name: (i) => `${hostile}${i}` });
  const page = await browser.newPage({ viewport: { width, height: 800 } });
  const noise: string[] = [];
  page.on("console", (message) => noise.push(message.text()));
  page.on("pageerror", (error) => noise.push(error.message));
  page.on("request", (request) => noise.push(request.url()));
  await page.setContent(reportRun(run, new Map()));
  return { page, noise };
}

describe.skipIf(whyNoBrowser)(`a report in a browser${whyNoBrowser}`, () => {
  it.each([2, 10, 200])("of %i classes fits on a phone, and is quiet", async (classes) => {
    const { page, noise } = await show(classes, 360);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360);
    expect(await page.title()).toBe("flowers");
    expect(noise).toEqual([]);
    await page.close();
  });

  it("is sorted by keyboard", async () => {
    const { page, noise } = await show(10, 1000);
    const recalls = () =>
      page
        .locator("#classes tbody tr td:nth-child(4)")
        .evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute("data-sort"))));
    await page.locator("#classes thead button", { hasText: "recall" }).focus();
    await page.keyboard.press("Enter");
    const down = await recalls();
    expect(down).toEqual(down.toSorted((a, b) => b - a));
    await page.keyboard.press("Space");
    expect(await recalls()).toEqual(down.toSorted((a, b) => a - b));
    expect(noise).toEqual([]);
    await page.close();
  });
});
