import { parseConfig, type TrainConfig, type TrainConfigInput } from "../train/config.js";

/** A training of a suite: everything but where it is written. */
export interface Trial {
  /** Hash of all that decides its result, 16 hexadecimal digits. */
  readonly name: string;
  readonly task: string;
  /** Label of the method. */
  readonly method: string;
  readonly config: Omit<TrainConfigInput, "out">;
  /** Digest of its data set before a part is set aside for validation. */
  readonly digest: string;
}

/** What a trial's result depends on beside its configuration. */
export interface Circumstances {
  /** Digest of the whole data set, before it is divided. */
  readonly data: string;
  /** Hash of the backbone's tensors. */
  readonly backbone: string;
  /** This package and its runtime, each with its version. */
  readonly engine: string;
}

/** Keys that say where something lies, or how a machine is used, but not what is computed. */
const placeKeys: ReadonlySet<string> = new Set([
  "$schema",
  "out",
  "backbone",
  "data",
  "memoryMb",
  "checkpointSeconds",
  "threads",
]);

/** The keys of a configuration that decide its result and are not at their default, in order of their names. */
export function decidingKeys(config: Omit<TrainConfigInput, "out">): Partial<TrainConfig> {
  const whole = { backbone: "-", data: "-", out: "-" };
  const complete = parseConfig({ ...whole, ...config, out: "-" }, "trial");
  const defaults: Record<string, unknown> = parseConfig(whole, "trial");
  const entries = Object.entries(complete).filter(
    ([key, value]) =>
      !placeKeys.has(key) && value !== undefined && canonicalJson(value) !== canonicalJson(defaults[key]),
  );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The name of a trial: the first 64 bits of the SHA-256 over its configuration and circumstances. Neither the order of
 * keys, nor a default that is written out, nor the place of a file changes it; all that may change the result does.
 */
export async function nameTrial(config: Omit<TrainConfigInput, "out">, circumstances: Circumstances): Promise<string> {
  const { data, backbone, engine } = circumstances;
  const text = canonicalJson({ config: decidingKeys(config), data, backbone, engine });
  const hash = await globalThis.crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash, 0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** JSON with the keys of every object in order. */
export const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  ) ?? "null";
