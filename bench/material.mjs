import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { stream } from "../dist/data/random.js";

/** A new folder that lasts as long as this process. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "sas-petl-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  process.once("SIGINT", () => process.exit(130));
  return folder;
}

/** Writes the folder of a backbone with random weights, in another process: a process starts with its parent's peak. */
export function writeRandomBackbone(name, folder) {
  const file = fileURLToPath(new URL("./write-backbone.mjs", import.meta.url));
  execFileSync(process.execPath, [file, name, folder], { stdio: "inherit" });
}

/** Draws images like photos (a gradient, shapes, noise; 500 x 375 JPEG) as `folder/train/class-0/0.jpg`, …, ten classes. */
export async function drawPhotos(folder, count) {
  const [width, height] = [500, 375];
  for (let i = 0; i < count; i++) {
    const place = join(folder, "train", `class-${i % 10}`);
    mkdirSync(place, { recursive: true });
    const random = stream(0, "photo", i);
    const shapes = Array.from({ length: 12 }, () => {
      const [x, y, r] = [random.integer(width), random.integer(height), 10 + random.integer(80)];
      return `<circle cx="${x}" cy="${y}" r="${r}" fill="hsl(${random.integer(360)},60%,50%)"/>`;
    });
    const noise = Buffer.alloc(width * height * 3);
    for (let at = 0; at < noise.length; at += 4)
      noise.writeUInt32LE((random.word() >>> 1) & 0x3f3f3f3f, at % (noise.length - 3));
    const svg = `<svg width="${width}" height="${height}">${shapes.join("")}</svg>`;
    await sharp(noise, { raw: { width, height, channels: 3 } })
      .blur(0.8)
      .composite([{ input: Buffer.from(svg), blend: "screen" }])
      .jpeg({ quality: 90 })
      .toFile(join(place, `${i}.jpg`));
  }
}
