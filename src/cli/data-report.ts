import { counted, thousands } from "../counts.js";
import type { DataInspection, Finding } from "../platform/node.js";
import { tableLines, wrapLines } from "./text.js";

/** Classes that are listed; of more the largest and the smallest. */
const mostClasses = 20;
const shownGroups = 3;
const shownNames = 4;

/** The inspection of a data set as lines of at most 80 columns where names allow it. */
export function* dataLines(found: DataInspection): Generator<string> {
  const splits = Object.entries(found.splits);
  yield `data ${found.name}`;
  yield `${found.layout}, ${counted(found.classes.length, "class", "classes")}`;
  yield "";
  yield* tableLines(
    ["split", "images", "size", "width", "height", "formats"],
    splits.map(([name, { images, bytes, width, height, formats }]) => [
      name,
      thousands(images),
      sizeOf(bytes),
      spread(width),
      spread(height),
      Object.entries(formats)
        .map(([format, count]) => (count === images ? format : `${format} ${thousands(count)}`))
        .join(", "),
    ]),
  );
  yield "";
  yield* classLines(found);
  yield "";
  if (found.findings.length === 0) yield "findings: none";
  else yield `findings: ${found.findings.length}`;
  for (const finding of found.findings) yield* findingLines(finding);
  yield "";
  yield `digest: ${found.digest}`;
}

function* classLines({ classes, splits }: DataInspection): Generator<string> {
  const parts = Object.values(splits);
  const totals = classes.map((_, label) => parts[0]?.classes[label] ?? 0);
  const order = classes.map((_, label) => label);
  const isLong = classes.length > mostClasses;
  const shown = isLong
    ? ((sorted) => [...sorted.slice(0, 5), ...sorted.slice(-5)])(
        order.toSorted((a, b) => (totals[b] ?? 0) - (totals[a] ?? 0)),
      )
    : order;
  const rows = shown.map((label) => [
    shorten(classes[label] ?? String(label), 40),
    ...parts.map((part) => thousands(part.classes[label] ?? 0)),
  ]);
  const lines = [...tableLines(["class", ...Object.keys(splits)], rows)];
  for (const [i, line] of lines.entries()) {
    if (isLong && i === 6) yield `… ${thousands(classes.length - 10)} classes between`;
    yield line;
  }
}

function* findingLines({ kind, text, advice, groups }: Finding): Generator<string> {
  yield "";
  yield* wrapLines(`${kind}: ${text}`, "  ");
  for (const group of groups.slice(0, shownGroups)) {
    const more = group.length > shownNames ? ` … and ${thousands(group.length - shownNames)} more` : "";
    yield* wrapLines(`${group.slice(0, shownNames).join(" = ")}${more}`, "      ");
  }
  if (groups.length > shownGroups) yield `      … and ${thousands(groups.length - shownGroups)} more; --json names all`;
  yield* wrapLines(`→ ${advice}`, "    ");
}

const shorten = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

function sizeOf(bytes: number): string {
  const unit = bytes < 2 ** 20 ? "KiB" : bytes < 2 ** 30 ? "MiB" : "GiB";
  return `${(bytes / { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[unit]).toFixed(1)} ${unit}`;
}

function spread(values: { readonly least: number; readonly median: number; readonly most: number } | null): string {
  if (!values) return "–";
  const { least, median, most } = values;
  return least === most ? String(least) : `${least}–${most} (${median})`;
}
