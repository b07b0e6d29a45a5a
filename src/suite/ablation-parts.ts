import { type Question, questionTitles } from "./ablation.js";
import type { Part } from "./part.js";
import { choicesPart, countCell, differencesPart, figureCell, type Material } from "./parts.js";
import type { ResultLine } from "./result.js";
import { tableOf } from "./table.js";

/** The parts of the ablation's report: a table for each question, its differences, then the choices of rates. */
export function ablationParts(
  material: Material,
  searched: readonly ResultLine[],
  questions: readonly Question[],
): readonly Part[] {
  const { tasks } = material;
  const parts = questions.flatMap(({ name, methods }): readonly Part[] => {
    const rows = tableOf(material.lines, { ...material, methods: methods.map(({ label }) => label) });
    const differences = differencesPart(rows, tasks);
    return [
      {
        id: name,
        title: `${name}: ${questionTitles[name]}`,
        table: {
          head: ["variant", "parameters", "mean of tasks", ...tasks],
          rows: rows.map((row) => [
            row.method,
            countCell(row.trainable),
            figureCell(row.taskMean),
            ...tasks.map((task) => figureCell(row.fields.get(task)?.last)),
          ]),
        },
      },
      ...(differences ? [{ ...differences, id: `${name}-differences` }] : []),
    ];
  });
  const choices = choicesPart(searched, material);
  return choices ? [...parts, choices] : parts;
}
