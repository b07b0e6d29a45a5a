import { FormatError } from "../errors.js";
import { elementCount, type Shape } from "../graph/tensor.js";
import { gather } from "./layout.js";
import { type LazyTensor, type LazyTensors, lazyTensor } from "./lazy-tensor.js";
import { type Loader, type Pickled, unpickle } from "./pickle.js";
import { type StoredType, storedTypes } from "./stored-types.js";
import type { ZipEntry } from "./zip.js";

/** A part of memory that tensors share. */
class Storage {
  constructor(
    readonly type: StoredType,
    readonly key: string,
    /** Elements. */
    readonly count: number,
  ) {}
}

/** The class of a storage, by which a pickle names its element type. */
class StorageType {
  constructor(readonly type: StoredType) {}
}

/** A tensor over a storage. */
class View {
  constructor(
    readonly storage: Storage,
    /** First element in the storage. */
    readonly start: number,
    readonly shape: Shape,
    readonly strides: Shape,
  ) {}
}

const storageTypes: Readonly<Record<string, StoredType>> = {
  "torch.FloatStorage": "F32",
  "torch.DoubleStorage": "F64",
  "torch.HalfStorage": "F16",
  "torch.BFloat16Storage": "BF16",
  "torch.LongStorage": "I64",
  "torch.IntStorage": "I32",
  "torch.ByteStorage": "U8",
  "torch.BoolStorage": "BOOL",
};

/** Under which keys training codes keep the weights, the first found first. */
const nestings = ["model", "state_dict", "teacher"];
/** A pickle of a hundred thousand tensors; ours have some hundreds. */
const longestPickle = 2 ** 26;

/** The magic number that PyTorch's files began with before they were zip archives. */
const legacyMagic = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/** True for the first bytes of a file written by PyTorch before 1.6, or by the old format on request. */
export const isLegacyTorch = (bytes: Uint8Array): boolean => legacyMagic.every((byte, i) => bytes[i] === byte);

/**
 * The tensors of a file written by `torch.save`, to be read one by one. Its pickle may make dictionaries and tensors; any
 * other global is refused by its name, and none is ever run.
 * @throws FormatError where the file is cut, asks for anything else, or holds no tensors
 * @see https://github.com/pytorch/pytorch `torch/serialization.py`, `torch/_utils.py`
 */
export async function openTorch(entries: ReadonlyMap<string, ZipEntry>, file: string): Promise<LazyTensors> {
  const fail = (what: string, remedy = "The file is damaged; fetch it again."): never => {
    throw new FormatError(`${file}: ${what}. ${remedy}`);
  };
  const [pickle] = [...entries.values()].filter(({ name }) => /^([^/]+\/)?data\.pkl$/.test(name));
  if (!pickle)
    return fail("there is no data.pkl in the archive", "Save the weights with torch.save or as safetensors.");
  if (pickle.size > longestPickle) fail(`its data.pkl claims ${pickle.size} bytes`);
  const folder = pickle.name.slice(0, -"data.pkl".length);
  const order = await entries.get(`${folder}byteorder`)?.unpack(6);
  if (order && new TextDecoder().decode(order.slice()) !== "little")
    fail("its numbers are big-endian", "Save it anew.");
  const root = unpickle(await pickle.unpack(), loaderFor(file, fail), file);

  const tensors = new Map<string, LazyTensor>();
  for (const [name, view] of stateOf(root, fail)) tensors.set(name, lazyView(view, entries, folder, fail));
  return tensors;
}

type Fail = (what: string, remedy?: string) => never;

function loaderFor(file: string, fail: Fail): Loader {
  const functions: Readonly<Record<string, (args: readonly Pickled[]) => Pickled>> = {
    "collections.OrderedDict": ([pairs = []]) =>
      Array.isArray(pairs) && pairs.every((pair) => Array.isArray(pair) && pair.length === 2)
        ? new Map(pairs as [Pickled, Pickled][])
        : fail("an OrderedDict is made of no pairs"),
    "torch._utils._rebuild_tensor": (args) => rebuild(args, fail),
    "torch._utils._rebuild_tensor_v2": (args) => rebuild(args, fail),
    "torch._utils._rebuild_parameter": ([data]) => (data instanceof View ? data : fail("a parameter is no tensor")),
  };
  return {
    global(name) {
      const type = Object.hasOwn(storageTypes, name) ? storageTypes[name] : undefined;
      if (type) return new StorageType(type);
      const known = Object.hasOwn(functions, name) ? functions[name] : undefined;
      if (known) return known;
      const label = JSON.stringify(name.slice(0, 100));
      throw new FormatError(
        `${file}: its pickle asks for ${label}; only tensors and dictionaries are made, as anything else could run code. Save the weights alone: torch.save(model.state_dict(), …), or as safetensors.`,
      );
    },
    persistent(id) {
      const [kind, type, key, , count] = Array.isArray(id) ? (id as readonly Pickled[]) : [];
      const isFine = kind === "storage" && type instanceof StorageType && typeof key === "string" && isCount(count);
      return isFine
        ? new Storage(type.type, key, count as number)
        : fail("a storage is not described as torch does it");
    },
  };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isCounts = (value: unknown): value is readonly number[] => Array.isArray(value) && value.every(isCount);

/** A tensor from its storage, offset, sizes and strides, all held against the storage. */
function rebuild([storage, start, shape, strides]: readonly Pickled[], fail: Fail): View {
  const isFine =
    storage instanceof Storage &&
    isCount(start) &&
    isCounts(shape) &&
    isCounts(strides) &&
    shape.length === strides.length;
  if (!isFine) return fail("a tensor is not described as torch does it");
  const size = elementCount(shape);
  const last = shape.reduce((at, n, i) => at + Math.max(0, n - 1) * (strides[i] as number), start);
  if (size > 0 && (size > storage.count || !(last < storage.count))) {
    fail(`a tensor of shape [${shape.slice(0, 8)}] does not fit into its storage of ${storage.count} numbers`);
  }
  return new View(storage, start, shape, strides);
}

/** The dictionary whose values are tensors: the file itself, or what lies under one of the usual keys. */
function stateOf(root: Pickled, fail: Fail): [string, View][] {
  const viewsOf = (value: Pickled | undefined): [string, View][] =>
    value instanceof Map
      ? [...value].flatMap(([name, view]): [string, View][] =>
          typeof name === "string" && view instanceof View ? [[name, view]] : [],
        )
      : [];
  const found = [root, ...nestings.map((key) => (root instanceof Map ? (root.get(key) as Pickled) : undefined))]
    .map(viewsOf)
    .find((views) => views.length > 0);
  if (found) return found;
  const keys =
    root instanceof Map ? [...root.keys()].slice(0, 5).map((key) => JSON.stringify(String(key).slice(0, 40))) : [];
  return fail(
    `there are no tensors in it, nor under ${nestings.join(", ")}; its keys are ${keys.join(", ") || "none"}`,
    "Save the weights alone: torch.save(model.state_dict(), …).",
  );
}

function lazyView(
  { storage, start, shape, strides }: View,
  entries: ReadonlyMap<string, ZipEntry>,
  folder: string,
  fail: Fail,
): LazyTensor {
  const { bytes, dtype } = storedTypes[storage.type];
  const entry = entries.get(`${folder}data/${storage.key}`);
  if (!entry) return fail(`the storage ${JSON.stringify(storage.key.slice(0, 40))} is missing`);
  if (entry.isCompressed) fail("its storages are compressed, which torch.save never does", "Save it anew.");
  if (entry.size < storage.count * bytes) {
    fail(
      `the storage ${JSON.stringify(entry.name.slice(0, 60))} has ${entry.size} bytes, expected ${storage.count * bytes}`,
    );
  }
  const readBytes = (offset: number, length: number) => entry.read(start * bytes + offset, length);
  const isInOrder = shape.every((n, i) => n === 1 || strides[i] === elementCount(shape.slice(i + 1)));
  if (isInOrder) return lazyTensor(storage.type, shape, readBytes);
  return {
    shape,
    dtype,
    async read(into) {
      const extent = shape.reduce((sum, n, i) => sum + (n - 1) * (strides[i] as number), 1);
      const stored = new Float32Array(into.length === 0 ? 0 : extent);
      await lazyTensor(storage.type, [stored.length], readBytes).read(stored);
      gather(stored, 0, shape, strides, into);
    },
  };
}
