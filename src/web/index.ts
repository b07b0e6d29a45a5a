/**
 * Adapters and exported models in a page: nothing here needs Node.js. ONNX Runtime is passed in, as the page imports it.
 */
export { ConfigError, FormatError, RuntimeUnavailableError, ShapeError } from "../errors.js";
export type { Candidate } from "../evaluate/candidates.js";
export type { Classifier } from "./classifier.js";
export type { Download } from "./download.js";
export { type ExportedOptions, openExported } from "./exported.js";
export type { WebImage } from "./image.js";
export { type Network, type NetworkOptions, openNetwork } from "./network.js";
