import { describe, expect, it } from "vitest";
import { type CardFormat, modelCard } from "../../src/export/card.js";
import { escapeMarkdown, quoteYaml } from "../../src/export/markdown.js";
import { tiny } from "../methods/cases.js";
import { describe5 } from "./network.js";

const inputs = {
  name: 'a "b": c\n---\nlicense: stolen',
  numbers: "float32",
  baseModel: undefined,
  dataset: "Flowers <102>",
  license: "unknown",
  scores: [{ split: "validation", images: 12, top1: 0.91666 }],
  notes: ["Measured."],
  version: "0.0.0",
} as const;

describe("a model card", () => {
  it.each(["onnx", "transformers-js", "timm", "transformers", "peft"] as const satisfies CardFormat[])(
    "has a header, scores and a way to use it: %s",
    (format) => {
      const classes = ["<script>", "a|b", "**c**", "[d](http://e)", "\u202ef\u0007"];
      const card = modelCard({ ...describe5(tiny), classes }, { ...inputs, format });
      const [, header = "", ...body] = card.split(/^---$/m);
      expect(header.split("\n").filter((line) => line.startsWith("license:"))).toEqual(['license: "unknown"']);
      expect(header).toContain('name: "a \\"b\\": c�---�license: stolen"');
      expect(header).toContain("value: 0.9167");
      expect(header).toContain('  - "flowers-102"');
      const text = body.join("---");
      expect(text).toContain("&lt;script&gt;, a\\|b, \\*\\*c\\*\\*, \\[d\\](http://e), �f�");
      expect(text).toContain("91.7 % of 12 images");
      expect(text).toMatch(/```(js|python)\n/);
    },
  );

  it("loads HF's base model at the adapter's image size, with another head", () => {
    expect(modelCard(describe5(tiny), { ...inputs, format: "peft" })).toContain(
      "num_labels=5, image_size=(8, 12), ignore_mismatched_sizes=True",
    );
  });

  it("escapes names letter by letter", () => {
    expect(escapeMarkdown("a_b & <c> #1 @d")).toBe("a\\_b &amp; &lt;c&gt; \\#1 &#64;d");
    expect(quoteYaml('"\\\n')).toBe('"\\"\\\\�"');
  });
});
