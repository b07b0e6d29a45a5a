import { createRequire } from "node:module";
import { checkPublished, type Published } from "../suite/published.js";

const file = "configs/vtab-1k-published.json";

/** The published figures on VTAB-1k that come with this package. */
export const readPublished = (): Published =>
  checkPublished(createRequire(import.meta.url)(`../../${file}`) as unknown, file);
