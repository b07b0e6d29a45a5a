import { FormatError } from "../errors.js";

/** A picture of CLEVR: the name of its file, and the depth of each object in it. */
export interface ClevrScene {
  readonly file: string;
  readonly depths: readonly number[];
}

const [quote, backslash, open, close] = [0x22, 0x5c, 0x7b, 0x7d];

/**
 * The scenes of a scene file of CLEVR, one by one: the file has hundreds of megabytes, so it is never parsed as a whole.
 * @param name the file's name, for messages
 * @throws FormatError where it is no such file
 * @see https://cs.stanford.edu/people/jcjohns/clevr/ (`scenes`, `image_filename`, `objects`, `pixel_coords`)
 */
export function* readScenes(bytes: Uint8Array, name: string): Generator<ClevrScene> {
  const decoder = new TextDecoder();
  let count = 0;
  for (const [start, end] of innerObjects(bytes)) {
    let scene: unknown;
    try {
      scene = JSON.parse(decoder.decode(bytes.subarray(start, end)));
    } catch (error) {
      throw new FormatError(`${name}, byte ${start}: this is not JSON. Fetch the file again.`, { cause: error });
    }
    if (typeof scene !== "object" || scene === null || !("image_filename" in scene)) continue;
    const found = sceneOf(scene);
    if (!found) throw new FormatError(`${name}, byte ${start}: expected a scene with objects and their pixel_coords.`);
    count++;
    yield found;
  }
  if (count === 0) throw new FormatError(`${name}: expected scenes with image_filename and objects, found none.`);
}

function sceneOf(scene: object): ClevrScene | undefined {
  const { image_filename: file, objects } = scene as { readonly image_filename?: unknown; readonly objects?: unknown };
  if (typeof file !== "string" || !Array.isArray(objects) || objects.length === 0) return undefined;
  const depths = objects.map((object: { readonly pixel_coords?: readonly unknown[] } | null) =>
    Number(object?.pixel_coords?.[2]),
  );
  return depths.every(Number.isFinite) ? { file, depths } : undefined;
}

/** Where the objects one level below the outermost begin and end. */
function* innerObjects(bytes: Uint8Array): Generator<readonly [number, number]> {
  let depth = 0;
  let start = 0;
  let isText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (isText) {
      if (byte === backslash) at++;
      else if (byte === quote) isText = false;
    } else if (byte === quote) isText = true;
    else if (byte === open && ++depth === 2) start = at;
    else if (byte === close && --depth === 1) yield [start, at + 1];
  }
}
