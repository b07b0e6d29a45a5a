import { thousands } from "../counts.js";
import type { VtabList } from "../data/vtab-check.js";
import type { TaskCheck } from "../platform/vtab/check.js";
import type { DrawOutcome } from "../platform/vtab/draw.js";
import { tableLines, wrapLines } from "./text.js";

const number = (value: number | undefined): string => (value === undefined ? "–" : thousands(value));
/** Letters of a digest that tell two apart at sight; `--json` has all. */
const shownDigest = 12;

/** A check as a table of the tasks that are there, then their faults and notes, one line each. */
export function* checkLines(checks: readonly TaskCheck[]): Generator<string> {
  const present = checks.filter(({ state }) => state !== "missing");
  const count = ({ lists }: TaskCheck, name: VtabList): string => number(lists[name]?.count);
  yield* tableLines(
    ["task", "state", "800", "200", "1000", "test", "classes", "digest"],
    present.map((check) => [
      check.task,
      check.state,
      count(check, "train800"),
      count(check, "val200"),
      count(check, "train800val200"),
      count(check, "test"),
      `${check.classes.found}/${check.classes.expected}`,
      check.digest?.slice(0, shownDigest) ?? "–",
    ]),
  );
  const missing = checks.filter(({ state, faults }) => state === "missing" && faults.length === 0);
  if (missing.length > 0) {
    yield "";
    yield* wrapLines(`not there: ${missing.map(({ task }) => task).join(", ")}`, "");
  }
  for (const kind of ["faults", "notes"] as const) {
    const lines = checks.flatMap((check) => check[kind].map((text) => `${check.task}: ${text}`));
    if (lines.length === 0) continue;
    yield "";
    yield `${kind}:`;
    for (const line of lines) yield* wrapLines(line, "  ");
  }
  const faulty = checks.filter(({ faults }) => faults.length > 0).length;
  const complete = checks.filter(({ state }) => state === "complete").length;
  yield "";
  yield `${present.length} of ${checks.length} tasks there, ${complete} complete, ${faulty} with faults`;
}

/** A draw as a table of what was written, then what was not, and why. */
export function* drawLines(outcomes: readonly DrawOutcome[], out: string): Generator<string> {
  const drawn = outcomes.filter(({ state }) => state === "drawn");
  if (drawn.length > 0) {
    yield* tableLines(
      ["task", "train", "val", "test", "digest"],
      drawn.map(({ task, images, digest }) => [
        task,
        number(images?.train),
        number(images?.val),
        number(images?.test),
        digest?.slice(0, shownDigest) ?? "",
      ]),
    );
    yield "";
  }
  for (const { task, state, text } of outcomes) yield* wrapLines(`${task}: ${state}: ${text}`, "  ");
  yield "";
  yield* wrapLines(
    `${drawn.length} of ${outcomes.length} tasks drawn into ${out}: an own sample, not to be printed beside published figures`,
    "",
  );
}
