import { join } from "node:path";
import { counted } from "../counts.js";
import { figureFile } from "../report/figure.js";
import { seconds as inWords } from "../report/format.js";
import { html } from "../report/markup.js";
import { drawFacts, writePage } from "../report/page.js";
import { type Part, sectionOf } from "../suite/part.js";
import { isFinished } from "../suite/result.js";
import { writeAtomically } from "./files.js";
import type { SuiteOutcome } from "./suite.js";
import { suiteFiles } from "./suite-folder.js";

/**
 * Writes the page of a suite and a file for each of its figures into its folder.
 * @returns the files
 */
export async function writeSuiteReport(outcome: SuiteOutcome, parts: readonly Part[]): Promise<readonly string[]> {
  const { out, suite } = outcome.plan.options;
  const files: string[] = [];
  for (const { id, figure } of parts) {
    if (!figure) continue;
    const file = join(out, `${id}.svg`);
    await writeAtomically(file, figureFile(figure));
    files.push(file);
  }
  const page = writePage({
    title: `Suite ${suite}`,
    lead: describe(outcome),
    sections: [
      ...parts.map(sectionOf),
      ...(outcome.failures.length > 0
        ? [
            {
              id: "failures",
              title: "Trials that failed",
              body: outcome.failures.map(
                ({ task, method, seed, error }) => html`<p>${task}, ${method}, seed ${seed}: ${error}</p>`,
              ),
            },
          ]
        : []),
      { id: "how", title: "How it was measured", body: drawFacts(factsOf(outcome)) },
    ],
  });
  const file = join(out, suiteFiles.report);
  await writeAtomically(file, page);
  return [...files, file];
}

const describe = ({ plan, lines, searched }: SuiteOutcome) => {
  const trials = new Set([...lines, ...searched].map(({ trial }) => trial)).size;
  const { tasks, methods, seeds } = plan.options;
  const parts = [counted(tasks.length, "task"), counted(methods.length, "method"), counted(seeds.length, "seed")];
  return html`<p class="soft">${counted(trials, "trial")}: ${parts.join(", ")}.</p>`;
};

function factsOf({ plan, lines, searched }: SuiteOutcome): readonly (readonly [string, string])[] {
  const { config, seeds, rates, final } = plan.options;
  const finished = [...searched, ...lines].filter(isFinished);
  const all = [...new Map(finished.map((line) => [line.trial, line])).values()];
  const list = (values: readonly (string | number)[]): string => [...new Set(values)].join(", ") || "–";
  const given = Object.entries(config).filter(([key]) => !["backbone", "threads", "memoryMb"].includes(key));
  return [
    ["network", list(all.map(({ architecture }) => architecture))],
    ["hash of its weights", list(all.map(({ digests }) => digests.backbone))],
    ["pixels normalised by", `mean ${plan.contract.mean.join(", ")}; deviation ${plan.contract.std.join(", ")}`],
    ["settings", given.map(([key, value]) => `${key} ${JSON.stringify(value)}`).join(", ")],
    ["learning rates to choose from", list(rates)],
    ["seeds", list(seeds)],
    ["trained on", final ? "training and validation images, once settings were chosen" : "training images"],
    [
      "versions",
      list(
        all.flatMap(({ versions }) =>
          Object.entries(versions).map(([name, value]) => (name === "engine" ? value : `${name} ${value}`)),
        ),
      ),
    ],
    ["device", list(all.map(({ device, threads }) => `${device}, ${counted(threads, "thread")}`))],
    ["time of all trials", inWords(all.reduce((sum, { wallSeconds }) => sum + wallSeconds, 0))],
  ];
}
