import type { Dataset } from "../data/dataset.js";
import { type FileTree, readText } from "../data/file-tree.js";
import { parseList } from "../data/vtab-list.js";
import { ConfigError } from "../errors.js";
import { openNamedLists } from "./dataset-lists.js";

const annotations = "annotations";

/** Names of the lists of a tree in the layout of CoOp and NOAH; none in any other. */
async function listsIn(tree: FileTree, names: readonly string[]): Promise<readonly string[]> {
  if (!names.includes(annotations)) return [];
  const entries = await tree.list(annotations).catch(() => []);
  return entries.map(({ name }) => name).sort();
}

/** True for a tree in the layout of CoOp and NOAH: lists of few-shot samples in `annotations`. */
export const hasShotLists = async (tree: FileTree, names: readonly string[]): Promise<boolean> =>
  (await listsIn(tree, names)).some((name) => name.startsWith("train_meta.list"));

/**
 * The data set of few-shot lists: `annotations/train_meta.list.num_shot_4.seed_0`, `val_meta.list` and `test_meta.list`
 * with lines `PATH LABEL`, the paths below `images` or below the folder itself.
 * @throws ConfigError where shots are not asked for, or there is no list for them
 * @throws FormatError where a list is damaged
 * @see Zhang et al., Neural Prompt Search (NOAH), 2022, whose released splits have this layout
 */
export async function openShotLists(
  tree: FileTree,
  names: readonly string[],
  shots: number | undefined,
  seed: number,
): Promise<Dataset> {
  const lists = await listsIn(tree, names);
  const wanted = `train_meta.list.num_shot_${shots}.seed_${seed}`;
  if (shots === undefined || !lists.includes(wanted)) {
    const what =
      shots === undefined ? "say how many with --shots" : `there is none for ${shots} shots and seed ${seed}`;
    const present = lists.filter((name) => name.startsWith("train_meta.list.num_shot_"));
    throw new ConfigError(
      `${tree.where(annotations)}: the training images are lists of shots; ${what}. Present: ${present.join(", ")}.`,
    );
  }
  const present = (name: string): string | undefined => (lists.includes(name) ? `${annotations}/${name}` : undefined);
  const train = `${annotations}/${wanted}`;
  const [first = ""] = parseList(await readText(tree, train), tree.where(train)).paths;
  const below = (await tree.hasFile(`images/${first}`)) ? "images" : "";
  const named = { train, val: present("val_meta.list"), test: present("test_meta.list") };
  return { ...(await openNamedLists(tree, names, named, below)), layout: "shot lists" };
}
