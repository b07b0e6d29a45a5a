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
