import { FormatError } from "../errors.js";

/** What a pickle can hold here. A tuple is a list; an object of the outside is what `Loader` made of it. */
export type Pickled =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Pickled[]
  | ReadonlyMap<Pickled, Pickled>
  | object;

/** What becomes of what a pickle asks for. */
export interface Loader {
  /** The value of a global by its name (`torch.FloatStorage`), a function where it is to be called; refuses all others. */
  global(name: string): Pickled | ((args: readonly Pickled[]) => Pickled);
  /** The value of a persistent id, by which torch names a storage. */
  persistent(id: Pickled): Pickled;
}

const mark = Symbol("mark");
type Slot = Pickled | typeof mark | ((args: readonly Pickled[]) => Pickled);

/**
 * The value in a pickle. Nothing is run but what `loader` gives: the instructions that make an object of any class are
 * not known, and neither are those torch.save does not write.
 * @throws FormatError where the pickle is cut, has an instruction that is not known, or asks for what is refused
 * @see https://github.com/python/cpython/blob/main/Lib/pickletools.py
 */
export function unpickle(bytes: Uint8Array, loader: Loader, file: string): Pickled {
  const fail = (what: string): never => {
    throw new FormatError(`${file}: the pickle ${what}. The file is damaged or was not written by torch.save.`);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: Slot[] = [];
  const memo = new Map<number, Slot>();
  let at = 0;

  const take = (count: number): number => {
    if (count < 0 || at + count > bytes.length) fail("is cut off");
    at += count;
    return at - count;
  };
  const text = (count: number): string => {
    const from = take(count);
    return new TextDecoder().decode(bytes.slice(from, from + count));
  };
  const line = (): string => {
    const end = bytes.indexOf(10, at);
    if (end < 0) fail("is cut off");
    const found = text(end - at);
    take(1);
    return found;
  };
  const pop = (): Slot => (stack.length > 0 ? (stack.pop() as Slot) : fail("takes more than it has"));
  const plain = (slot: Slot): Pickled =>
    typeof slot === "symbol" || typeof slot === "function" ? fail("uses a function as a value") : slot;
  const value = (): Pickled => plain(pop());
  /** All above the last mark, which goes too. */
  const marked = (): Pickled[] => {
    const from = stack.lastIndexOf(mark);
    if (from < 0) fail("misses a mark");
    return stack.splice(from).slice(1).map(plain);
  };
  const tuple = (count: number): Pickled[] => Array.from({ length: count }, value).reverse();
  const top = (): Slot => (stack.length > 0 ? (stack.at(-1) as Slot) : fail("has nothing to fill"));
  const recall = (index: number): Slot =>
    memo.has(index) ? (memo.get(index) as Slot) : fail("recalls what it never kept");
  const append = (items: readonly Pickled[]): void => {
    const list = top();
    if (!Array.isArray(list)) fail("appends to what is no list");
    else for (const item of items) list.push(item);
  };
  const assign = (items: readonly Pickled[]): void => {
    const map = top();
    if (!(map instanceof Map) || items.length % 2 !== 0) fail("sets items of what is no dictionary");
    else for (let i = 0; i < items.length; i += 2) map.set(items[i] as Pickled, items[i + 1] as Pickled);
  };
  const whole = (count: number): bigint => {
    let number = 0n;
    const from = take(count);
    for (let i = count - 1; i >= 0; i--) number = (number << 8n) | BigInt(bytes[from + i] as number);
    return BigInt.asIntN(8 * count, number);
  };
  const long = (count: number): number | bigint => {
    if (count > 256) fail("has a number without end");
    const number = whole(count);
    return Number.isSafeInteger(Number(number)) ? Number(number) : number;
  };
  const counted = (): number => {
    const count = Number(view.getBigUint64(take(8), true));
    return count <= bytes.length ? count : fail("is cut off");
  };
  const raw = (count: number): Uint8Array => {
    const from = take(count);
    return bytes.slice(from, from + count);
  };

  const instructions: Readonly<Record<number, () => void>> = {
    128: () => void take(1), // PROTO
    149: () => void take(8), // FRAME
    40: () => stack.push(mark), // MARK
    48: () => void pop(), // POP
    78: () => stack.push(null), // NONE
    136: () => stack.push(true), // NEWTRUE
    137: () => stack.push(false), // NEWFALSE
    74: () => stack.push(view.getInt32(take(4), true)), // BININT
    75: () => stack.push(view.getUint8(take(1))), // BININT1
    77: () => stack.push(view.getUint16(take(2), true)), // BININT2
    138: () => stack.push(long(view.getUint8(take(1)))), // LONG1
    139: () => stack.push(long(view.getInt32(take(4), true))), // LONG4
    71: () => stack.push(view.getFloat64(take(8))), // BINFLOAT
    84: () => stack.push(text(view.getInt32(take(4), true))), // BINSTRING
    85: () => stack.push(text(view.getUint8(take(1)))), // SHORT_BINSTRING
    88: () => stack.push(text(view.getUint32(take(4), true))), // BINUNICODE
    140: () => stack.push(text(view.getUint8(take(1)))), // SHORT_BINUNICODE
    141: () => stack.push(text(counted())), // BINUNICODE8
    66: () => stack.push(raw(view.getUint32(take(4), true))), // BINBYTES
    67: () => stack.push(raw(view.getUint8(take(1)))), // SHORT_BINBYTES
    93: () => stack.push([]), // EMPTY_LIST
    97: () => append([value()]), // APPEND
    101: () => append(marked()), // APPENDS
    41: () => stack.push([]), // EMPTY_TUPLE
    116: () => stack.push(marked()), // TUPLE
    133: () => stack.push(tuple(1)), // TUPLE1
    134: () => stack.push(tuple(2)), // TUPLE2
    135: () => stack.push(tuple(3)), // TUPLE3
    125: () => stack.push(new Map()), // EMPTY_DICT
    115: () => assign(tuple(2)), // SETITEM
    117: () => assign(marked()), // SETITEMS
    113: () => void memo.set(view.getUint8(take(1)), top()), // BINPUT
    114: () => void memo.set(view.getUint32(take(4), true), top()), // LONG_BINPUT
    148: () => void memo.set(memo.size, top()), // MEMOIZE
    104: () => stack.push(recall(view.getUint8(take(1)))), // BINGET
    106: () => stack.push(recall(view.getUint32(take(4), true))), // LONG_BINGET
    99: () => stack.push(loader.global(`${line()}.${line()}`)), // GLOBAL
    // STACK_GLOBAL
    147: () => {
      const [place, name] = tuple(2);
      stack.push(loader.global(`${String(place)}.${String(name)}`));
    },
    81: () => stack.push(loader.persistent(value())), // BINPERSID
    // REDUCE
    82: () => {
      const args = value();
      const call = pop();
      if (typeof call !== "function" || !Array.isArray(args)) return fail("calls what is no function");
      stack.push(call(args));
    },
    // BUILD: attributes of a dictionary, such as a state dict's `_metadata`; nobody needs them.
    98: () => {
      value();
      if (!(top() instanceof Map)) fail("sets attributes of what is no dictionary");
    },
  };
  for (;;) {
    const code = view.getUint8(take(1));
    if (code === 46) return value(); // STOP
    const run = instructions[code] ?? (() => fail(`has the instruction ${code} at byte ${at - 1}, which is not known`));
    run();
  }
}
