import { counted } from "../counts.js";
import type { SuiteEvent } from "../platform/suite.js";
import type { SuitePlan } from "../platform/suite-plan.js";
import { clean, hasLiveLine, print, printJson, showLive, tell } from "../platform/terminal.js";
import type { FailedLine, TrialLine } from "../suite/result.js";
import { layoutTable, wrapText } from "../suite/text-table.js";
import { duration } from "./duration.js";
import { percent } from "./train-report.js";

/** Characters in a line of results. */
export const columns = (): number => process.stdout.columns ?? 120;

/** The plan as lines: a table, then the sums. */
export function* describePlan({ steps, cells, seconds, measured, memoryBytes, options }: SuitePlan): Generator<string> {
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
  const need = left > 0 ? `: about ${duration(seconds)} and ${Math.round(memoryBytes / 2 ** 20)} MiB` : "";
  yield `${counted(steps.length, "training")}, ${left} to do${need}; results in ${options.out}`;
  if (measured === undefined) return;
  yield* wrapText(
    `Time: by two seconds of ${measured}, measured with the machine as busy as it is now; of other methods by their operations.`,
    columns(),
  );
}

/** A function that shows a suite's events: a live line with suite and trial, and a line per finished trial. */
export function suiteProgress(isJson: boolean): (event: SuiteEvent) => void {
  let now = "";
  let epochs = 0;
  const say = (text: string): void => (isJson || hasLiveLine() ? tell(text) : print(text));
  const began = performance.now();
  let steps: SuitePlan["steps"] = [];
  let place = 1;
  /** Time left by the plan, at the pace of what has been done since the start. */
  const left = (): string => {
    const sum = (part: SuitePlan["steps"]): number => part.reduce((total, step) => total + step.seconds, 0);
    const [done, rest] = [sum(steps.slice(0, place - 1)), sum(steps.slice(place - 1))];
    const pace = done > 0 ? (performance.now() - began) / 1000 / done : 1;
    return `about ${duration(pace * rest)} left`;
  };
  return (event) => {
    switch (event.event) {
      case "plan":
        steps = event.plan.steps;
        if (!isJson) for (const line of describePlan(event.plan)) print(line);
        break;
      case "begin": {
        const { trial, trials, isResult } = event;
        place = event.place;
        const { lr, headLr, seed } = trial.config;
        const rate = lr !== undefined ? `  lr ${lr}` : headLr !== undefined ? `  headLr ${headLr}` : "";
        now = `${place}/${trials}  ${trial.task}  ${trial.method}  ${isResult ? `seed ${seed}` : "search"}${rate}`;
        showLive(`${now}  ${left()}`);
        break;
      }
      case "training": {
        const { inner } = event;
        if (inner.event === "start") epochs = inner.epochs;
        if (inner.event === "step")
          showLive(`${now}  epoch ${inner.epoch}/${epochs}  loss ${inner.loss.toFixed(3)}  ${left()}`);
        break;
      }
      case "result": {
        const { line, wasThere } = event;
        if (isJson) printJson({ event: "result", wasThere, ...line });
        else if (!wasThere) say(`${now}  ${describeResult(line)}`);
        break;
      }
      case "failure":
        if (isJson) printJson({ event: "failure", wasThere: event.wasThere, ...event.line });
        if (event.isResult || !event.wasThere) tell(describeFailure(event.line, event.isResult));
    }
  };
}

function describeFailure(
  { task, method, seed, lr, headLr, error, hasDiverged }: FailedLine,
  isResult: boolean,
): string {
  // What diverges while settings are searched is one not to choose.
  const isPassed = hasDiverged === true && !isResult;
  const rate = isPassed ? `, ${lr === undefined ? `headLr ${headLr}` : `lr ${lr}`}` : "";
  return `${isPassed ? "warning" : "error"}: ${task}, ${method}, seed ${seed}${rate}: ${clean(error)}${isPassed ? " It is not chosen." : ""}`;
}

function describeResult({ val, scores, wallSeconds }: TrialLine): string {
  const figures = Object.entries(scores).map(([name, { last }]) => `${name} ${percent(last.top1)}`);
  return [...(val ? [`val ${percent(val.top1)}`] : []), ...figures, duration(wallSeconds)].join("  ");
}
