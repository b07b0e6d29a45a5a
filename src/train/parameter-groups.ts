import type { MethodParameter } from "../methods/method.js";

/**
 * True for what `matrices` leaves without weight decay: tensors of one axis (biases, norms), class token and positions.
 * @see timm `optim/_param_groups.py`, `param_groups_weight_decay`, and `VisionTransformer.no_weight_decay`
 */
export const isUndecayed = ({ name, shape }: MethodParameter): boolean =>
  shape.length <= 1 || name.endsWith(".bias") || /(^|\.)(pos_embed|cls_token|reg_token|dist_token)$/.test(name);

/**
 * The layer of a parameter, by its name: 0 for patches, positions, tokens and their norm, `i + 1` for block `i` (from 0),
 * undefined for what belongs to no layer: the last norm, the head, tensors that all blocks share.
 */
export function layerOf(name: string): number | undefined {
  if (/(^|\.)(pos_embed|patch_embed|cls_token|reg_token|dist_token|norm_pre)(\.|$)/.test(name)) return 0;
  const block = /(?:^|\.)(?:blocks|prompts)\.(\d+)(?:\.|$)/.exec(name)?.[1];
  return block === undefined ? undefined : Number(block) + 1;
}

/**
 * The factor of a parameter's learning rate: `decay^(L + 1 − layer)` in a network of `L` blocks, 1 for what belongs to no layer.
 * @see Clark et al., ELECTRA, 2020, section 3.1; the layers are those of Bao et al., BEiT, 2022 (`get_num_layer_for_vit`)
 */
export function layerRate(name: string, blocks: number, decay: number): number {
  const layer = layerOf(name);
  return layer === undefined ? 1 : decay ** (blocks + 1 - layer);
}
