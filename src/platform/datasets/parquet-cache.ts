import process from "node:process";

/** Encoded images of one group of rows. */
export type Group = readonly (Uint8Array | undefined)[];

/** Groups of rows, kept up to a number of bytes; the one not used for longest goes first. */
export class GroupCache {
  readonly #groups = new Map<string, { readonly bytes: number; readonly group: Promise<Group> }>();
  #bytesLeft: number;

  /** @param bytes default a quarter of the free memory */
  constructor(readonly bytes = Math.floor(process.availableMemory() / 4)) {
    this.#bytesLeft = bytes;
  }

  has(key: string): boolean {
    return this.#groups.has(key);
  }

  /** True where so many bytes can be kept without letting others go. */
  fits(bytes: number): boolean {
    return bytes <= this.#bytesLeft;
  }

  /**
   * The group, which is read where it is not kept.
   * @param bytes what it takes; one group is always kept, however large
   */
  get(key: string, bytes: number, read: () => Promise<Group>): Promise<Group> {
    const kept = this.#groups.get(key);
    // A map gives its keys in the order in which they were set: the first is the one not used for longest.
    this.#groups.delete(key);
    const entry = kept ?? { bytes, group: read() };
    if (!kept) {
      this.#bytesLeft -= bytes;
      entry.group.catch(() => this.#drop(key));
    }
    for (const other of this.#groups.keys()) if (this.#bytesLeft < 0) this.#drop(other);
    this.#groups.set(key, entry);
    return entry.group;
  }

  #drop(key: string): void {
    this.#bytesLeft += this.#groups.get(key)?.bytes ?? 0;
    this.#groups.delete(key);
  }
}
