import { elementCount, type Shape } from "../graph/tensor.js";
import type { Arrangement } from "./layout.js";
import type { NamingScheme, Place } from "./naming.js";

type Arrange = NonNullable<Place["arrangement"]>;
type Rule = readonly [pattern: RegExp, to: string, more: Omit<Place, "name">];

/**
 * One line of a table of names: the pattern of the whole name, in which `{i}` is a block's number and `{wb}` weight or
 * bias, and the canonical name, in which `$1`, `$2` stand for them.
 */
function rule(pattern: string, to: string, more: Omit<Place, "name"> = {}): Rule {
  const source = pattern.replaceAll(".", "\\.").replaceAll("{i}", "(\\d+)").replaceAll("{wb}", "(weight|bias)");
  return [new RegExp(`^${source}$`), to, more];
}

const placeBy =
  (rules: readonly Rule[]) =>
  (name: string): Place | undefined => {
    for (const [pattern, to, more] of rules) {
      if (pattern.test(name)) return { ...more, name: name.replace(pattern, to) };
    }
    return undefined;
  };

/** An arrangement for tensors of one number of axes; others stay, and their shapes are found wrong later. */
const ofRank =
  (rank: number, arrangement: (shape: Shape) => Arrangement): Arrange =>
  (shape) =>
    shape.length === rank ? arrangement(shape) : undefined;

/** `[width]` as a token, `[1, 1, width]` */
const asToken = ofRank(1, (shape) => ({ view: [1, 1, ...shape] }));
/** `[tokens, width]` as `[1, tokens, width]` */
const asPositions = ofRank(2, (shape) => ({ view: [1, ...shape] }));
/** `[in, out]` as `[out, in]` */
const transposed = ofRank(2, (shape) => ({ view: shape, perm: [1, 0] }));
/** `[in, heads, headWidth]` as `[out, in]` */
const splitOutputs = ofRank(3, ([inputs = 0, ...outputs]) => ({
  view: [inputs, elementCount(outputs)],
  perm: [1, 0],
}));
/** `[heads, headWidth, out]` as `[out, in]` */
const splitInputs = ofRank(3, (shape) => ({
  view: [elementCount(shape.slice(0, 2)), shape[2] as number],
  perm: [1, 0],
}));
/** `[height, width, in, out]` as `[out, in, height, width]` */
const channelsLast = ofRank(4, (shape) => ({ view: shape, perm: [3, 2, 0, 1] }));
/** Of whatever shape as one row of numbers. */
const flat: Arrange = (shape) => ({ view: [elementCount(shape)] });

/** Rules of q, k and v, which are parts of one map here. */
const three = (
  names: readonly string[],
  pattern: (name: string) => string,
  to: string,
  arrangement?: Arrange,
): Rule[] => names.map((name, part) => rule(pattern(name), to, { part, ...(arrangement && { arrangement }) }));

/** timm's names, which are the canonical ones, and those of DINO, DINOv2, DeiT and MAE, which took them up. */
const timm: NamingScheme = {
  name: "timm",
  mark: "patch_embed.proj.weight",
  unneeded: /^(mask_token$|decoder_|head\.(mlp|last_layer)\.|pre_logits\.)/,
  place: (name) => timmsOwn(name) ?? { name },
};
// DINOv2's registers, DeiT III's layer scale.
const timmsOwn = placeBy([
  rule("register_tokens", "reg_token"),
  rule("blocks.{i}.gamma_([12])", "blocks.$1.ls$2.gamma"),
]);

/** Hugging Face's names of ViT, DeiT, MAE and DINOv2, those before version 5 and those since. */
const block = "(?:encoder.)?layers?.{i}.";
const huggingFace: NamingScheme = {
  name: "Hugging Face",
  mark: "embeddings.patch_embeddings.projection.weight",
  unneeded: /^(pooler\.|embeddings\.mask_token$|decoder\.)/,
  eps: 1e-12,
  place: placeBy([
    rule("embeddings.cls_token", "cls_token"),
    rule("embeddings.distillation_token", "dist_token"),
    rule("embeddings.register_tokens", "reg_token"),
    rule("embeddings.position_embeddings", "pos_embed"),
    rule("embeddings.patch_embeddings.projection.{wb}", "patch_embed.proj.$1"),
    rule(`${block}(?:layernorm_before|norm1).{wb}`, "blocks.$1.norm1.$2"),
    rule(`${block}(?:layernorm_after|norm2).{wb}`, "blocks.$1.norm2.$2"),
    ...three(
      ["(?:query|q_proj)", "(?:key|k_proj)", "(?:value|v_proj)"],
      (name) => `${block}attention.(?:attention.)?${name}.{wb}`,
      "blocks.$1.attn.qkv.$2",
    ),
    rule(`${block}attention.(?:output.dense|o_proj).{wb}`, "blocks.$1.attn.proj.$2"),
    rule(`${block}(?:intermediate.dense|mlp.fc1).{wb}`, "blocks.$1.mlp.fc1.$2"),
    rule(`${block}(?:output.dense|mlp.fc2).{wb}`, "blocks.$1.mlp.fc2.$2"),
    rule(`${block}layer_scale([12]).lambda1`, "blocks.$1.ls$2.gamma"),
    rule("layernorm.{wb}", "norm.$1"),
    rule("(?:cls_)?classifier.{wb}", "head.$1"),
    rule("distillation_classifier.{wb}", "head_dist.$1"),
  ]),
};

/** Norms, activation and images of CLIP, in whatever names. */
const clip = { eps: 1e-5, activation: "quick-gelu", pretraining: "clip" } as const;

const clipHuggingFace: NamingScheme = {
  name: "Hugging Face's CLIP",
  mark: "embeddings.patch_embedding.weight",
  unneeded: /^(visual_projection\.|embeddings\.position_ids$)/,
  ...clip,
  place: placeBy([
    rule("embeddings.class_embedding", "cls_token", { arrangement: asToken }),
    rule("embeddings.patch_embedding.{wb}", "patch_embed.proj.$1"),
    rule("embeddings.position_embedding.weight", "pos_embed", { arrangement: asPositions }),
    rule("pre_layrnorm.{wb}", "norm_pre.$1"),
    rule("encoder.layers.{i}.layer_norm([12]).{wb}", "blocks.$1.norm$2.$3"),
    ...three(["q", "k", "v"], (name) => `encoder.layers.{i}.self_attn.${name}_proj.{wb}`, "blocks.$1.attn.qkv.$2"),
    rule("encoder.layers.{i}.self_attn.out_proj.{wb}", "blocks.$1.attn.proj.$2"),
    rule("encoder.layers.{i}.mlp.fc([12]).{wb}", "blocks.$1.mlp.fc$2.$3"),
    rule("post_layernorm.{wb}", "norm.$1"),
  ]),
};

const clipOpenAi: NamingScheme = {
  name: "OpenAI's CLIP",
  mark: "class_embedding",
  unneeded: /^proj$/,
  ...clip,
  place: placeBy([
    rule("class_embedding", "cls_token", { arrangement: asToken }),
    rule("conv1.{wb}", "patch_embed.proj.$1"),
    rule("positional_embedding", "pos_embed", { arrangement: asPositions }),
    rule("ln_pre.{wb}", "norm_pre.$1"),
    rule("transformer.resblocks.{i}.ln_([12]).{wb}", "blocks.$1.norm$2.$3"),
    rule("transformer.resblocks.{i}.attn.in_proj_{wb}", "blocks.$1.attn.qkv.$2"),
    rule("transformer.resblocks.{i}.attn.out_proj.{wb}", "blocks.$1.attn.proj.$2"),
    rule("transformer.resblocks.{i}.mlp.c_fc.{wb}", "blocks.$1.mlp.fc1.$2"),
    rule("transformer.resblocks.{i}.mlp.c_proj.{wb}", "blocks.$1.mlp.fc2.$2"),
    rule("ln_post.{wb}", "norm.$1"),
  ]),
};

/** Of vision_transformer, and of big_vision, where the numbers of a block's modules are others. */
const layer = "Transformer/encoderblock_{i}/";
const attention = `${layer}MultiHeadDotProductAttention_[01]/`;
const mlp = `${layer}MlpBlock_[03]/`;
const google: NamingScheme = {
  name: "Google's .npz",
  mark: "embedding/kernel",
  unneeded: /^pre_logits\//,
  heads: (shapes) => [...shapes].find(([name, { length }]) => name.endsWith("/query/kernel") && length === 3)?.[1][1],
  place: placeBy([
    rule("cls", "cls_token"),
    rule("(?:Transformer/posembed_input/)?pos_embedding", "pos_embed"),
    rule("embedding/kernel", "patch_embed.proj.weight", { arrangement: channelsLast }),
    rule("embedding/bias", "patch_embed.proj.bias"),
    rule(`${layer}LayerNorm_0/scale`, "blocks.$1.norm1.weight"),
    rule(`${layer}LayerNorm_0/bias`, "blocks.$1.norm1.bias"),
    rule(`${layer}LayerNorm_[12]/scale`, "blocks.$1.norm2.weight"),
    rule(`${layer}LayerNorm_[12]/bias`, "blocks.$1.norm2.bias"),
    ...three(["query", "key", "value"], (n) => `${attention}${n}/kernel`, "blocks.$1.attn.qkv.weight", splitOutputs),
    ...three(["query", "key", "value"], (n) => `${attention}${n}/bias`, "blocks.$1.attn.qkv.bias", flat),
    rule(`${attention}out/kernel`, "blocks.$1.attn.proj.weight", { arrangement: splitInputs }),
    rule(`${attention}out/bias`, "blocks.$1.attn.proj.bias"),
    rule(`${mlp}Dense_0/kernel`, "blocks.$1.mlp.fc1.weight", { arrangement: transposed }),
    rule(`${mlp}Dense_0/bias`, "blocks.$1.mlp.fc1.bias"),
    rule(`${mlp}Dense_1/kernel`, "blocks.$1.mlp.fc2.weight", { arrangement: transposed }),
    rule(`${mlp}Dense_1/bias`, "blocks.$1.mlp.fc2.bias"),
    rule("Transformer/encoder_norm/scale", "norm.weight"),
    rule("Transformer/encoder_norm/bias", "norm.bias"),
    rule("head/kernel", "head.weight", { arrangement: transposed }),
    rule("head/bias", "head.bias"),
  ]),
};

/** All schemes that are read; a further one is one more entry. */
export const namingSchemes: readonly NamingScheme[] = [timm, huggingFace, clipHuggingFace, clipOpenAi, google];
