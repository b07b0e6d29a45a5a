import fc from "fast-check";
import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { escapeText, html } from "../../src/report/markup.js";

describe("markup", () => {
  it("escapes what is put in, but not markup, and leaves nothing of nothing", () => {
    expect(html`<p>${"<b>&\"'"}</p>`.text).toBe("<p>&lt;b&gt;&amp;&quot;&#39;</p>");
    expect(html`<p>${html`<b>${"<"}</b>`}${null}${undefined}${false}${0}${["a", html`<i>`]}</p>`.text).toBe(
      "<p><b>&lt;</b>0a<i></p>",
    );
  });

  it("gives back any text without control characters, in an element and in an attribute", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const { document } = parseHTML(`<html><body>${html`<p title="${text}">${text}</p>`}</body></html>`);
        const [element] = document.querySelectorAll("p");
        const shown = text.replace(/(?![\n\t])[\p{Cc}\p{Cs}\p{Bidi_Control}]/gu, "\ufffd");
        expect(document.body.children.length).toBe(1);
        expect(element?.textContent).toBe(shown);
        expect(element?.getAttribute("title")).toBe(shown);
      }),
      { numRuns: 40 },
    );
  });

  it("takes away what turns the direction of writing", () => {
    expect(escapeText("a\u202egpj.exe\u0000")).toBe("a\ufffdgpj.exe\ufffd");
  });
});
