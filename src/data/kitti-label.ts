import { FormatError } from "../errors.js";
import type { KittiObject } from "./vtab-labels.js";

/** Columns of a line: type, truncated, occluded, alpha, box (4), sizes (3), place x, y, z, rotation. */
const [columns, zColumn] = [15, 13];

/**
 * The objects of a KITTI label file, but for those that are marked as not to be cared about.
 * @param name the file's name, for messages
 * @throws FormatError naming the line that is malformed
 * @see https://www.cvlibs.net/datasets/kitti/eval_object.php (object development kit, readme.txt)
 */
export function readKittiLabel(text: string, name: string): readonly KittiObject[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (line.trim() === "") return [];
    const cells = line.trim().split(/\s+/);
    const [type = "", z] = [cells[0], Number(cells[zColumn])];
    if (cells.length < columns || !Number.isFinite(z)) {
      throw new FormatError(
        `${name}, line ${i + 1}: expected ${columns} columns as in KITTI's labels. Fetch it again.`,
      );
    }
    return type === "DontCare" ? [] : [{ type, z }];
  });
}
