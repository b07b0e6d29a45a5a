/** SHA-256 of bytes, hexadecimal; the same in a page and in Node. @see FIPS 180-4 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  // Memory that threads share is not taken by the digest.
  const own = bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : Uint8Array.from(bytes);
  const hash = await globalThis.crypto.subtle.digest("SHA-256", own);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
