/** The groups of VTAB, in the order of its tables. */
export const vtabGroups = ["natural", "specialized", "structured"] as const;

/** A group of VTAB. */
export type VtabGroup = (typeof vtabGroups)[number];

/**
 * How the originals are divided before the thousand images are drawn: `official`, as they come; `cut-90` and `cut-80`, a
 * tenth or a fifth of their training images is val; `60-20-20` and `80-10-10`, all images together; `val-is-test`, as
 * `cut-90`, and their validation images are the test; `half-of-test`, half of their test images is val.
 */
export type Division = "official" | "cut-90" | "cut-80" | "60-20-20" | "80-10-10" | "val-is-test" | "half-of-test";

/** A task of VTAB-1k. */
export interface VtabTask {
  /** Name of its folder in the usual layout. */
  readonly name: string;
  readonly group: VtabGroup;
  /** Another name that some layouts give it. */
  readonly alias?: string;
  readonly classes: number;
  readonly testImages: number;
  /** Folder of its originals, where two tasks share them. */
  readonly source?: string;
  readonly division: Division;
}

/**
 * The nineteen tasks of VTAB-1k in the order of its tables. The usual layout is
 * `<task>/{train800,val200,train800val200,test}.txt` with lines `images/test/000000.jpg 3`.
 * @see Zhai et al., A Large-scale Study of Representation Learning with the Visual Task Adaptation Benchmark, 2020
 * @see https://github.com/google-research/task_adaptation (task_adaptation/data: divisions and label rules)
 */
export const vtabTasks: readonly VtabTask[] = [
  { name: "cifar", alias: "cifar100", group: "natural", classes: 100, testImages: 10_000, division: "cut-90" },
  { name: "caltech101", group: "natural", classes: 102, testImages: 6_084, division: "cut-90" },
  { name: "dtd", group: "natural", classes: 47, testImages: 1_880, division: "official" },
  { name: "oxford_flowers102", group: "natural", classes: 102, testImages: 6_149, division: "official" },
  {
    name: "oxford_iiit_pet",
    alias: "oxford_pet",
    group: "natural",
    classes: 37,
    testImages: 3_669,
    division: "cut-80",
  },
  { name: "svhn", group: "natural", classes: 10, testImages: 26_032, division: "cut-90" },
  { name: "sun397", group: "natural", classes: 397, testImages: 21_750, division: "official" },
  { name: "patch_camelyon", group: "specialized", classes: 2, testImages: 32_768, division: "official" },
  { name: "eurosat", group: "specialized", classes: 10, testImages: 5_400, division: "60-20-20" },
  { name: "resisc45", group: "specialized", classes: 45, testImages: 6_300, division: "60-20-20" },
  { name: "diabetic_retinopathy", group: "specialized", classes: 5, testImages: 42_670, division: "official" },
  {
    name: "clevr_count",
    group: "structured",
    classes: 8,
    testImages: 15_000,
    source: "clevr",
    division: "val-is-test",
  },
  { name: "clevr_dist", group: "structured", classes: 6, testImages: 15_000, source: "clevr", division: "val-is-test" },
  { name: "dmlab", group: "structured", classes: 6, testImages: 22_735, division: "official" },
  { name: "kitti", group: "structured", classes: 4, testImages: 711, division: "official" },
  {
    name: "dsprites_loc",
    group: "structured",
    classes: 16,
    testImages: 73_728,
    source: "dsprites",
    division: "80-10-10",
  },
  {
    name: "dsprites_ori",
    group: "structured",
    classes: 16,
    testImages: 73_728,
    source: "dsprites",
    division: "80-10-10",
  },
  {
    name: "smallnorb_azi",
    group: "structured",
    classes: 18,
    testImages: 12_150,
    source: "smallnorb",
    division: "half-of-test",
  },
  {
    name: "smallnorb_ele",
    group: "structured",
    classes: 9,
    testImages: 12_150,
    source: "smallnorb",
    division: "half-of-test",
  },
];

/** The task of a folder's name, by its usual name or its other one; undefined where VTAB has none of that name. */
export const vtabTaskOf = (folder: string): VtabTask | undefined =>
  vtabTasks.find(({ name, alias }) => name === folder || alias === folder);
