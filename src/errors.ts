/**
 * The project's four kinds of error. A message is a small letter to a tired person: where, what was
 * expected, what came, what to try. `code` is stable and may be matched by programs.
 */
abstract class SasError extends Error {
  abstract readonly code: string;
}

/** Two shapes that must agree do not: the fault of whoever built the graph or passed the tensor. */
export class ShapeError extends SasError {
  override readonly name = "ShapeError";
  readonly code = "ERR_SAS_SHAPE";
}

/** A file or a message is not what its format demands: a checkpoint, an image, a list, an adapter. */
export class FormatError extends SasError {
  override readonly name = "FormatError";
  readonly code = "ERR_SAS_FORMAT";
}

/** What was asked for makes no sense: an option, a configuration, a folder that is missing. */
export class ConfigError extends SasError {
  override readonly name = "ConfigError";
  readonly code = "ERR_SAS_CONFIG";
}

/** The machine cannot do it: no runtime for the device, no memory, no space on the disk. */
export class RuntimeUnavailableError extends SasError {
  override readonly name = "RuntimeUnavailableError";
  readonly code = "ERR_SAS_RUNTIME";
}
