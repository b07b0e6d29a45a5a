/** How a task's classes come from what its originals say. */
export interface LabelRule {
  /** The rule in words. */
  readonly text: string;
  /** What the classes are called. */
  readonly classes: readonly string[];
  /** Columns of parquet copies that hold a number for each image, and the class that it means. */
  readonly columns: Readonly<Record<string, (value: number) => number>>;
}

/** Place of the last threshold that lies below the value, −1 where none does: of 0, 8, 20 and the value 8 it is 0. */
export const binOf = (value: number, thresholds: readonly number[]): number =>
  thresholds.reduce((bin, threshold, i) => (threshold < value ? i : bin), -1);

/** Neighbouring values put together: `floor(value / (from / to))`, which makes `to` classes of `from` values. */
export const coarsen = (value: number, from: number, to: number): number => Math.floor(value / (from / to));

const clevrDepths = [0, 8, 8.5, 9, 9.5, 10, 100] as const;
const kittiDepths = [-100, 8, 20, 999] as const;
/** The depth that stands for a picture without any vehicle. */
const noVehicle = 1000;
const vehicles: ReadonlySet<string> = new Set(["Car", "Van", "Truck"]);

/** The class of a CLEVR scene with so many objects, 3 to 10: `count − 3`. */
export const clevrCount = (objects: number): number => objects - 3;

/** The class of a CLEVR scene whose objects have these depths (the third of `pixel_coords`): the bin of the nearest. */
export const clevrDistance = (depths: readonly number[]): number => binOf(Math.min(...depths), clevrDepths);

/** An object that a KITTI label names, and its depth z in metres in front of the camera. */
export interface KittiObject {
  readonly type: string;
  readonly z: number;
}

/** The class of a KITTI picture: the bin of the nearest car, van or truck; the last where there is none. */
export const kittiDistance = (objects: readonly KittiObject[]): number =>
  binOf(Math.min(noVehicle, ...objects.flatMap(({ type, z }) => (vehicles.has(type) ? [z] : []))), kittiDepths);

/** The class of a dSprite by its horizontal place, 0 to 31. */
export const dspritesLocation = (x: number): number => coarsen(x, 32, 16);

/** The class of a dSprite by its orientation, 0 to 39. */
export const dspritesOrientation = (orientation: number): number => coarsen(orientation, 40, 16);

/** The class of a small NORB picture by the azimuth that its file gives: 0, 2, …, 34. */
export const smallnorbAzimuth = (azimuth: number): number => azimuth / 2;

const same = (value: number): number => value;
const numbered = (count: number, name: (i: number) => string): readonly string[] =>
  Array.from({ length: count }, (_, i) => name(i));
const between = (thresholds: readonly number[], unit: string): readonly string[] =>
  thresholds.slice(1).map((upper, i) => `above ${thresholds[i]} to ${upper}${unit}`);

/**
 * The rules of those tasks whose classes are not the labels of their originals, by the task's name.
 * @see https://github.com/google-research/task_adaptation (task_adaptation/data/{clevr,kitti,dsprites,smallnorb}.py)
 */
export const labelRules: Readonly<Record<string, LabelRule>> = {
  clevr_count: {
    text: "number of objects less 3",
    classes: numbered(8, (i) => `${i + 3} objects`),
    columns: {},
  },
  clevr_dist: {
    text: `depth of the nearest object, above ${clevrDepths.join(", ")}`,
    classes: between(clevrDepths, ""),
    columns: {},
  },
  kitti: {
    text: `depth of the nearest car, van or truck, above ${kittiDepths.join(", ")}; ${noVehicle} where there is none`,
    classes: [...between(kittiDepths, " m"), "no vehicle"],
    columns: {},
  },
  dsprites_loc: {
    text: "horizontal place, 32 in 16 classes",
    classes: numbered(16, (i) => `x ${2 * i} to ${2 * i + 1}`),
    columns: { label_x_position: dspritesLocation },
  },
  dsprites_ori: {
    text: "orientation, 40 in 16 classes: the index divided by 2.5, without the rest",
    classes: numbered(16, (i) => `orientation ${Math.ceil(2.5 * i)} to ${Math.ceil(2.5 * (i + 1)) - 1}`),
    columns: { label_orientation: dspritesOrientation },
  },
  smallnorb_azi: {
    text: "azimuth in steps of 20 degrees",
    classes: numbered(18, (i) => `${20 * i} degrees around`),
    columns: { label_azimuth: same, azimuth: smallnorbAzimuth },
  },
  smallnorb_ele: {
    text: "elevation in steps of 5 degrees",
    classes: numbered(9, (i) => `${30 + 5 * i} degrees up`),
    columns: { label_elevation: same, elevation: same },
  },
};
