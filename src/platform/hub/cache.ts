import { copyFile, readdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { codeOf, explainFailure, makeFolder, writeAtomically } from "../files.js";
import type { HubFile } from "./listing.js";
import { isCommit } from "./name.js";
import type { HubSettings } from "./settings.js";

/**
 * One model in the cache that all programs of this user share.
 * @see https://huggingface.co/docs/huggingface_hub/guides/manage-cache: blobs, snapshots, refs, .no_exist, .locks
 */
export interface HubCache {
  /** The folder with the files of a commit, under their names. */
  snapshot(commit: string): string;
  /** The commit that a branch or tag meant when it was last looked up. */
  readRef(revision: string): Promise<string | undefined>;
  writeRef(revision: string, commit: string): Promise<void>;
  /** Names of the files of a commit that are there. */
  names(commit: string): Promise<readonly string[]>;
  /** True where the file is there in its full size. */
  holds(commit: string, file: HubFile): Promise<boolean>;
  /** Remembers that a commit has no such file. */
  markAbsent(commit: string, name: string): Promise<void>;
  isAbsent(commit: string, name: string): Promise<boolean>;
  /** Where a file's content is gathered; it is there for whoever goes on with it. */
  partial(file: HubFile): Promise<string>;
  /** True where the content came with another commit already; then it has its name in this one too. */
  adopt(commit: string, file: HubFile): Promise<boolean>;
  /** Puts a gathered content in its place. */
  place(commit: string, file: HubFile): Promise<void>;
  /** The folder to lock while files come. */
  lockPlace(): Promise<string>;
}

/** The cache of one model. */
export function openHubCache({ cache, links }: Pick<HubSettings, "cache" | "links">, repo: string): HubCache {
  const own = `models--${repo.replace("/", "--")}`;
  const folder = join(cache, own);
  const snapshot = (commit: string): string => join(folder, "snapshots", commit);
  const blob = ({ digest }: HubFile): string => join(folder, "blobs", digest);
  const refOf = (revision: string): string => join(folder, "refs", ...revision.split("/"));
  const absentOf = (commit: string, name: string): string => join(folder, ".no_exist", commit, name);
  // Python's own partial files have other names: the two may download at once.
  const partialOf = (file: HubFile): string => `${blob(file)}.sas-petl.incomplete`;

  /** Gives a blob its name in a snapshot: a link, or where there are none the file itself. */
  async function point(commit: string, file: HubFile, isNew: boolean): Promise<void> {
    const pointer = join(snapshot(commit), file.name);
    await makeFolder(dirname(pointer));
    try {
      await rm(pointer, { force: true });
      if (links && (await link(join("..", "..", "blobs", file.digest), pointer))) return;
      if (isNew) return await rename(blob(file), pointer);
      await copyFile(blob(file), `${pointer}.${process.pid}.tmp`);
      await rename(`${pointer}.${process.pid}.tmp`, pointer);
    } catch (error) {
      throw explainFailure(error, pointer, "write");
    }
  }

  return {
    snapshot,
    async readRef(revision) {
      const commit = (await readFile(refOf(revision), "utf8").catch(() => "")).trim();
      return isCommit(commit) ? commit : undefined;
    },
    async writeRef(revision, commit) {
      if (revision === commit || (await readFile(refOf(revision), "utf8").catch(() => "")) === commit) return;
      await makeFolder(dirname(refOf(revision)));
      await writeAtomically(refOf(revision), commit);
    },
    async names(commit) {
      const names = await readdir(snapshot(commit)).catch(() => []);
      const sizes = await Promise.all(names.map((name) => sizeOf(join(snapshot(commit), name))));
      return names.filter((_, i) => sizes[i] !== undefined);
    },
    holds: async (commit, file) => (await sizeOf(join(snapshot(commit), file.name))) === file.size,
    async markAbsent(commit, name) {
      await makeFolder(dirname(absentOf(commit, name)));
      await writeAtomically(absentOf(commit, name), "");
    },
    isAbsent: async (commit, name) => (await sizeOf(absentOf(commit, name))) !== undefined,
    async partial(file) {
      await makeFolder(join(folder, "blobs"));
      return partialOf(file);
    },
    async adopt(commit, file) {
      if ((await sizeOf(blob(file))) !== file.size) return false;
      await point(commit, file, false);
      return true;
    },
    async place(commit, file) {
      await rename(partialOf(file), blob(file)).catch((error) => {
        throw explainFailure(error, blob(file), "write");
      });
      await point(commit, file, true);
    },
    async lockPlace() {
      const place = join(cache, ".locks", own);
      await makeFolder(place);
      return place;
    },
  };
}

/** The size of a file, through links; undefined where there is none. */
const sizeOf = async (path: string): Promise<number | undefined> => {
  const facts = await stat(path).catch(() => undefined);
  return facts?.isFile() ? facts.size : undefined;
};

/** Makes a link; false where the system or its rights do not allow any. */
async function link(target: string, path: string): Promise<boolean> {
  try {
    await symlink(target, path);
    return true;
  } catch (error) {
    if (["EPERM", "EACCES", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EINVAL", "UNKNOWN"].includes(codeOf(error)))
      return false;
    throw error;
  }
}
