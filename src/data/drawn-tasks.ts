import {
  type Canvas,
  type Color,
  cover,
  ellipse,
  type Figure,
  paint,
  rectangle,
  triangle,
  turned,
} from "./drawn-canvas.js";
import type { Stream } from "./random.js";

/** A classification task whose pictures are drawn. */
export interface DrawnTask {
  readonly classes: readonly string[];
  /** Draws a picture of the class; the scene depends on the stream alone, not on the number of pixels. */
  draw(canvas: Canvas, random: Stream, label: number): void;
}

/** A number drawn uniformly from a range. */
const between = (random: Stream, from: number, to: number): number => from + (to - from) * random.uniform();

const pick = <T>(random: Stream, items: readonly [T, ...T[]]): T => items[random.integer(items.length)] ?? items[0];

const lerp = (from: number, to: number, share: number): number => from + share * (to - from);

const mix = (a: Color, b: Color, share: number): Color => [
  lerp(a[0], b[0], share),
  lerp(a[1], b[1], share),
  lerp(a[2], b[2], share),
];

const dullColor = (random: Stream): Color => [
  between(random, 60, 180),
  between(random, 60, 180),
  between(random, 60, 180),
];

/** Clear colours, none of which can be missed on a dull ground. */
const clearColors: readonly [Color, ...Color[]] = [
  [235, 40, 40],
  [30, 80, 235],
  [20, 200, 60],
  [250, 215, 30],
  [235, 50, 225],
  [25, 225, 235],
  [250, 250, 250],
  [12, 12, 16],
];

/** Covers the canvas with dull colours at 4 × 4 places and smooth passages between them. */
function coverDull(canvas: Canvas, random: Stream): void {
  const base = dullColor(random);
  const corners = Array.from({ length: 16 }, () => mix(base, dullColor(random), 0.45));
  const smooth = (t: number): number => t * t * (3 - 2 * t);
  cover(canvas, (x, y, channel) => {
    const [i, j] = [Math.min(2, Math.floor(y * 3)), Math.min(2, Math.floor(x * 3))];
    const at = (row: number, column: number): number => (corners[4 * row + column] ?? base)[channel] as number;
    const across = smooth(x * 3 - j);
    const [above, below] = [lerp(at(i, j), at(i, j + 1), across), lerp(at(i + 1, j), at(i + 1, j + 1), across)];
    return lerp(above, below, smooth(y * 3 - i));
  });
}

/** Scatters what does not matter: six strokes, a hundredth of the side wide, and ten specks, all in dull colours. */
function clutter(canvas: Canvas, random: Stream): void {
  const place = (): readonly [number, number] => [random.uniform(), random.uniform()];
  for (let i = 0; i < 6; i++) {
    const stroke = rectangle(...place(), between(random, 0.06, 0.2), 0.006);
    paint(canvas, turned(stroke, random.uniform()), dullColor(random), 0.8);
  }
  for (let i = 0; i < 10; i++) {
    const radius = between(random, 0.008, 0.018);
    paint(canvas, ellipse(...place(), radius, radius), dullColor(random), 0.8);
  }
}

const ground = (canvas: Canvas, random: Stream): void => {
  coverDull(canvas, random);
  clutter(canvas, random);
};

/** A disc, square or triangle of about the same area. */
const shapes: readonly [(x: number, y: number, size: number) => Figure, ...((...a: number[]) => Figure)[]] = [
  (x, y, size) => ellipse(x, y, size, size),
  (x, y, size) => rectangle(x, y, 0.88 * size, 0.88 * size),
  (x, y, size) => triangle(x, y, 1.4 * size),
];

const paintShape = (canvas: Canvas, random: Stream, x: number, y: number, size: number): void =>
  paint(canvas, turned(pick(random, shapes)(x, y, size), random.uniform()), pick(random, clearColors));

/** How many shapes there are, one to six, which do not touch. */
const count: DrawnTask = {
  classes: ["1", "2", "3", "4", "5", "6"],
  draw(canvas, random, label) {
    ground(canvas, random);
    const sizes = Array.from({ length: label + 1 }, () => between(random, 0.055, 0.085));
    let placed: { readonly x: number; readonly y: number; readonly size: number }[] = [];
    for (let tries = 0; placed.length < sizes.length; tries++) {
      // A picture that has become too full to go on starts again.
      if (tries % 100 === 99) placed = [];
      const size = sizes[placed.length] as number;
      const [x, y] = [between(random, 0.12, 0.88), between(random, 0.12, 0.88)];
      const isFree = placed.every((p) => {
        const apart = 1.4 * (size + p.size) + 0.01;
        return (p.x - x) * (p.x - x) + (p.y - y) * (p.y - y) > apart * apart;
      });
      if (isFree) placed.push({ x, y, size });
    }
    for (const { x, y, size } of placed) paintShape(canvas, random, x, y, size);
  },
};

/** In which of eight columns the middle of the only shape lies. */
const xPosition: DrawnTask = {
  classes: Array.from({ length: 8 }, (_, k) => `column ${k + 1}`),
  draw(canvas, random, label) {
    ground(canvas, random);
    const x = 0.1 + (0.8 * (label + between(random, 0.15, 0.85))) / 8;
    paintShape(canvas, random, x, between(random, 0.12, 0.88), between(random, 0.065, 0.1));
  },
};

/** How a bar or an ellipse lies, in eight steps of half a turn, clockwise from level; it strays by 0.3 of a step. */
const orientation: DrawnTask = {
  classes: ["0°", "22.5°", "45°", "67.5°", "90°", "112.5°", "135°", "157.5°"],
  draw(canvas, random, label) {
    ground(canvas, random);
    const form = pick(random, [ellipse, rectangle]);
    const middle = (): number => between(random, 0.38, 0.62);
    const figure = form(middle(), middle(), between(random, 0.24, 0.33), between(random, 0.05, 0.075));
    paint(canvas, turned(figure, (label + between(random, -0.3, 0.3)) / 16), pick(random, clearColors));
  },
};

/** How many times as far each class of distance is as the one before. */
const distanceRatio = 1.35;

/**
 * How far away the nearest of one to four balls and posts is, in six steps with gaps between them, each 1.35 times as
 * far as the one before. All stand on level ground below a horizon at about a third of the height: at distance `d` an
 * object is `0.34 / d` high (give or take 8 %), and its foot lies `0.56 / d` below the horizon.
 */
const distance: DrawnTask = {
  classes: ["1", "1.35", "1.8", "2.5", "3.3", "4.5"].map((far) => `from ${far}`),
  draw(canvas, random, label) {
    const horizon = between(random, 0.32, 0.38);
    const [sky, floor] = [dullColor(random), dullColor(random)];
    const [haze, far] = [mix(sky, [255, 255, 255], 0.35), mix(floor, sky, 0.35)];
    cover(canvas, (_, y, channel) => {
      const [from, to] = y < horizon ? [haze, sky] : [far, floor];
      const share = y < horizon ? (horizon - y) / horizon : (y - horizon) / (1 - horizon);
      return lerp(from[channel] as number, to[channel] as number, share);
    });
    clutter(canvas, random);
    let nearest = between(random, 1.05, 1.28);
    for (let k = 0; k < label; k++) nearest *= distanceRatio;
    const others = Array.from({ length: random.integer(4) }, () => nearest * between(random, 1.2, 2.5));
    for (const away of [nearest, ...others].sort((a, b) => b - a)) standing(canvas, random, horizon, away);
  },
};

/** Draws a ball or a post with its shadow. */
function standing(canvas: Canvas, random: Stream, horizon: number, away: number): void {
  const [x, foot] = [between(random, 0.2, 0.8), horizon + 0.56 / away];
  const size = (0.17 * between(random, 0.92, 1.08)) / away;
  const color = pick(random, clearColors);
  paint(canvas, ellipse(x + 0.4 * size, foot, 1.3 * size, 0.25 * size), [20, 20, 20], 0.5);
  if (random.integer(2) === 0) {
    paint(canvas, ellipse(x, foot - size, size, size), color);
    paint(canvas, ellipse(x - 0.3 * size, foot - 1.35 * size, 0.3 * size, 0.25 * size), [255, 255, 255], 0.5);
  } else {
    paint(canvas, rectangle(x, foot - size, 0.6 * size, size), color);
    paint(canvas, rectangle(x + 0.4 * size, foot - size, 0.2 * size, size), [20, 20, 20], 0.35);
  }
}

/**
 * The tasks by name. Their pictures, with lengths as fractions of the side:
 * - ground: dull colours (channels from 60 to 180) at 4 × 4 places with smooth passages; `distance` has sky and floor.
 * - clutter: six dull strokes 0.012 wide and 0.12 to 0.4 long, ten dull specks of radius 0.008 to 0.018.
 * - what counts: one of eight clear colours, edges smoothed by 4 × 4 samples per pixel. Shapes are discs, squares and
 *   triangles of radius 0.055 to 0.085 (`count`) or 0.065 to 0.1 (`x-position`), turned at random; bars and ellipses of
 *   `orientation` are 0.48 to 0.66 long and 0.1 to 0.15 wide.
 * - noise: uniform, up to 14 of 255, the same for the three channels of a pixel; added by `drawPicture`.
 */
export const drawnTasks: Readonly<Record<string, DrawnTask>> = {
  count,
  "x-position": xPosition,
  orientation,
  distance,
};
