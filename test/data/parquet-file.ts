/**
 * A small writer of Parquet for tests: the columns `image {bytes}` and `label`, plain, uncompressed, in groups of rows.
 * @see the Thrift compact protocol, and parquet.thrift of the Apache Parquet format
 */

type Field = readonly [
  id: number,
  kind: "int" | "long" | "text" | "struct" | "ints" | "texts" | "structs",
  value: unknown,
];
type Struct = readonly Field[];

const kinds = { int: 5, long: 6, text: 8, struct: 12, ints: 9, texts: 9, structs: 9 } as const;

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}
const integer = (value: number): number[] => varint(value * 2);
const text = (value: string): number[] => [...varint(Buffer.byteLength(value)), ...Buffer.from(value)];
const list = (kind: number, items: readonly number[][]): number[] => [(items.length << 4) | kind, ...items.flat()];

function struct(fields: Struct): number[] {
  let last = 0;
  const bytes = fields.flatMap(([id, kind, value]) => {
    const head = ((id - last) << 4) | kinds[kind];
    last = id;
    switch (kind) {
      case "int":
      case "long":
        return [head, ...integer(value as number)];
      case "text":
        return [head, ...text(value as string)];
      case "struct":
        return [head, ...struct(value as Struct)];
      case "ints":
        return [head, ...list(5, (value as number[]).map(integer))];
      case "texts":
        return [head, ...list(8, (value as string[]).map(text))];
      default:
        return [head, ...list(12, (value as Struct[]).map(struct))];
    }
  });
  return [...bytes, 0];
}

/**
 * The bytes of a file with one group of rows per list of `[encoded image, label]`; `claimed` is a false number of rows,
 * `image` the names from the top of the schema to the images' bytes. Labels are numbers, or all of them names.
 */
export function parquetFile(
  groups: readonly (readonly [Uint8Array, number | string])[][],
  names?: readonly string[],
  claimed?: number,
  image: readonly string[] = ["image", "bytes"],
): Uint8Array {
  const areNames = typeof groups[0]?.[0]?.[1] === "string";
  const sized = (value: Uint8Array): number[] => [...new Uint8Array(Uint32Array.of(value.length).buffer), ...value];
  const bytes: number[] = [...Buffer.from("PAR1")];
  const writeColumn = (path: string[], type: number, count: number, values: number[]): Struct => {
    const at = bytes.length;
    const page: Struct = [
      [1, "int", Math.min(claimed ?? count, 2 ** 31 - 1)],
      [2, "int", 0],
      [3, "int", 3],
      [4, "int", 3],
    ];
    bytes.push(
      ...struct([
        [1, "int", 0],
        [2, "int", values.length],
        [3, "int", values.length],
        [5, "struct", page],
      ]),
      ...values,
    );
    const size = bytes.length - at;
    const meta: Struct = [
      [1, "int", type],
      [2, "ints", [0]],
      [3, "texts", path],
      [4, "int", 0],
      [5, "long", claimed ?? count],
      [6, "long", size],
      [7, "long", size],
      [9, "long", at],
    ];
    return [
      [2, "long", at],
      [3, "struct", meta],
    ];
  };
  const rowGroups = groups.map((rows): Struct => {
    const images = rows.flatMap(([image]) => sized(image));
    const labels = rows.flatMap(([, label]) =>
      typeof label === "string"
        ? sized(Buffer.from(label))
        : [...new Uint8Array(BigInt64Array.of(BigInt(label)).buffer)],
    );
    const columns = [
      writeColumn([...image], 6, rows.length, images),
      writeColumn(["label"], areNames ? 6 : 2, rows.length, labels),
    ];
    return [
      [1, "structs", columns],
      [2, "long", images.length + labels.length],
      [3, "long", claimed ?? rows.length],
    ];
  });
  const schema: Struct[] = [
    [
      [4, "text", "schema"],
      [5, "int", 2],
    ],
    ...image.map(
      (name, i): Struct =>
        i < image.length - 1
          ? [
              [3, "int", 0],
              [4, "text", name],
              [5, "int", 1],
            ]
          : [
              [1, "int", 6],
              [3, "int", 0],
              [4, "text", name],
            ],
    ),
    [
      [1, "int", areNames ? 6 : 2],
      [3, "int", 0],
      [4, "text", "label"],
    ],
  ];
  const features = { image: { _type: "Image" }, label: { _type: "ClassLabel", names } };
  const metadata: Struct[] = [
    [
      [1, "text", "huggingface"],
      [2, "text", JSON.stringify({ info: { features } })],
    ],
  ];
  const footer = struct([
    [1, "int", 1],
    [2, "structs", schema],
    [3, "long", claimed ?? groups.flat().length],
    [4, "structs", rowGroups],
    ...(names ? ([[5, "structs", metadata]] as const) : []),
  ]);
  return Uint8Array.from([
    ...bytes,
    ...footer,
    ...new Uint8Array(Uint32Array.of(footer.length).buffer),
    ...Buffer.from("PAR1"),
  ]);
}
