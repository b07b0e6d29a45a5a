/** The groups of VTAB, in the order of its tables. */
export const vtabGroups = ["natural", "specialized", "structured"] as const;

/** A group of VTAB. */
export type VtabGroup = (typeof vtabGroups)[number];

/** A task of VTAB-1k. */
export interface VtabTask {
  /** Name of its folder in the usual layout. */
  readonly name: string;
  readonly group: VtabGroup;
  /** Another name that some layouts give it. */
  readonly alias?: string;
  readonly classes: number;
  readonly testImages: number;
}

/**
 * The nineteen tasks of VTAB-1k in the order of its tables. The usual layout is
 * `<task>/{train800,val200,train800val200,test}.txt` with lines `images/test/000000.jpg 3`.
 * @see Zhai et al., A Large-scale Study of Representation Learning with the Visual Task Adaptation Benchmark, 2020
 */
export const vtabTasks: readonly VtabTask[] = [
  { name: "cifar", alias: "cifar100", group: "natural", classes: 100, testImages: 10_000 },
  { name: "caltech101", group: "natural", classes: 102, testImages: 6_084 },
  { name: "dtd", group: "natural", classes: 47, testImages: 1_880 },
  { name: "oxford_flowers102", group: "natural", classes: 102, testImages: 6_149 },
  { name: "oxford_iiit_pet", alias: "oxford_pet", group: "natural", classes: 37, testImages: 3_669 },
  { name: "svhn", group: "natural", classes: 10, testImages: 26_032 },
  { name: "sun397", group: "natural", classes: 397, testImages: 21_750 },
  { name: "patch_camelyon", group: "specialized", classes: 2, testImages: 32_768 },
  { name: "eurosat", group: "specialized", classes: 10, testImages: 5_400 },
  { name: "resisc45", group: "specialized", classes: 45, testImages: 6_300 },
  { name: "diabetic_retinopathy", group: "specialized", classes: 5, testImages: 42_670 },
  { name: "clevr_count", group: "structured", classes: 8, testImages: 15_000 },
  { name: "clevr_dist", group: "structured", classes: 6, testImages: 15_000 },
  { name: "dmlab", group: "structured", classes: 6, testImages: 22_735 },
  { name: "kitti", group: "structured", classes: 4, testImages: 711 },
  { name: "dsprites_loc", group: "structured", classes: 16, testImages: 73_728 },
  { name: "dsprites_ori", group: "structured", classes: 16, testImages: 73_728 },
  { name: "smallnorb_azi", group: "structured", classes: 18, testImages: 12_150 },
  { name: "smallnorb_ele", group: "structured", classes: 9, testImages: 12_150 },
];

/** The task of a folder's name, by its usual name or its other one; undefined where VTAB has none of that name. */
export const vtabTaskOf = (folder: string): VtabTask | undefined =>
  vtabTasks.find(({ name, alias }) => name === folder || alias === folder);

/** Group of a task in a table: VTAB's, or `other` for a task that is none of VTAB's. */
export const groupOf = (task: string): VtabGroup | "other" => vtabTaskOf(task)?.group ?? "other";

/**
 * True where a data set has the sizes of VTAB-1k's own sample; any other sample of the same images is another task,
 * whose figures say nothing beside published ones.
 */
export const isOfficialSample = (
  task: string,
  classes: number,
  images: { readonly train: number; readonly val: number; readonly test: number },
): boolean => {
  const known = vtabTaskOf(task);
  const { train, val, test } = images;
  return known !== undefined && classes === known.classes && train + val === 1000 && test === known.testImages;
};
