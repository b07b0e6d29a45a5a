import { setTimeout } from "node:timers/promises";
import type { HubSettings } from "./settings.js";

/** What a caller hears of while files come from the hub. */
export interface HubHooks {
  readonly signal?: AbortSignal | undefined;
  /** Is told of what goes on in spite of it. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

/** A failure that may pass; never leaves the hub's files. */
export class Hiccup extends Error {
  override readonly name = "Hiccup";
  /**
   * @param letter what the person is told where it does not pass
   * @param code of the system's error; empty for an answer
   * @param waitMs how long the server asks to wait
   * @param isProgress true where something was gained before it failed
   */
  constructor(
    readonly letter: Error,
    readonly code = "",
    readonly waitMs?: number,
    readonly isProgress = false,
  ) {
    super(letter.message);
  }
}

const tries = 5;
/** Who is asked to wait longer should rather come back. */
const longestWaitMs = 60_000;

/**
 * What the task returns, after as many tries as it takes, at most five without progress.
 * @param hopeless codes for which one try is enough
 * @throws whatever the task throws; of a `Hiccup` its letter
 */
export async function patiently<T>(
  task: () => Promise<T>,
  { retryMs }: HubSettings,
  { signal, onWarning }: HubHooks,
  hopeless: readonly string[] = [],
): Promise<T> {
  for (let failures = 0; ; ) {
    try {
      return await task();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof Hiccup)) throw error;
      failures = error.isProgress ? 1 : failures + 1;
      const waitMs = error.waitMs ?? retryMs * 2 ** (failures - 1);
      if (failures === tries || waitMs > longestWaitMs || hopeless.includes(error.code)) throw error.letter;
      const reason = error.message.split(". ")[0] ?? "";
      onWarning?.(`${reason}; trying again${waitMs < 1000 ? "" : ` in ${Math.ceil(waitMs / 1000)} s`}`);
      await setTimeout(waitMs, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
    }
  }
}
