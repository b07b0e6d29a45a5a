import { ConfigError } from "../../errors.js";

/** A model on a hub, and which state of it. */
export interface HubName {
  /** `owner/name`. */
  readonly repo: string;
  /** Branch, tag or commit; undefined for the hub's default. */
  readonly revision: string | undefined;
}

const pattern = /^(?<scheme>hf:)?(?<repo>[\w.-]{1,96}\/[\w.-]{1,96})(?:@(?<revision>.+))?$/;
const word = /^\w(?:[\w.-]*\w)?$/;

/**
 * The model that `owner/name`, `owner/name@revision` or `hf:owner/name@revision` means; undefined for anything else.
 * @throws ConfigError where `hf:` is followed by no such name, or the revision could be no branch, tag or commit
 * @see https://huggingface.co/docs/hub/repositories: owner and name are words of letters, digits, `-`, `_` and `.`
 */
export function parseHubName(text: string): HubName | undefined {
  const { repo, revision } = pattern.exec(text)?.groups ?? {};
  if (repo === undefined || !repo.split("/").every((part) => word.test(part)) || /--|\.\./.test(repo)) {
    if (!text.startsWith("hf:")) return undefined;
    throw new ConfigError(`${text}: expected hf:owner/name or hf:owner/name@revision. Check the name.`);
  }
  return { repo, revision: revision === undefined ? undefined : checkRevision(revision, text) };
}

/** The name under which exactly this state of a model is found again: `hf:owner/name@commit`. */
export const printHubName = (repo: string, commit: string): string => `hf:${repo}@${commit}`;

/** True for a name that means the hub whatever lies on this machine. */
export const isHubPlace = (text: string): boolean => text.startsWith("hf:");

/** True for a commit's full hash, which always means the same files. */
export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);

/**
 * The revision, if it could be one: it becomes part of an address and of a path.
 * @throws ConfigError where it could not
 */
export function checkRevision(revision: string, source: string): string {
  if (revision.length <= 200 && revision.split("/").every((part) => word.test(part) && !part.includes("..")))
    return revision;
  throw new ConfigError(
    `${source}: expected a branch, a tag or a commit as revision, got ${JSON.stringify(revision)}.`,
  );
}
