import type { Part, PartCell } from "./part.js";
import { choicesPart, countCell, differencesPart, epochOf, figureCell, type Material } from "./parts.js";
import type { ResultLine } from "./result.js";
import { meanOf, spreadOf } from "./statistics.js";
import { tableOf } from "./table.js";

/**
 * The parts of the domain generalisation report: accuracy on the source's validation images and on every target, where a
 * target with some of the classes has two columns, each saying how it was scored. What else lines were scored on, when
 * other targets were asked for, is left out.
 */
export function domainParts(
  material: Material,
  searched: readonly ResultLine[],
  source: string,
  asked: readonly string[],
): readonly Part[] {
  const { lines, methods } = material;
  const scored = [...new Set(lines.flatMap(({ scores }) => Object.keys(scores)))];
  const targets = scored.filter((name) => asked.includes(folderOf(name)));
  // Each target as a task of its own.
  const onTargets = lines.flatMap((line) =>
    targets.flatMap((target) => {
      const test = line.scores[target];
      return test ? [{ ...line, task: target, scores: { test } }] : [];
    }),
  );
  const rows = tableOf(onTargets, { methods, tasks: targets, groupOf: material.groupOf });
  const ownLines = (method: string) => lines.filter((line) => line.method === method);
  const valOf = (method: string) => ownLines(method).flatMap(({ val }) => (val ? [val.top1] : []));
  const means = meansOf(targets, source);
  const meanCell = (method: string, names: readonly string[]): PartCell => {
    const found = ownLines(method).map(({ scores }) => names.flatMap((name) => scores[name]?.last.top1 ?? []));
    const isWhole = names.length > 0 && found.every(({ length }) => length === names.length);
    return figureCell(isWhole ? spreadOf(found.map(meanOf)) : undefined);
  };
  const differences = differencesPart(rows, targets, means);
  const choices = choicesPart(searched, material);
  return [
    {
      id: "targets",
      title: `trained on ${source}; top-1 in percent ${epochOf(material)}, mean ± sd over seeds`,
      table: {
        head: ["method", "parameters", `${source} (validation)`, ...targets, ...means.keys()],
        rows: rows.map(({ method, trainable, fields }) => [
          method,
          countCell(trainable),
          figureCell(valOf(method).length > 0 ? spreadOf(valOf(method)) : undefined),
          ...targets.map((target) => figureCell(fields.get(target)?.last)),
          ...[...means.values()].map((names) => meanCell(method, names)),
        ]),
      },
      notes: targets.some((target) => maskSuffix.test(target))
        ? [
            "A mask scores among the logits of the target's own classes, “all” among those of every class; never compare one with the other.",
          ]
        : [],
    },
    ...(differences ? [differences] : []),
    ...(choices ? [choices] : []),
  ];
}

const maskSuffix = / \(\d+-class mask\)$/;
const allSuffix = / \(all \d+ logits\)$/;
/** The folder that a figure is of. */
const folderOf = (target: string): string => target.replace(maskSuffix, "").replace(allSuffix, "");

/** The means over targets, each by its title: the source is no target, and the two ways to score stay apart. */
function meansOf(targets: readonly string[], source: string): ReadonlyMap<string, readonly string[]> {
  const own = targets.filter((name) => folderOf(name) !== source);
  const isMasked = own.some((name) => maskSuffix.test(name));
  if (!isMasked) return new Map([["mean of targets", own]]);
  return new Map([
    ["mean of targets, masked", own.filter((name) => !allSuffix.test(name))],
    ["mean of targets, all logits", own.filter((name) => !maskSuffix.test(name))],
  ]);
}
