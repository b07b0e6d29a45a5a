import { type Architecture, isHead, parametersOf } from "./architecture.js";
import type { Weights } from "./checkpoint.js";

/** An incremental SHA-256, passed in so that this runs anywhere. */
export interface Digest {
  update(bytes: Uint8Array): void | Promise<void>;
  /** The hash of all bytes so far, hexadecimal. */
  finish(): string | Promise<string>;
}

/**
 * The hash that tells a backbone from every other: SHA-256 over name, shape and little-endian float32 bytes of its
 * tensors in canonical order, so the same in whatever format and under whatever names the network is stored. The head
 * is left out: it belongs to a task, and an adapter replaces it.
 */
export async function hashBackbone(architecture: Architecture, weights: Weights, sha256: Digest): Promise<string> {
  const text = new TextEncoder();
  for (const { name, shape } of parametersOf(architecture)) {
    const data = isHead(name) ? undefined : weights.get(name)?.data;
    if (!data) continue;
    await sha256.update(text.encode(`${name} [${shape.join(",")}]\n`));
    await sha256.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return sha256.finish();
}
