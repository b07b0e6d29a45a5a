import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { stream } from "../../src/data/random.js";
import { writeBackbone } from "../../src/platform/backbone.js";
import { customArchitecture } from "../../src/vit/architecture.js";
import { completeContract } from "../../src/vit/contract.js";
import { randomWeights } from "../../src/vit/random-weights.js";

/** A folder with a backbone that takes no time (`backbone`, five classes) and images of three colours (`data`). */
export async function makeTinyTask(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "sas-petl-"));
  const architecture = customArchitecture({
    imageSize: [16, 16],
    patchSize: 8,
    width: 16,
    blocks: 2,
    heads: 2,
    classes: 5,
  });
  const { contract } = completeContract({ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }, [16, 16]);
  const weights = randomWeights(architecture, (name) => stream(7, name).normal);
  await writeBackbone(join(folder, "backbone"), { architecture, contract, weights });
  const noise = stream(1, "pixels");
  for (const [split, count] of Object.entries({ train: 8, val: 4, test: 3 })) {
    for (const [channel, name] of ["red", "green", "blue"].entries()) {
      const place = join(folder, "data", split, name);
      mkdirSync(place, { recursive: true });
      for (let i = 0; i < count; i++) {
        const pixels = Uint8Array.from({ length: 20 * 24 * 3 }, (_, at) =>
          Math.floor(noise.uniform() * 120 + (at % 3 === channel ? 120 : 0)),
        );
        await sharp(pixels, { raw: { width: 24, height: 20, channels: 3 } })
          .png()
          .toFile(join(place, `${i}.png`));
      }
    }
  }
  return folder;
}
