import { ConfigError, FormatError } from "../errors.js";

/** True for the name of a file of weights, by its ending. */
export const isWeights = (name: string): boolean => /\.(safetensors|npz|pth|pt|bin)$/.test(name);

/** True for the name of an index of several files of weights. */
export const isWeightsIndex = (name: string): boolean => name.endsWith(".index.json");

/** Names under which weights are published, best first. */
const forms: readonly RegExp[] = [
  /^model\.safetensors$/,
  /^model\.safetensors\.index\.json$/,
  /\.safetensors$/,
  /^pytorch_model\.bin$/,
  /^pytorch_model\.bin\.index\.json$/,
  /\.npz$/,
  /\.(bin|pth|pt)$/,
];

const shard = /-\d{5}-of-\d{5}\./;

/**
 * The file of weights, or the index of several, among the files of a folder or of a model on the hub.
 * @param place what to call the folder in messages
 * @throws ConfigError where there is none, or several that are equally good
 * @throws FormatError where there is one in a format that is not read
 */
export function chooseWeights(names: readonly string[], place: string): string {
  for (const form of forms) {
    const found = names.filter((name) => form.test(name) && !shard.test(name)).sort();
    const [name] = found;
    if (name === undefined) continue;
    if (found.length === 1) return name;
    throw new ConfigError(
      `${place}: expected one file of weights, got ${found.length} (${found.slice(0, 3).join(", ")}). Give the path of the one to use; a model on the hub must lie in a folder for that.`,
    );
  }
  const foreign = names.find((name) => /\.(ckpt|h5|msgpack|onnx|gguf|tflite)$/.test(name));
  if (foreign !== undefined) {
    throw new FormatError(`${place}: the format of ${foreign} is not read. Save the weights as model.safetensors.`);
  }
  throw new ConfigError(
    `${place}: holds no weights that can be read; expected model.safetensors, got ${names.slice(0, 5).join(", ") || "nothing"}. Take another folder or model.`,
  );
}

/**
 * The files that an index of weights names, with the tensors each must have.
 * @param path what to call the index in messages
 * @throws FormatError where it is no such index, or names anything but files beside it
 */
export function parseWeightsIndex(text: string, path: string): ReadonlyMap<string, ReadonlySet<string>> {
  const refuse = (what: string): never => {
    throw new FormatError(`${path}: ${what}. The index is damaged; fetch it again.`);
  };
  let index: unknown;
  try {
    index = JSON.parse(text);
  } catch {
    refuse("no valid JSON");
  }
  const map = typeof index === "object" && index !== null && "weight_map" in index ? index.weight_map : undefined;
  if (typeof map !== "object" || map === null || Array.isArray(map)) return refuse("expected an object weight_map");
  const files = new Map<string, Set<string>>();
  for (const [tensor, file] of Object.entries(map)) {
    // A name that leads out of the folder could be any file of this machine.
    if (typeof file !== "string" || !/^[\w-][\w.-]*$/.test(file) || !isWeights(file)) {
      return refuse(
        `weight_map: ${JSON.stringify(tensor.slice(0, 80))}: expected the name of a file of weights, got ${JSON.stringify(file ?? null).slice(0, 80)}`,
      );
    }
    files.set(file, (files.get(file) ?? new Set()).add(tensor));
  }
  return files.size > 0 ? files : refuse("weight_map: names no tensor");
}
