import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { thousands } from "../../src/counts.js";
import { percent } from "../../src/report/format.js";
import type { Run } from "../../src/report/run.js";
import { reportRun } from "../../src/report/run-page.js";
import { makeRun } from "../support/made-up-run.js";

const hostile = '</style><script>alert(1)</script><img src=x onerror="alert(1)">\u202e';

/** The page without its style and script, and what in it looks like a value that nobody meant to show. */
const bodyOf = (text: string) => text.replace(/<(style|script)>[\s\S]*?<\/\1>/g, "");
const slipsOf = (text: string) => bodyOf(text).match(/.{0,60}(NaN|undefined|\[object).{0,60}/g) ?? [];
const open = (run: Run, pictures: ReadonlyMap<string, string> | null = null) => {
  const text = reportRun(run, pictures);
  return { text, document: parseHTML(text).document };
};
const texts = (document: ReturnType<typeof open>["document"], selector: string) =>
  [...document.querySelectorAll(selector)].map(({ textContent }) => textContent ?? "");

describe("the report of a run", () => {
  it("says what result.json says", () => {
    const run = makeRun(10, 500);
    const { document } = open(run);
    const { test } = run.result ?? {};
    expect(texts(document, ".tile .value")).toEqual([
      percent(test?.top1 ?? 0),
      "2,352",
      "1 min 40 s",
      percent(test?.balancedAccuracy ?? 0),
    ]);
    const [row] = document.querySelectorAll("#result tbody tr");
    const shares = [test?.top1, test?.top5, test?.balancedAccuracy, test?.macroF1, test?.calibrationError];
    expect([...(row?.children ?? [])].map(({ textContent }) => textContent)).toEqual([
      "test, last epoch",
      "500",
      ...shares.map((share) => percent(share ?? Number.NaN)),
      test?.nll.toFixed(3),
    ]);
    expect(document.querySelector("#calibration")?.textContent).toContain(percent(test?.calibrationError ?? 0));
    for (const number of ["2,352", "5,496,048", "1,930"])
      expect(document.querySelector("#parameters")?.textContent).toContain(number);
    expect(document.querySelector("#setup")?.textContent).toContain("d1gest");
  });

  it("speaks of the best epoch where patience ended the run", () => {
    const { config, result, ...run } = makeRun(10, 500);
    if (!result?.test || !result.val) throw new Error("this run is finished");
    const best = { epoch: 2, val: result.val, test: result.test };
    const ended = { ...result, epochs: 20, epochsDone: 5, best };
    const { document } = open({ ...run, config: { ...config, epochs: 20, patience: 3 }, result: ended });
    expect(document.querySelector("header, body")?.textContent).toContain(
      "5 of 20 epochs, after which patience ended it",
    );
    const names = [...document.querySelectorAll("#result tbody tr")].map((row) => row.children[0]?.textContent);
    expect(names).toEqual(["test, best epoch (2)", "validation, best epoch (2)"]);
  });

  it("draws the rate that was trained with: of the method, or of a head alone", () => {
    const run = makeRun(3, 30);
    expect(open(run).document.querySelector("#curves")?.textContent).toContain("same course up to 0.001.");
    const linear = { ...run, config: { ...run.config, method: "linear", lr: 1e-3, headLr: 0.5 } };
    const { document } = open(linear);
    expect(document.querySelector("#curves")?.textContent).toContain("Learning rate of the head.");
    expect(texts(document, "#curves svg text")).toContain("0.5");
  });

  it.each([2, 10, 30, 200])("shows every class of %i, and as many right images as there are", (classes) => {
    const run = makeRun(classes, classes * 8, { right: 1 });
    const { document, text } = open(run);
    const rows = [...document.querySelectorAll("#classes tbody tr")];
    expect(new Set(rows.map((row) => row.children[0]?.textContent))).toEqual(new Set(run.classes));
    const right = rows.reduce((sum, row) => sum + Number(row.children[2]?.textContent), 0);
    expect(right).toBe(Math.round((run.result?.test?.top1 ?? 0) * classes * 8));
    const recalls = rows.map((row) => Number(row.children[3]?.getAttribute("data-sort")));
    expect(recalls).toEqual(recalls.toSorted((a, b) => a - b));
    expect(document.querySelectorAll(".confusion")).toHaveLength(1);
    const counts = texts(document, ".confusion .count").reduce((sum, count) => sum + Number(count), 0);
    expect(counts).toBe(classes <= 12 ? classes * 8 : 0);
    expect(text.length).toBeLessThan(500_000);
    expect(slipsOf(text)).toEqual([]);
  });

  it("escapes names of classes, files and the run, and hides where folders lie", () => {
    const run = {
      ...makeRun(3, 30, { right: 0, name: (i) => `${hostile}${i}` }),
      name: hostile,
      facts: { version: hostile },
    };
    const { document, text } = open(run, new Map([[run.predictions[0]?.image ?? "", '"><script>alert(1)</script>']]));
    expect(document.querySelectorAll("script")).toHaveLength(1);
    expect(document.querySelectorAll("img[onerror], [onerror]")).toHaveLength(0);
    expect(text).not.toContain("<script>alert");
    expect(text).not.toContain("\u202e");
    expect(document.querySelector("h1")?.textContent?.startsWith("</style><script>")).toBe(true);
    expect(document.querySelector("header")?.textContent).not.toContain("/home");
  });

  it("is well-formed: every element that is opened is closed, and no id is there twice", () => {
    const { text, document } = open(makeRun(10, 100, { right: 0 }), new Map());
    const stack: string[] = [];
    const body = bodyOf(text).replace(/<!doctype html>/, "");
    for (const [, close, name = "", rest = ""] of body.matchAll(/<(\/?)([a-z]+)((?:"[^"]*"|[^">])*)>/gi)) {
      if (rest.endsWith("/") || ["meta", "br", "img"].includes(name)) continue;
      if (close) expect(stack.pop()).toBe(name);
      else stack.push(name);
    }
    expect(stack).toEqual([]);
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("asks no other computer for anything", () => {
    const { text, document } = open(makeRun(4, 40, { right: 0 }), new Map());
    expect(text.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|\/\/[a-z]|url\(|@import/i);
    expect(document.querySelectorAll("link, iframe, object, embed, form, [onclick], [onload]")).toHaveLength(0);
  });

  it("shows the most confident mistakes first, with their pictures or without", () => {
    const run = makeRun(5, 200, { right: 1 });
    const picture = "data:image/webp;base64,AAAA";
    const { document } = open(run, new Map(run.predictions.map(({ image }) => [image, picture])));
    const items = [...document.querySelectorAll(".mistakes li")];
    expect(items).toHaveLength(24);
    expect(document.querySelectorAll(`.mistakes img[src="${picture}"][alt]`)).toHaveLength(24);
    const confidences = items.map((item) => Number(/ (\d+\.\d)\s%/.exec(item.textContent ?? "")?.[1]));
    expect(confidences).toEqual(confidences.toSorted((a, b) => b - a));
    expect(open(run).document.querySelectorAll(".mistakes li")).toHaveLength(24);
    expect(open(run).document.querySelectorAll(".mistakes img")).toHaveLength(0);
    expect(open(makeRun(3, 30, { right: 50 })).document.querySelector("#mistakes")?.textContent).toContain(
      "every image is classified rightly",
    );
  });

  it("is there for runs without validation, without test, and for those that still go on", () => {
    const run = makeRun(3, 30);
    const lines = run.lines.map((line) => (line.event === "epoch" ? { ...line, val: null, isBest: false } : line));
    const none = { ...run, lines, predictions: [], result: run.result && { ...run.result, val: null, test: null } };
    expect(texts(open(none).document, ".tile dt")).toEqual([
      "Training accuracy",
      "Trained parameters",
      "Training time",
    ]);
    expect(open(none).document.querySelector("#confusion")).toBe(null);
    const onlyVal = { ...run, result: run.result && { ...run.result, test: null } };
    expect(texts(open(onlyVal).document, ".tile")[0]).toContain("Validation accuracy30.0");
    const going = { ...run, result: null, predictions: [], account: null, tensors: [] };
    expect(open(going).document.querySelector("header")?.textContent).toContain("3 of 100 epochs are done");
    expect(texts(open(going).document, ".tile")[0]).toContain("Validation accuracy30.0");
    const begun = { ...going, lines: [], images: null, classes: [] };
    expect(slipsOf(open(begun).text)).toEqual([]);
  });

  it("stays below 2 MB with a thousand classes and long names", () => {
    const run = makeRun(1000, 1000, { right: 2, name: (i) => `${"long ".repeat(500)}${i}` });
    const text = reportRun(run, null);
    expect(text.length).toBeLessThan(1_200_000);
    expect(text).toContain(thousands(1000));
  });
});
