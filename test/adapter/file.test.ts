import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accountOf, printAccount } from "../../src/adapter/account.js";
import { type Adapter, decodeAdapter, encodeAdapter } from "../../src/adapter/file.js";
import { FormatError } from "../../src/errors.js";
import { tensor } from "../../src/graph/tensor.js";
import { architectureOf, parameterCount } from "../../src/vit/architecture.js";
import { bytesSource, encodeSafetensors } from "../../src/vit/safetensors.js";

const vector = (...values: number[]) => tensor("float32", [values.length], Float32Array.from(values));
const adapter: Adapter = {
  method: "sas",
  options: { rank: 2, form: "low-rank", sites: ["attn", "mlp"] },
  backbone: { name: "vit_tiny_patch16_224", hash: "abc", architecture: architectureOf("vit_tiny_patch16_224") },
  contract: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  transform: "decode|resize(96,bicubic)",
  classes: ["cat", "dog\u001b[31m", "7"],
  account: accountOf(2352, 0, 5_524_416, 579),
  tensors: { "head.weight": vector(1, 2, 3), "sas.attn.down": vector(4), "7": vector(5) },
};
const bytesOf = (value: Adapter) => Buffer.concat(encodeAdapter(value));
const decode = (bytes: Uint8Array) => decodeAdapter(bytesSource("a.safetensors", bytes));
const header = (more: Record<string, string>) =>
  encodeSafetensors({
    metadata: { format: "sas-petl-adapter", version: "1", adapter: "{}", ...more },
    tensors: new Map(),
  });

describe("an adapter file", () => {
  it("comes back as it was", async () => {
    expect(await decode(bytesOf(adapter))).toEqual(adapter);
  });

  it("has bytes that depend on nothing but the contents", () => {
    const { tensors, ...rest } = adapter;
    const turned = {
      ...Object.fromEntries(Object.entries(rest).reverse()),
      tensors: Object.fromEntries(Object.entries(tensors).reverse()),
    };
    expect(bytesOf(turned as Adapter).equals(bytesOf(adapter))).toBe(true);
  });

  it.each([
    [{ format: "other" }, "no adapter of sas-petl"],
    [{ version: "2" }, "expected an adapter of version 1, got"],
    [{ adapter: "{" }, "no JSON"],
    [{ adapter: "{}" }, "method"],
    [{ more: "x" }, "unknown metadata"],
  ])("is refused with %j", async (more, message) => {
    await expect(decode(header(more))).rejects.toThrow(FormatError);
    await expect(decode(header(more))).rejects.toThrow(message);
  });

  it("is refused where it is cut or changed, never with another error", async () => {
    const bytes = bytesOf(adapter);
    for (let length = 0; length < bytes.length; length += 11) {
      await expect(decode(bytes.subarray(0, length))).rejects.toThrow(FormatError);
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), async (at, value) => {
        const changed = Uint8Array.from(bytes);
        changed[at] = value;
        await decode(changed).catch((error) => expect(error).toBeInstanceOf(FormatError));
      }),
    );
  });
});

describe("the account", () => {
  it("of default SaS on ViT-B/16 is the published one", () => {
    const backbone = parameterCount(architectureOf("vit_base_patch16_224"));
    const account = accountOf(37_056, 0, backbone, 7690);
    expect(account.total).toBe(85_835_712);
    expect(printAccount(account)).toBe(
      "trainable params: 37,056 || all params: 85,835,712 || trainable%: 0.0432 || head params: 7,690",
    );
  });

  it("of full counts nothing twice", () => {
    expect(accountOf(0, 100, 100, 5)).toEqual({ trainable: 100, head: 5, total: 100, share: 1 });
  });
});
