import { createRequire } from "node:module";

const read = createRequire(import.meta.url);

/** The version of this package. */
export const packageVersion = (): string => (read("../../package.json") as { version: string }).version;

/** The runtime that computes, with its version. */
export const engineVersion = (): string =>
  `onnxruntime-node ${(read("onnxruntime-node/package.json") as { version: string }).version}`;
