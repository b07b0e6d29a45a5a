import { thousands } from "../counts.js";

/** A fraction in percent with a narrow space: `93.1 %`. @param digits behind the point, default 1 */
export const percent = (fraction: number, digits = 1): string =>
  Number.isFinite(fraction) ? `${(100 * fraction).toFixed(digits)}\u202f%` : "–";

/** A fraction in percent with as many digits as it needs: `93 %`, `0.5 %`. */
export const shortPercent = (fraction: number): string =>
  percent(fraction, Math.abs(100 * fraction - Math.round(100 * fraction)) < 1e-9 ? 0 : 1);

/** A small share in percent with digits enough to tell it from nothing: `0.0428 %`, `2.31 %`, `100 %`. */
export const sharePercent = (fraction: number): string =>
  fraction === 0 || fraction === 1
    ? percent(fraction, 0)
    : percent(fraction, fraction < 0.01 ? 4 : fraction < 0.1 ? 2 : 1);

/** Seconds in words: `42 s`, `3 min 5 s`, `2 h 14 min`. */
export function seconds(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const whole = Math.round(value);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours > 0) return `${thousands(hours)} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${rest} s` : value < 10 ? `${value.toFixed(1)} s` : `${whole} s`;
}

/** A number with up to four significant digits: `0.0312`, `12.5`, `1.2e-5`. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) {
    return value
      .toExponential(3)
      .replace(/\.?0+e/, "e")
      .replace("e+", "e");
  }
  return size >= 1e4 ? thousands(value) : String(Number(value.toPrecision(4)));
}

/** A number as short as an axis needs it: `20k`, `1.5M`, `0.02`. */
export function tickNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${Number((value / 1e9).toPrecision(4))}G`;
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(4))}k`;
  return size !== 0 && size < 1e-4
    ? value.toExponential().replace(/^(-?\d\.\d{2})\d*/, "$1")
    : String(Number(value.toPrecision(6)));
}
