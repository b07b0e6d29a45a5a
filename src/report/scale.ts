/** Where values of an axis lie on the paper. */
export interface Scale {
  /** The place of a value. */
  at(value: number): number;
  /** Values that are written at the axis, smallest first. */
  readonly ticks: readonly number[];
  /** Where the axis is broken: between 0 and what a logarithm has, or between the lowest values and all others. */
  readonly gap?: number | undefined;
}

/** What an axis shows. */
export interface ScaleOptions {
  readonly scale?: "linear" | "log" | undefined;
  /** Smallest value shown; default: below the smallest of the data. */
  readonly from?: number | undefined;
  /** Largest value shown; default: above the largest of the data. */
  readonly to?: number | undefined;
  /** What values there can be: an axis goes beyond these only where the data do. */
  readonly possible?: readonly [lowest: number, highest: number] | undefined;
  /** Whether a linear axis is broken where few values lie so far below that the others would have no room. */
  readonly canBreak?: boolean | undefined;
  /** Places of the smallest and the largest value. */
  readonly range: readonly [number, number];
  /** The values that are written at the axis; default: round ones. */
  readonly ticks?: readonly number[] | undefined;
  /** About how many ticks there should be; default 5. */
  readonly tickCount?: number | undefined;
}

/**
 * The scale for some values. On a logarithmic one, values that are not positive have a place of their own at the very
 * beginning, with the tick 0: methods that train nothing stand beside those that train something.
 */
export function scaleOf(values: readonly number[], options: ScaleOptions): Scale {
  const shown = values.filter(Number.isFinite);
  const scale =
    options.scale === "log"
      ? logScale(shown, options)
      : (options.canBreak && brokenScale(shown, options)) || linearScale(shown, options);
  return options.ticks ? { ...scale, ticks: options.ticks } : scale;
}

function linearScale(values: readonly number[], { from, to, possible, range, tickCount = 5 }: ScaleOptions): Scale {
  let [low, high] = [from ?? smallest(values, 0), to ?? largest(values, 1)];
  if (isPoint(low, high)) {
    const size = Math.max(Math.abs(low), Math.abs(high));
    const room = size < tiny ? 1 : size / 2;
    [low, high] = [from ?? low - room, to ?? high + room];
  }
  const step = roundStep((high - low) / tickCount);
  // A bound that was not asked for moves out to the next tick.
  if (from === undefined) low = Math.floor(low / step + 1e-9) * step;
  if (to === undefined) high = Math.ceil(high / step - 1e-9) * step;
  if (possible) {
    low = Math.max(low, Math.min(possible[0], smallest(values, low)));
    high = Math.min(high, Math.max(possible[1], largest(values, high)));
  }
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.max(0, Math.floor(high / step + 1e-9) - first + 1);
  const ticks = Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  const [start, end] = range;
  return { at: (value) => start + ((value - low) / (high - low)) * (end - start), ticks };
}

const tiny = 1e-12;

/** True where two bounds are one value but for rounding. */
function isPoint(low: number, high: number): boolean {
  const size = Math.max(Math.abs(low), Math.abs(high));
  return high - low <= 1e-9 * size || size < tiny;
}

/** A linear scale without the room between the lowest values and all others; undefined where that room is small. */
function brokenScale(values: readonly number[], options: ScaleOptions): Scale | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const jumps = sorted.slice(1).map((value, i) => value - (sorted[i] as number));
  const jump = largest(jumps, 0);
  const cut = 1 + jumps.indexOf(jump);
  const [lowest = 0, highest = 0] = [sorted[0], sorted[cut - 1]];
  const [low = 0, high = 0] = [sorted[cut], sorted.at(-1)];
  const span = high - low;
  if (isPoint(low, high) || jump < 1.5 * span) return undefined;
  if (2 * cut > sorted.length - cut || highest - lowest > span / 8) return undefined;
  // An eighth of the upper part at most, so at its slope what lies below has room on both sides of its place.
  const [start, end] = options.range;
  const [foot, gap, begin] = [0.08, 0.17, 0.2].map((share) => start + share * (end - start)) as [
    number,
    number,
    number,
  ];
  const upper = linearScale(sorted.slice(cut), { ...options, range: [begin, end] });
  const slope = (upper.at(high) - upper.at(low)) / span;
  const middle = (lowest + highest) / 2;
  const at = (value: number): number => (value <= highest ? foot + (value - middle) * slope : upper.at(value));
  return { at, ticks: [middle, ...upper.ticks], gap };
}

function logScale(values: readonly number[], { from, to, range, tickCount = 5 }: ScaleOptions): Scale {
  const positive = values.filter((value) => value > 0);
  let low = Math.log10(from ?? smallest(positive, 1));
  let high = Math.log10(to ?? largest(positive, 10));
  if (from === undefined) low -= (high - low || 1) * 0.04;
  if (to === undefined) high += (high - low || 1) * 0.04;
  // One value, or a few that are close, would have no number beside them.
  const isBare = !holdsRound(low, high);
  if (isBare && from === undefined) low = Math.floor(low);
  if (isBare && to === undefined) high = Math.ceil(high);
  const hasZero = positive.length < values.length;
  const [start, end] = range;
  const begin = hasZero ? start + (end - start) * 0.12 : start;
  const zero = start + (end - start) * 0.03;
  const at = (value: number): number =>
    value > 0 ? begin + ((Math.log10(value) - low) / (high - low)) * (end - begin) : zero;
  // Powers of ten; between few of them also 2 and 5, among many only every second or third.
  const few = high - low < tickCount / 2 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil((high - low) / (tickCount + 1)));
  const ticks: number[] = hasZero ? [0] : [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
    if (power % every !== 0) continue;
    ticks.push(...few.map((digit) => digit * 10 ** power).filter((tick) => isBetween(Math.log10(tick), low, high)));
  }
  return { at, ticks, gap: hasZero ? start + (end - start) * 0.075 : undefined };
}

/** True where 1, 2 or 5 times a power of ten lies between two logarithms. */
const holdsRound = (low: number, high: number): boolean =>
  [1, 2, 5].map(Math.log10).some((digit) => Math.floor(high - digit + 1e-9) >= low - digit - 1e-9);

const isBetween = (value: number, low: number, high: number): boolean => value >= low - 1e-9 && value <= high + 1e-9;

/** The next larger of 1, 2, 2.5, 5 times a power of ten. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * ([1, 2, 2.5, 5, 10].find((digit) => step <= digit * power * (1 + 1e-9)) ?? 10);
}

const smallest = (values: readonly number[], none: number): number =>
  values.length === 0 ? none : values.reduce((a, b) => Math.min(a, b));
const largest = (values: readonly number[], none: number): number =>
  values.length === 0 ? none : values.reduce((a, b) => Math.max(a, b));
