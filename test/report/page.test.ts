import { createHash } from "node:crypto";
import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { html } from "../../src/report/markup.js";
import { drawFacts, drawTiles, writePage } from "../../src/report/page.js";
import { pageScript, pageScriptHash } from "../../src/report/script.js";
import { drawTable } from "../../src/report/table.js";

const table = drawTable({
  caption: "<all>",
  columns: [{ title: "name" }, { title: "share", isNumber: true }],
  rows: ["b", "c", "a", "e", "d"].map((name, i) => [name, { show: html`<i>${i}</i>`, sort: 5 - i }]),
});
const page = writePage({
  title: "<title>",
  lead: "a & b",
  sections: ["one", "two", "three"].map((id) => ({
    id,
    title: `<${id}>`,
    body: id === "one" ? table : drawFacts([["a", "<"]]),
  })),
  foot: drawTiles([{ title: "top-1", value: "93 %" }]),
});
const { document } = parseHTML(page);

/** An element, as far as the sorting script looks. */
interface Parent {
  readonly children: Iterable<unknown>;
}

describe("a page", () => {
  it("escapes its words, and its list of contents leads to its sections", () => {
    expect(document.querySelector("h1")?.textContent).toBe("<title>");
    for (const link of document.querySelectorAll("nav a")) {
      expect(document.querySelector(link.getAttribute("href") ?? "")?.tagName).toBe("SECTION");
    }
    expect([...document.querySelectorAll("h2")].map(({ textContent }) => textContent)).toEqual([
      "<one>",
      "<two>",
      "<three>",
    ]);
  });

  it("asks nobody for anything", () => {
    expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
    expect(page).not.toMatch(/@import|url\(|\son\w+=/);
    expect(document.querySelectorAll("link, iframe, object, embed, base, form")).toHaveLength(0);
  });

  it("lets its own script run and no other", () => {
    const hash = createHash("sha256").update(pageScript).digest("base64");
    expect(pageScriptHash).toBe(`sha256-${hash}`);
    expect([...document.querySelectorAll("script")].map(({ textContent }) => textContent)).toEqual([pageScript]);
    const policy = document.querySelector("meta[http-equiv]")?.getAttribute("content");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`script-src 'sha256-${hash}'`);
  });

  it("has rules for dark paper and for print", () => {
    expect(page).toContain("@media screen and (prefers-color-scheme:dark)");
    expect(page).toContain("@media print");
  });
});

describe("a table", () => {
  it("has headings for rows and columns, and can be reached by keyboard", () => {
    expect(document.querySelectorAll("thead th[scope=col]")).toHaveLength(2);
    expect(document.querySelectorAll("tbody th[scope=row]")).toHaveLength(5);
    expect(document.querySelector(".scroll")?.getAttribute("tabindex")).toBe("0");
    expect(document.querySelector("caption")?.textContent).toBe("<all>");
  });

  it("is sorted by its script: numbers from the largest, words from the first, then the other way round", () => {
    const { window } = parseHTML(page);
    // linkedom has no rows of a table and no classes of its cells by the names the script uses.
    const tables = [...window.document.querySelectorAll("table.sortable")].map((element) => {
      const body = element.querySelector("tbody");
      const cellsOf = (row: Parent) => [...row.children];
      for (const row of element.querySelectorAll("tr"))
        Object.defineProperty(row, "cells", { get: () => cellsOf(row) });
      Object.defineProperty(body, "rows", { get: () => [...body.querySelectorAll("tr")] });
      Object.defineProperty(element, "tBodies", { value: [body] });
      Object.defineProperty(element, "tHead", { value: { rows: [element.querySelector("thead tr")] } });
      return element;
    });
    new Function("document", "Intl", pageScript)(
      { querySelectorAll: () => tables, createElement: (name: string) => window.document.createElement(name) },
      Intl,
    );
    const [names, shares] = window.document.querySelectorAll("thead button");
    const order = () =>
      [...window.document.querySelectorAll("tbody th")].map(({ textContent }) => textContent).join("");
    names?.dispatchEvent(new window.Event("click"));
    expect(order()).toBe("abcde");
    names?.dispatchEvent(new window.Event("click"));
    expect(order()).toBe("edcba");
    shares?.dispatchEvent(new window.Event("click"));
    expect(order()).toBe("bcaed");
    expect(window.document.querySelectorAll("th[aria-sort=descending]")).toHaveLength(1);
  });
});
