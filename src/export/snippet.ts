import type { CardFormat } from "./card.js";
import type { Description } from "./description.js";

/** How an exported model is used, as a Markdown code block. */
export const snippetOf = (format: CardFormat, description: Description): string => snippets[format](description);

const block = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\``;

const snippets: Readonly<Record<CardFormat, (d: Description) => string>> = {
  onnx: ({ imageSize: [height, width] }) =>
    block(
      "js",
      `import { InferenceSession, Tensor } from "onnxruntime-node";

const session = await InferenceSession.create("model.onnx");
// Normalised pixels, channels first: (x / 255 - mean) / std.
const pixels = new Float32Array(3 * ${height} * ${width});
const { logits } = await session.run({ pixel_values: new Tensor("float32", pixels, [1, 3, ${height}, ${width}]) });`,
    ),
  "transformers-js": () =>
    block(
      "js",
      `import { env, pipeline } from "@huggingface/transformers";

// Offline: the folder lies below env.localModelPath.
env.allowRemoteModels = false;
const classify = await pipeline("image-classification", "path/to/this/folder");
console.log(await classify("photo.jpg"));`,
    ),
  timm: () =>
    block(
      "python",
      `import timm

model = timm.create_model("local-dir:path/to/this/folder", pretrained=True).eval()
transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))`,
    ),
  transformers: () =>
    block(
      "python",
      `from transformers import AutoImageProcessor, ViTForImageClassification

processor = AutoImageProcessor.from_pretrained("path/to/this/folder")
model = ViTForImageClassification.from_pretrained("path/to/this/folder").eval()`,
    ),
  peft: ({ classes, imageSize: [height, width] }) =>
    block(
      "python",
      `from peft import PeftModel
from transformers import ViTForImageClassification

base = ViTForImageClassification.from_pretrained(
    "path/to/the/backbone", num_labels=${classes.length}, image_size=${height === width ? height : `(${height}, ${width})`}, ignore_mismatched_sizes=True
)
model = PeftModel.from_pretrained(base, "path/to/this/folder").eval()`,
    ),
};
