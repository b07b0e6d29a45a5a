import type { Account } from "../adapter/account.js";

/** What goes with an exported network, whatever its format. */
export interface Description {
  readonly base: {
    readonly name: string;
    /** Of the backbone's tensors under canonical names. */
    readonly hash: string;
  };
  /** Undefined for a backbone with its own head. */
  readonly adapter?:
    | {
        readonly method: string;
        readonly options: Readonly<Record<string, unknown>>;
        /** SHA-256 of the adapter's file. */
        readonly hash: string;
        readonly isMerged: boolean;
        readonly account: Account;
      }
    | undefined;
  /** Names of the classes, in the head's order. */
  readonly classes: readonly string[];
  /** Per channel, of pixels scaled to [0, 1]. */
  readonly contract: { readonly mean: readonly number[]; readonly std: readonly number[] };
  readonly imageSize: readonly [height: number, width: number];
  /** What happens to an image before the network sees it. */
  readonly transform: string;
}
