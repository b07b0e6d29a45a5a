/** Runs a task as soon as fewer than the limit are running; in the order in which they were given. */
export type Limit = <T>(task: () => Promise<T>) => Promise<T>;

/** A gate that lets at most `count` tasks run at a time. */
export function limitTasks(count: number): Limit {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (running >= count) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await task();
    } finally {
      // The place goes straight to the next one, so that nobody who comes now overtakes it.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}

/**
 * Runs a task for each of the indices 0 … count−1, `parallel` of them beside each other; ends with the first that fails.
 * A few walkers instead of one promise per index: a large set must not queue millions of them.
 */
export async function forEachIndex(
  count: number,
  parallel: number,
  task: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const walk = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await task(index);
  };
  await Promise.all(Array.from({ length: parallel }, walk));
}
