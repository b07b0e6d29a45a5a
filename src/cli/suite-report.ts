import { counted } from "../counts.js";
import type { SuiteOutcome } from "../platform/suite.js";
import type { SuiteOptions } from "../platform/suite-options.js";
import type { SuitePlan } from "../platform/suite-plan.js";
import { interruptSignal, print, printJson, showLive, tell } from "../platform/terminal.js";
import { type Part, textOfTable } from "../suite/part.js";
import { hasDiverged } from "../suite/result.js";
import { layoutFigure } from "../suite/text-figure.js";
import { layoutTable, wrapText } from "../suite/text-table.js";
import type { SuiteFlags } from "./suite-flags.js";
import { columns, describePlan, suiteProgress } from "./suite-progress.js";

/**
 * Runs a suite, or shows its plan. Progress goes to stderr, tables and figures to stdout, and both as a page into its
 * folder.
 */
export async function performSuite(
  options: SuiteOptions,
  { json = false, dryRun = false, offline = false }: Pick<SuiteFlags, "json" | "dryRun" | "offline">,
  partsOf: (outcome: SuiteOutcome) => readonly Part[],
): Promise<void> {
  const { dryRunSuite, runSuite } = await import("../platform/suite.js");
  if (dryRun) {
    const plan = await dryRunSuite(options, { offline });
    if (json) for (const step of plan.steps) printJson(plannedLine(step));
    else for (const line of describePlan(plan)) print(line);
    return;
  }
  const signal = interruptSignal("Stopping after this step; what is done is saved. The same command goes on.");
  const outcome = await runSuite(options, {
    signal,
    isTimed: true,
    offline,
    onWarning: (text) => tell(`warning: ${text}`),
    onEvent: suiteProgress(json),
  });
  showLive("");
  const parts = partsOf(outcome);
  const files =
    outcome.lines.length > 0
      ? await (await import("../platform/suite-report.js")).writeSuiteReport(outcome, parts)
      : [];
  if (json) printJson({ event: "done", trials: outcome.lines.length, failures: outcome.failures.length, files });
  else {
    for (const part of outcome.lines.length > 0 ? parts.filter(({ isPageOnly }) => !isPageOnly) : [])
      for (const line of ["", ...textOf(part, columns())]) print(line);
    print("");
    for (const file of files) print(file);
  }
  const { failures } = outcome;
  const diverged = failures.filter(hasDiverged).length;
  if (failures.length > diverged) {
    tell(`error: ${counted(failures.length - diverged, "trial")} failed; the same command tries again.`);
  }
  if (diverged > 0) {
    tell(`error: ${counted(diverged, "trial")} diverged and would again, so results are missing; give lower rates.`);
  }
  if (failures.length > 0) process.exitCode = 1;
}

/** A part as lines for a terminal. */
function* textOf({ title, table, figure, notes = [] }: Part, width: number): Generator<string> {
  if (table) yield* layoutTable(textOfTable(title, table), width);
  else if (!figure) yield title;
  if (table && figure) yield "";
  if (figure) yield* layoutFigure(figure, width);
  for (const note of notes) yield* wrapText(note, width);
}

const plannedLine = ({
  cell,
  seed,
  trial,
  setting,
  isResult,
  isDone,
  seconds,
  memoryBytes,
}: SuitePlan["steps"][number]) => ({
  event: "planned",
  trial: trial ?? null,
  task: cell.task.name,
  method: cell.method.label,
  seed,
  lr: setting?.lr ?? null,
  headLr: setting?.headLr ?? null,
  role: isResult ? "result" : "search",
  isDone,
  seconds: Math.round(seconds),
  memoryBytes,
});
