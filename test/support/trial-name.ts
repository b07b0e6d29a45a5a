import type { TrialLine } from "../../src/suite/result.js";
import { nameTrial } from "../../src/suite/trial.js";

/** The name of a line's trial, from what the line says decided it. */
export function nameOfLine({ config, digests, versions }: TrialLine): Promise<string> {
  const { task: data = digests.data, backbone } = digests;
  const engine = `sas-petl ${versions["sas-petl"]}, ${versions.engine}`;
  // A name does not depend on where the data lie.
  return nameTrial({ ...config, data: "-", backbone: "-" }, { data, backbone, engine });
}
