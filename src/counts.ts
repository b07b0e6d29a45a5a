/** A whole number with thousands apart: `85,835,712`. */
export const thousands = (count: number): string => Math.round(count).toLocaleString("en-US");

/** So many of something: `1 task`, `3,000 tasks`, `2 classes`. */
export const counted = (count: number, noun: string, plural = `${noun}s`): string =>
  `${thousands(count)} ${count === 1 ? noun : plural}`;
