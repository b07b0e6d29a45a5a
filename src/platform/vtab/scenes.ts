import { readScenes } from "../../data/clevr-scenes.js";
import type { Split } from "../../data/dataset.js";
import { checkPath, type FileTree, readText } from "../../data/file-tree.js";
import { readKittiLabel } from "../../data/kitti-label.js";
import { clevrCount, clevrDistance, kittiDistance, labelRules } from "../../data/vtab-labels.js";
import { ConfigError, FormatError } from "../../errors.js";
import { fileExamples } from "../datasets/file-examples.js";
import { type Originals, type Pool, poolOf } from "./originals.js";

const clevr: Readonly<Record<string, (depths: readonly number[]) => number>> = {
  clevr_count: (depths) => clevrCount(depths.length),
  clevr_dist: clevrDistance,
};

/**
 * The originals of CLEVR: `images/train/*.png`, `scenes/CLEVR_train_scenes.json`, and the same with `val`.
 * @throws FormatError where a scene file is damaged or names pictures that are not there
 */
export async function openClevr(tree: FileTree, task: string): Promise<Originals> {
  const classOf = clevr[task];
  if (!classOf)
    throw new ConfigError(`${tree.where("")}: CLEVR is for ${Object.keys(clevr).join(" and ")}, not ${task}.`);
  const open = async (split: Split): Promise<Pool> => {
    const name = `scenes/CLEVR_${split}_scenes.json`;
    const scenes = Array.from(readScenes(await tree.read(name), tree.where(name)));
    const present = new Set((await tree.list(`images/${split}`)).map((entry) => entry.name));
    const absent = scenes.find(({ file }) => !present.has(file));
    if (absent)
      throw new FormatError(`${tree.where(`images/${split}`)}: ${JSON.stringify(absent.file)} is missing. Restore it.`);
    const paths = scenes.map(({ file }) => checkPath(`images/${split}/${file}`, tree.where(name)));
    return poolOf(
      fileExamples(
        tree,
        paths,
        Int32Array.from(scenes, ({ depths }) => classOf(depths)),
      ),
    );
  };
  return {
    form: "pictures and scenes of CLEVR",
    classes: labelRules[task]?.classes ?? [],
    splits: { train: await open("train"), val: await open("val"), test: null },
  };
}

/** The originals of KITTI's object task: `training/image_2/*.png` and `training/label_2/*.txt`. @throws FormatError */
export async function openKitti(tree: FileTree): Promise<Originals> {
  const names = (await tree.list("training/label_2")).flatMap(({ name }) => /^(.+)\.txt$/.exec(name)?.[1] ?? []);
  const labels: number[] = [];
  const paths: string[] = [];
  for (const name of names) {
    const [label, image] = [`training/label_2/${name}.txt`, `training/image_2/${name}.png`];
    labels.push(kittiDistance(readKittiLabel(await readText(tree, label), tree.where(label))));
    paths.push(image);
    if (!(await tree.hasFile(image)))
      throw new FormatError(`${tree.where(image)}: the picture is missing. Restore it.`);
  }
  return {
    form: "pictures and labels of KITTI",
    classes: labelRules.kitti?.classes ?? [],
    splits: { train: poolOf(fileExamples(tree, paths, Int32Array.from(labels))), val: null, test: null },
  };
}
