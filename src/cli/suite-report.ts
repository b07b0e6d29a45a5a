import type { SuiteEvent, SuiteOutcome } from "../platform/suite.js";
import type { SuiteOptions, SuitePlan } from "../platform/suite-plan.js";
import { clean, hasLiveLine, interruptSignal, print, printJson, showLive, tell } from "../platform/terminal.js";
import type { TrialLine } from "../suite/result.js";
import type { Spread } from "../suite/statistics.js";
import { type Row, tableOf } from "../suite/table.js";
import { layoutTable, type TextTable } from "../suite/text-table.js";
import { duration, percent } from "./train-report.js";

/** What a suite adds to the common report. */
export interface SuiteLook {
  readonly groupOf: (task: string) => string;
}

/** Runs a suite, or shows its plan, with progress on stderr and its tables on stdout. */
export async function performSuite(
  options: SuiteOptions,
  { json = false, dryRun = false }: { readonly json?: boolean; readonly dryRun?: boolean },
  look: SuiteLook,
): Promise<void> {
  const { dryRunSuite, runSuite } = await import("../platform/suite.js");
  if (dryRun) {
    const plan = await dryRunSuite(options);
    if (json) for (const step of plan.steps) printJson(plannedLine(step));
    else for (const line of describePlan(plan)) print(line);
    return;
  }
  const signal = interruptSignal("Stopping after this step; what is done is saved. The same command goes on.");
  const outcome = await runSuite(options, {
    signal,
    onWarning: (text) => tell(`warning: ${text}`),
    onEvent: suiteProgress(json),
  });
  showLive("");
  if (!json)
    for (const table of tablesOf(outcome, look)) for (const line of ["", ...layoutTable(table, columns())]) print(line);
  if (outcome.failures.length > 0) {
    tell(`error: ${outcome.failures.length} of the trials failed; the same command tries them again.`);
    process.exitCode = 1;
  }
}

const columns = (): number => process.stdout.columns ?? 120;

const plannedLine = ({ cell, seed, trial, setting, isResult, isDone, seconds }: SuitePlan["steps"][number]) => ({
  event: "planned",
  trial: trial ?? null,
  task: cell.task.name,
  method: cell.method.label,
  seed,
  lr: setting?.lr ?? null,
  role: isResult ? "result" : "search",
  isDone,
  seconds: Math.round(seconds),
});

/** The plan as lines: a table, then the sums. */
function* describePlan({ steps, cells, seconds, memoryBytes, options }: SuitePlan): Generator<string> {
  const rows = cells.map((cell) => {
    const own = steps.filter((step) => step.cell === cell);
    const left = own.filter(({ isDone }) => !isDone);
    return [
      `${cell.task.name}  ${cell.method.label}`,
      String(cell.candidates.length),
      String(cell.seeds.length),
      String(own.length),
      String(own.length - left.length),
      duration(left.reduce((sum, step) => sum + step.seconds, 0)),
    ];
  });
  yield* layoutTable({ head: ["task, method", "settings", "seeds", "trainings", "done", "time"], rows }, columns());
  const left = steps.filter(({ isDone }) => !isDone).length;
  yield "";
  yield `${steps.length} trainings, ${left} to do: about ${duration(seconds)} and ${Math.round(memoryBytes / 2 ** 20)} MiB; results in ${options.out}`;
}

/** A function that shows a suite's events: a live line with suite and trial, and a line per finished trial. */
function suiteProgress(isJson: boolean): (event: SuiteEvent) => void {
  let now = "";
  let epochs = 0;
  const say = (text: string): void => (isJson || hasLiveLine() ? tell(text) : print(text));
  const began = performance.now();
  let left = 0;
  return (event) => {
    switch (event.event) {
      case "plan":
        left = event.plan.seconds;
        if (!isJson) for (const line of describePlan(event.plan)) print(line);
        break;
      case "begin": {
        const { trial, place, trials, isResult } = event;
        const { lr, seed } = trial.config;
        now = `${place}/${trials}  ${trial.task}  ${trial.method}  ${isResult ? `seed ${seed}` : "search"}${lr === undefined ? "" : `  lr ${lr}`}`;
        const rest = Math.max(0, left - (performance.now() - began) / 1000);
        showLive(`${now}  about ${duration(rest)} left`);
        break;
      }
      case "training": {
        const { inner } = event;
        if (inner.event === "start") epochs = inner.epochs;
        const rest = Math.max(0, left - (performance.now() - began) / 1000);
        if (inner.event === "step")
          showLive(
            `${now}  epoch ${inner.epoch}/${epochs}  loss ${inner.loss.toFixed(3)}  about ${duration(rest)} left`,
          );
        break;
      }
      case "result": {
        const { line, wasThere } = event;
        if (isJson) printJson({ event: "result", wasThere, ...line });
        else if (!wasThere) say(`${now}  ${describeResult(line)}`);
        break;
      }
      case "failure":
        if (isJson) printJson({ event: "failure", ...event.line });
        tell(`error: ${event.line.task}, ${event.line.method}, seed ${event.line.seed}: ${clean(event.line.error)}`);
    }
  };
}

function describeResult({ val, scores, wallSeconds }: TrialLine): string {
  const figures = Object.entries(scores).map(([name, { last }]) => `${name} ${percent(last.top1)}`);
  return [...(val ? [`val ${percent(val.top1)}`] : []), ...figures, duration(wallSeconds)].join("  ");
}

/** The tables of a suite's results. */
function* tablesOf({ plan, lines }: SuiteOutcome, { groupOf }: SuiteLook): Generator<TextTable> {
  const tasks = plan.options.tasks.map(({ name }) => name);
  const methods = plan.options.methods.map(({ label }) => label);
  const rows = tableOf(lines, { tasks, methods, groupOf });
  const groups = [...new Set(tasks.map(groupOf))];
  yield {
    title: "test top-1 in percent after the last epoch, mean ± sd over seeds",
    head: ["method", ...tasks],
    rows: rows.map((row) => [row.method, ...tasks.map((task) => figure(row.fields.get(task)?.last))]),
  };
  yield {
    head: ["method", "parameters", "with head", ...groups, "mean of groups", "mean of tasks", "best epoch"],
    rows: rows.map((row: Row) => [
      row.method,
      row.trainable.toLocaleString("en-US"),
      Math.round(row.withHead).toLocaleString("en-US"),
      ...groups.map((group) => figure(row.groups.get(group))),
      figure(row.groupMean),
      figure(row.taskMean),
      figure(row.bestGroupMean),
    ]),
  };
}

/** A spread in percent; a single seed has no deviation. */
const figure = (spread: Spread | undefined): string =>
  spread === undefined
    ? "–"
    : `${(100 * spread.mean).toFixed(1)}${Number.isNaN(spread.sd) ? "" : ` ± ${(100 * spread.sd).toFixed(1)}`}`;
