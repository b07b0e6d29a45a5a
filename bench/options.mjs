import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

const numbers = ["threads", "batch", "rounds", "image-size", "images", "epochs"];

/**
 * The options of the command line, the same for all questions; each takes what it needs.
 * @param known the names that may stand before them
 */
export function parseOptions(args, known = []) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        models: { type: "string", default: "vit_tiny_patch16_224,vit_small_patch16_224,vit_base_patch16_224" },
        model: { type: "string" },
        python: { type: "string" },
        out: { type: "string" },
        threads: { type: "string", default: String(availableParallelism()) },
        batch: { type: "string", default: "32" },
        rounds: { type: "string", default: "5" },
        "image-size": { type: "string", default: "224" },
        images: { type: "string", default: "500" },
        epochs: { type: "string", default: "2" },
        help: { type: "boolean", default: false },
      },
    });
    for (const name of numbers) {
      if (!/^[1-9]\d*$/.test(values[name])) throw new Error(`--${name}: expected a count, got ${values[name]}`);
      values[name] = Number(values[name]);
    }
    const strange = positionals.find((name) => !known.includes(name));
    if (strange !== undefined) throw new Error(`${strange} is no question. Known: ${known.join(", ") || "none here"}`);
    return { ...values, names: positionals, models: values.models.split(","), imageSize: values["image-size"] };
  } catch (error) {
    console.error(`bench: ${error.message}`);
    process.exit(2);
  }
}
