import sharp from "sharp";
import { norbHeadBytes, readNorbHead } from "../../data/norb-matrix.js";
import { dspritesLocation, dspritesOrientation, labelRules, smallnorbAzimuth } from "../../data/vtab-labels.js";
import { ConfigError, FormatError } from "../../errors.js";
import { openNpz, openRows } from "../../vit/npz.js";
import { readZip, type ZipEntry } from "../../vit/zip.js";
import { openPieces } from "../datasets/pieces.js";
import { openBytes } from "../files.js";
import type { Originals, Pool } from "./originals.js";

/** A grey picture as PNG. */
const encodeGrey = (data: Uint8Array, width: number, height: number): Promise<Uint8Array> =>
  sharp(data, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer();

/** No picture of an archive of arrays has a longer side. */
const longestSide = 1024;

/** The column of dSprites' `latents_classes` (color, shape, scale, orientation, x, y) that a task is about, and its rule. */
const dsprites: Readonly<Record<string, readonly [column: number, classOf: (value: number) => number]>> = {
  dsprites_loc: [4, dspritesLocation],
  dsprites_ori: [3, dspritesOrientation],
};

/**
 * The originals of dSprites. The archive unpacks to 3 GB, so its pictures are passed through piece by piece.
 * @throws FormatError where the archive is damaged or lacks `imgs` and `latents_classes`
 * @see https://github.com/google-deepmind/dsprites-dataset
 */
export async function openDsprites(path: string, task: string): Promise<Originals> {
  const rule = dsprites[task];
  if (!rule) throw new ConfigError(`${path}: this archive is for ${Object.keys(dsprites).join(" and ")}, not ${task}.`);
  const [column, classOf] = rule;
  const use = async <T>(run: (entry: (name: string) => ZipEntry) => Promise<T>): Promise<T> => {
    const file = await openBytes(path);
    try {
      const entries = await readZip(file);
      return await run((name) => entries.get(`${name}.npy`) ?? lacks(path, name, [...entries.keys()]));
    } finally {
      await file.close();
    }
  };
  const labels = await use(async (entry) => {
    const latents = entry("latents_classes");
    const table = (await openNpz(new Map([[latents.name, latents]]), path)).get("latents_classes");
    const { shape } = await openRows(entry("imgs"), path);
    const [count = 0, height = 0, width = 0] = shape;
    if (
      shape.length !== 3 ||
      Math.max(width, height) > longestSide ||
      !table ||
      table.shape[0] !== count ||
      table.shape[1] !== 6
    ) {
      throw new FormatError(
        `${path}: expected imgs [n, height, width] and latents_classes [n, 6], got [${shape}] and [${table?.shape}]. Fetch it again.`,
      );
    }
    const values = new Float32Array(6 * count);
    await table.read(values);
    return Int32Array.from({ length: count }, (_, i) => classOf(values[6 * i + column] as number));
  });
  const pool: Pool = {
    labels,
    async *read(wanted) {
      const file = await openBytes(path);
      try {
        const entries = await readZip(file);
        const imgs = await openRows(entries.get("imgs.npy") ?? lacks(path, "imgs", [...entries.keys()]), path);
        const [, height = 0, width = 0] = imgs.shape;
        // The pictures are masks of 0 and 1.
        for await (const row of imgs.rows(wanted))
          yield encodeGrey(
            row.map((value) => 255 * value),
            width,
            height,
          );
      } finally {
        await file.close();
      }
    },
  };
  return {
    form: "npz of dSprites",
    classes: labelRules[task]?.classes ?? [],
    splits: { train: pool, val: null, test: null },
  };
}

const lacks = (path: string, name: string, found: readonly string[]): never => {
  throw new FormatError(`${path}: expected the array ${name}, found ${found.slice(0, 10).join(", ") || "nothing"}.`);
};

/** The column of small NORB's info (instance, elevation, azimuth, lighting) that a task is about, and its rule. */
const smallnorb: Readonly<Record<string, readonly [column: number, classOf: (value: number) => number]>> = {
  smallnorb_azi: [2, smallnorbAzimuth],
  smallnorb_ele: [1, (elevation) => elevation],
};

/**
 * The originals of small NORB in its own matrix files; of each pair of pictures the first.
 * @param files paths of the `-dat.mat` and `-info.mat` files of both halves
 * @throws FormatError where one is damaged, or the two of a half disagree
 */
export async function openSmallnorb(
  files: Readonly<Record<"train" | "test", { readonly dat: string; readonly info: string }>>,
  task: string,
): Promise<Originals> {
  const rule = smallnorb[task];
  if (!rule)
    throw new ConfigError(
      `${files.train.dat}: small NORB is for ${Object.keys(smallnorb).join(" and ")}, not ${task}.`,
    );
  const open = async ({ dat, info }: { readonly dat: string; readonly info: string }): Promise<Pool> => {
    const [pictures, facts] = await Promise.all([openMatrix(dat), openMatrix(info)]);
    const [count = 0, pair = 0, height = 0, width = 0] = pictures.shape;
    const fits =
      pictures.bytes === 1 && pictures.shape.length === 4 && facts.bytes === 4 && facts.shape.join() === `${count},4`;
    if (!fits || Math.max(width, height) > longestSide) {
      throw new FormatError(
        `${dat}: expected pictures [n, 2, height, width] and info [n, 4], got [${pictures.shape}] and [${facts.shape}].`,
      );
    }
    const table = await facts.read(0, 16 * count);
    const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
    const [column, classOf] = rule;
    return {
      labels: Int32Array.from({ length: count }, (_, i) => classOf(view.getInt32(16 * i + 4 * column, true))),
      async *read(wanted) {
        const size = height * width;
        for (const index of wanted) yield encodeGrey(await pictures.read(index * pair * size, size), width, height);
      },
    };
  };
  return {
    form: "matrix files of small NORB",
    classes: labelRules[task]?.classes ?? [],
    splits: { train: await open(files.train), val: null, test: await open(files.test) },
  };
}

async function openMatrix(path: string) {
  const pieces = await openPieces(path);
  const head = readNorbHead(await pieces.read(0, norbHeadBytes), pieces.size, path);
  return { ...head, read: (offset: number, length: number) => pieces.read(head.dataStart + offset, length) };
}
