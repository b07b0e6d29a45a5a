import type { Examples } from "../../data/dataset.js";
import type { FileTree } from "../../data/file-tree.js";

/** Images that lie as files in a tree, each under its path there. */
export function fileExamples(tree: FileTree, paths: readonly string[], labels: Int32Array): Examples {
  const at = (index: number): string => paths[index] ?? "";
  return {
    count: paths.length,
    labels,
    id: at,
    size: (index) => tree.size(at(index)),
    read: (index) => tree.read(at(index)),
  };
}
