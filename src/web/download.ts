import { ConfigError } from "../errors.js";

/** Bytes at an address, or bytes that are there already. */
export type Download = string | URL | ArrayBuffer | Uint8Array | Blob;

/**
 * The bytes of a download, and what to call it in messages.
 * @throws ConfigError where the address gives none
 */
export async function download(
  from: Download,
  what: string,
): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }> {
  if (from instanceof Uint8Array) return { name: what, bytes: from.slice() };
  if (from instanceof ArrayBuffer) return { name: what, bytes: new Uint8Array(from) };
  if (from instanceof Blob) return { name: what, bytes: new Uint8Array(await from.arrayBuffer()) };
  const name = String(from);
  const response = await fetch(from).catch((cause: unknown) => {
    throw new ConfigError(
      `${name}: cannot be fetched. Check the address, and whether its server allows this page (CORS).`,
      {
        cause,
      },
    );
  });
  if (!response.ok) throw new ConfigError(`${name}: the server says ${response.status}. Check the address.`);
  return { name, bytes: new Uint8Array(await response.arrayBuffer()) };
}
