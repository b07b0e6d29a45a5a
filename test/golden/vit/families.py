"""Writes the golden checkpoints of this folder's `families/`: tiny random networks of timm and transformers in every
clothing that is read, each with the features its own library computes from it in float64.

    python test/golden/vit/families.py

Needs torch 2.9.1, timm 1.0.31, transformers 5.23.0, numpy and safetensors. A family's folder holds the checkpoint as its
owners publish such; `families/<name>.safetensors` holds pixels, features and, where there is a head, logits, and in its
metadata, under `golden`, versions, seed and command. Families of one `group` are one network in several clothings.
"""

import json
import math
import re
import shutil
import tempfile
from collections import OrderedDict
from functools import partial
from pathlib import Path

import numpy as np
import timm
import torch
import transformers
from safetensors.torch import save_file
from timm.layers import LayerNorm
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import VisionTransformer, _convert_openai_clip
from transformers import (
    CLIPConfig, CLIPModel, CLIPVisionModelWithProjection, DeiTConfig, DeiTForImageClassificationWithTeacher, Dinov2Config,
    Dinov2ForImageClassification, Dinov2Model, Dinov2WithRegistersConfig, Dinov2WithRegistersModel, ViTConfig,
    ViTForImageClassification, ViTMAEConfig, ViTMAEForPreTraining, ViTModel,
)

assert torch.__version__.split("+")[0] == "2.9.1" and timm.__version__ == "1.0.31", "other versions, other numbers"
assert transformers.__version__ == "5.23.0", "other versions, other numbers"
torch.set_num_threads(1)

FOLDER = Path(__file__).parent / "families"
SIZES = dict(img_size=12, patch_size=4, embed_dim=8, depth=2, num_heads=2, mlp_ratio=2)
HF = dict(
    hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, image_size=12, patch_size=4,
    attn_implementation="sdpa",  # the eager form takes its softmax in float32
)
IMAGENET = dict(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
CLIP = dict(mean=[0.48145466, 0.4578275, 0.40821073], std=[0.26862954, 0.26130258, 0.27577711])
HALF = dict(mean=[0.5] * 3, std=[0.5] * 3)


def fill(model, seed):
    """Every parameter random, in numbers that float16 holds exactly, so that nothing is zero or one."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            small = parameter.ndim <= 1 or re.search("token|pos", name)
            std = 0.3 if small else 1.3 / math.sqrt(parameter[0].numel())
            value = torch.randn(parameter.shape, generator=generator) * std
            is_scale = re.search(r"norm\w*\.weight$|ln_\w+\.weight$|layrnorm\.weight$", name)
            parameter.copy_((value + (1 if is_scale else 0)).half())
    return model.double().eval()


def images(seed, mean, std):
    generator = torch.Generator().manual_seed(1000 + seed)
    pixels = torch.randint(0, 256, (2, 12, 12, 3), generator=generator, dtype=torch.uint8)
    x = (pixels.double() / 255 - torch.tensor(mean, dtype=torch.float64)) / torch.tensor(std, dtype=torch.float64)
    return pixels, x.permute(0, 3, 1, 2)


def state(model, dtype=torch.float32):
    return OrderedDict((k, v.to(dtype).contiguous() if v.is_floating_point() else v) for k, v in model.state_dict().items())


def write(name, seed, group, contract, weights, features, logits=None, config=None, preprocessor=None, file="model.safetensors", pixels=None):
    """One family: the checkpoint in a folder, what comes out of it beside the folder."""
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    if callable(weights):
        weights(folder / file)
    elif file.endswith(".safetensors"):
        save_file({k: v.contiguous().clone() for k, v in weights.items()}, folder / file)
    elif file.endswith(".npz"):
        np.savez(folder / file, **weights)
    else:
        torch.save(weights, folder / file)
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    if preprocessor is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=1) + "\n")
    header = dict(
        torch="2.9.1", timm="1.0.31", transformers="5.23.0", seed=seed, command="python test/golden/vit/families.py",
        file=file, group=group, contract=contract,
    )
    tensors = {"pixels": pixels, "features": features, **({} if logits is None else {"logits": logits})}
    tensors = {key: value.detach().contiguous() for key, value in tensors.items()}
    save_file(tensors, FOLDER / f"{name}.safetensors", {"golden": json.dumps(header, sort_keys=True)})


def timm_config(architecture, contract, classes, **args):
    return dict(
        architecture=architecture, num_classes=classes, num_features=8, global_pool="token",
        model_args={**SIZES, "num_classes": classes, **args},
        pretrained_cfg=dict(input_size=[3, 12, 12], interpolation="bicubic", crop_pct=0.9, crop_mode="center", **contract),
    )


def hf_config(model, **more):
    config = {k: v for k, v in model.config.to_dict().items() if v is not None}
    config.pop("transformers_version", None)
    return {**config, **more}


def preprocessor(contract, crop=False):
    base = dict(do_normalize=True, image_mean=contract["mean"], image_std=contract["std"], resample=3)
    if crop:
        return {**base, "do_center_crop": True, "size": {"shortest_edge": 16}, "crop_size": {"height": 12, "width": 12}}
    return {**base, "size": {"height": 12, "width": 12}}


def timm_run(model, x):
    with torch.no_grad():
        tokens = model.forward_features(x)
        return model.forward_head(tokens, pre_logits=True), model.forward_head(tokens)


def rename(tensors, rules):
    out = OrderedDict()
    for key, value in tensors.items():
        for pattern, to in rules:
            key = re.sub(pattern, to, key)
        out[key] = value
    return out


# Names of transformers before version 5.
OLD_VIT = [
    (r"\blayers\.(\d+)", r"encoder.layer.\1"), (r"attention\.q_proj", "attention.attention.query"),
    (r"attention\.k_proj", "attention.attention.key"), (r"attention\.v_proj", "attention.attention.value"),
    (r"attention\.o_proj", "attention.output.dense"), (r"(layer\.\d+)\.mlp\.fc1", r"\1.intermediate.dense"),
    (r"(layer\.\d+)\.mlp\.fc2", r"\1.output.dense"),
]
OLD_DINOV2 = [rule for rule in OLD_VIT[1:5]]


def hf_from_timm(tensors, prefix=""):
    """timm's tensors under transformers 5's names, to run one network in both."""
    out = OrderedDict()
    for key, value in tensors.items():
        if "attn.qkv" in key:
            block, kind = re.match(r"blocks\.(\d+)\.attn\.qkv\.(\w+)", key).groups()
            for letter, part in zip("qkv", value.chunk(3)):
                out[f"{prefix}layers.{block}.attention.{letter}_proj.{kind}"] = part
            continue
        for pattern, to in [
            (r"^blocks\.(\d+)\.attn\.proj", r"layers.\1.attention.o_proj"), (r"^blocks\.(\d+)\.norm1", r"layers.\1.layernorm_before"),
            (r"^blocks\.(\d+)\.norm2", r"layers.\1.layernorm_after"), (r"^blocks", "layers"), (r"^norm\.", "layernorm."),
            (r"^patch_embed\.proj", "embeddings.patch_embeddings.projection"), (r"^cls_token", "embeddings.cls_token"),
            (r"^dist_token", "embeddings.distillation_token"), (r"^pos_embed", "embeddings.position_embeddings"),
        ]:
            key = re.sub(pattern, to, key)
        out[key if key.startswith("head") else prefix + key] = value
    return rename(out, [(r"^head\.", "classifier.")])


def google(tensors, prefix="", big_vision=False, pre_logits=None):
    """timm's tensors as Google's code stores them."""
    out, heads = {}, 2
    attention, mlp, second = (0, 0, 1) if big_vision else (1, 3, 2)
    t = {k: v.numpy().astype(np.float32) for k, v in tensors.items()}
    width = t["norm.weight"].shape[0]
    out["cls"] = t["cls_token"]
    out["pos_embedding" if big_vision else "Transformer/posembed_input/pos_embedding"] = t["pos_embed"]
    out["embedding/kernel"] = t["patch_embed.proj.weight"].transpose(2, 3, 1, 0)
    out["embedding/bias"] = t["patch_embed.proj.bias"]
    for i in range(2):
        b, a = f"blocks.{i}", f"Transformer/encoderblock_{i}"
        for norm, ours in ((0, "norm1"), (second, "norm2")):
            out[f"{a}/LayerNorm_{norm}/scale"], out[f"{a}/LayerNorm_{norm}/bias"] = t[f"{b}.{ours}.weight"], t[f"{b}.{ours}.bias"]
        mha = f"{a}/MultiHeadDotProductAttention_{attention}"
        for n, w, c in zip(("query", "key", "value"), np.split(t[f"{b}.attn.qkv.weight"], 3), np.split(t[f"{b}.attn.qkv.bias"], 3)):
            out[f"{mha}/{n}/kernel"], out[f"{mha}/{n}/bias"] = w.T.reshape(width, heads, -1), c.reshape(heads, -1)
        out[f"{mha}/out/kernel"], out[f"{mha}/out/bias"] = t[f"{b}.attn.proj.weight"].T.reshape(heads, -1, width), t[f"{b}.attn.proj.bias"]
        for j in (0, 1):
            dense = f"{a}/MlpBlock_{mlp}/Dense_{j}"
            out[f"{dense}/kernel"], out[f"{dense}/bias"] = t[f"{b}.mlp.fc{j + 1}.weight"].T, t[f"{b}.mlp.fc{j + 1}.bias"]
    out["Transformer/encoder_norm/scale"], out["Transformer/encoder_norm/bias"] = t["norm.weight"], t["norm.bias"]
    out["head/kernel"], out["head/bias"] = t["head.weight"].T, t["head.bias"]
    if pre_logits is not None:
        out["pre_logits/kernel"], out["pre_logits/bias"] = pre_logits, pre_logits[0]
    return {prefix + key: np.ascontiguousarray(value) for key, value in out.items()}


def supervised():
    seed, group = 1, "vit"
    model = fill(VisionTransformer(num_classes=5, **SIZES), seed)
    pixels, x = images(seed, **HALF)
    features, logits = timm_run(model, x)
    base = state(model)
    common = dict(seed=seed, group=group, contract=HALF, pixels=pixels)
    config = timm_config("vit_base_patch16_224", HALF, 5)
    write("timm-vit", weights=base, features=features, logits=logits, config=config, **common)
    write("timm-vit-f16", weights=state(model, torch.float16), features=features, logits=logits, config=config, **common)
    nested = {"model": OrderedDict(("module." + k, v) for k, v in base.items()), "epoch": 3}
    write("timm-vit-pth", weights=nested, features=features, logits=logits, config=config, file="checkpoint.pth", **common)

    def sharded(path):
        names = sorted(base)
        for i, part in enumerate((names[::2], names[1::2])):
            save_file({k: base[k] for k in part}, path.parent / f"model-0000{i + 1}-of-00002.safetensors")
        files = {k: f"model-0000{1 + j % 2}-of-00002.safetensors" for j, k in enumerate(names)}
        path.write_text(json.dumps(dict(metadata=dict(total_size=0), weight_map=files), indent=1) + "\n")

    write("timm-vit-sharded", weights=sharded, features=features, logits=logits, config=config, file="model.safetensors.index.json", **common)

    # Google's archives: their names are checked by timm's own reader.
    variants = {
        "google-augreg": google(base),
        "google-original": google(base, pre_logits=np.full((8, 8), 0.5, np.float32)),
        "google-opt-target": google(base, prefix="opt/target/"),
        "google-big-vision": google(base, prefix="params/", big_vision=True),
    }
    for name, arrays in variants.items():
        has_head = name != "google-original"
        path = Path(tempfile.mkdtemp()) / "weights.npz"
        np.savez(path, **arrays)
        again = VisionTransformer(num_classes=5, **SIZES).eval()
        again.load_pretrained(str(path))
        out, scores = timm_run(again.double(), x)
        assert torch.equal(out, features)
        write(name, weights=arrays, features=out, logits=scores if has_head else None, file="B_16.npz", **common)

    config = ViTConfig(**HF, num_labels=5)
    hf = ViTForImageClassification(config).double().eval()
    hf.load_state_dict(hf_from_timm(base, "vit."))
    with torch.no_grad():
        features, logits = hf.vit(x).last_hidden_state[:, 0], hf(x).logits
    labels = dict(id2label={str(i): name for i, name in enumerate(["owl", "cat", "fox", "bee", "cod"])})
    hf_common = dict(features=features, logits=logits, preprocessor=preprocessor(HALF), **common)
    new = hf_config(hf, **labels)
    write("hf-vit-v5", weights=state(hf), config=new, **hf_common)
    write("hf-vit-v4", weights=rename(state(hf), OLD_VIT), config=new, **hf_common)
    write("hf-vit-bin", weights=rename(state(hf), OLD_VIT), config=new, file="pytorch_model.bin", **hf_common)
    plain = ViTModel(ViTConfig(**HF)).double().eval()
    plain.load_state_dict({k[4:]: v for k, v in hf.state_dict().items() if k.startswith("vit.")}, strict=False)
    write(
        "hf-vit-model", weights=rename(state(plain), OLD_VIT), config=hf_config(plain), preprocessor=preprocessor(HALF),
        features=features, **common,
    )


def bare():
    """No bias in the QKV map; the tanh form of GELU."""
    seed = 2
    config = ViTConfig(**HF, qkv_bias=False, hidden_act="gelu_pytorch_tanh")
    model = fill(ViTModel(config, add_pooling_layer=False), seed)
    pixels, x = images(seed, **HALF)
    with torch.no_grad():
        features = model(x).last_hidden_state[:, 0]
    write("hf-vit-bare", seed, "bare", HALF, state(model), features, config=hf_config(model), preprocessor=preprocessor(HALF), pixels=pixels)


def clip():
    seed, group = 3, "clip"
    vision = {**{k: v for k, v in HF.items() if k != "attn_implementation"}, "projection_dim": 6}
    text = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, vocab_size=11, max_position_embeddings=5, projection_dim=6)
    whole = fill(CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=6, attn_implementation="sdpa")), seed)
    pixels, x = images(seed, **CLIP)
    with torch.no_grad():
        features = whole.vision_model(pixel_values=x).pooler_output
    common = dict(seed=seed, group=group, contract=CLIP, pixels=pixels, features=features)
    tower = {k.removeprefix("vision_model."): v for k, v in state(whole).items() if k.startswith("vision_model.")}
    weights = state(whole)
    weights["vision_model.embeddings.position_ids"] = torch.arange(10)[None]
    write("hf-clip", weights=weights, config=hf_config(whole), preprocessor=preprocessor(CLIP, crop=True), **common)
    projected = CLIPVisionModelWithProjection(whole.config.vision_config).double().eval()
    projected.load_state_dict({f"vision_model.{k}": v.double() for k, v in tower.items()} | {"visual_projection.weight": whole.visual_projection.weight}, strict=False)
    with torch.no_grad():
        logits = projected(x).image_embeds
    write("hf-clip-vision", weights=state(projected), config=hf_config(projected), preprocessor=preprocessor(CLIP, crop=True), **common)

    openai = OrderedDict()
    for key, value in tower.items():
        split = re.match(r"encoder\.layers\.(\d+)\.self_attn\.([qkv])_proj\.(\w+)", key)
        if split:
            block, letter, kind = split.groups()
            name = f"visual.transformer.resblocks.{block}.attn.in_proj_{kind}"
            parts = openai.setdefault(name, [None] * 3)
            parts["qkv".index(letter)] = value
            continue
        for pattern, to in [
            (r"^embeddings\.class_embedding", "class_embedding"), (r"^embeddings\.patch_embedding", "conv1"),
            (r"^embeddings\.position_embedding\.weight", "positional_embedding"), (r"^pre_layrnorm", "ln_pre"), (r"^post_layernorm", "ln_post"),
            (r"^encoder\.layers\.", "transformer.resblocks."), (r"self_attn\.out_proj", "attn.out_proj"), (r"layer_norm", "ln_"),
            (r"mlp\.fc1", "mlp.c_fc"), (r"mlp\.fc2", "mlp.c_proj"),
        ]:
            key = re.sub(pattern, to, key)
        openai[f"visual.{key}"] = value
    openai = OrderedDict((k, torch.cat(v) if isinstance(v, list) else v) for k, v in openai.items())
    openai["visual.proj"] = whole.visual_projection.weight.float().T.contiguous()
    outside = {"positional_embedding": torch.zeros(5, 8), "token_embedding.weight": torch.zeros(11, 8), "logit_scale": torch.tensor(4.6)}
    outside |= {"text_projection": torch.zeros(8, 6), "ln_final.weight": torch.ones(8), "transformer.resblocks.0.ln_1.weight": torch.ones(8)}
    # OpenAI's file does not say how many heads there are, which are 64 numbers wide in all of theirs.
    config = dict(architecture="vit_tiny_openai", model_args=dict(num_heads=2))
    write("openai-clip", weights=OrderedDict(outside) | openai, config=config, file="clip.pt", **common)

    norm = partial(LayerNorm, eps=1e-5)
    model = VisionTransformer(num_classes=6, pre_norm=True, act_layer="quick_gelu", norm_layer=norm, **SIZES).double().eval()
    model.load_state_dict(_convert_openai_clip({k: v.double() for k, v in openai.items()}, model))
    out, scores = timm_run(model, x)
    assert torch.allclose(out, features, rtol=1e-9, atol=1e-9) and torch.allclose(scores, logits, rtol=1e-9, atol=1e-9)
    config = timm_config("vit_base_patch16_clip_quickgelu_224", CLIP, 6)
    write("timm-clip", seed, group, CLIP, state(model), out, scores, config=config, pixels=pixels)


def self_supervised():
    seed = 4
    model = fill(VisionTransformer(num_classes=0, **SIZES), seed)
    pixels, x = images(seed, **IMAGENET)
    features, _ = timm_run(model, x)
    base = state(model)
    heads = dict(model_args=dict(num_heads=2))
    common = dict(contract=IMAGENET, features=features, pixels=pixels)
    write("dino", seed, "dino", weights=base, config=heads, file="dino_tiny_pretrain.pth", **common)
    full = OrderedDict((f"backbone.{k}", v) for k, v in base.items())
    full |= {"head.mlp.0.weight": torch.zeros(4, 8), "head.last_layer.weight_g": torch.ones(3, 1)}
    write("dino-full", seed, "dino", weights={"student": {}, "teacher": full, "epoch": 3}, config=heads, file="dino_checkpoint.pth", **common)

    decoder = {"mask_token": torch.zeros(1, 1, 4), "decoder_pos_embed": torch.zeros(1, 10, 4), "decoder_blocks.0.norm1.weight": torch.ones(4)}
    write("mae", seed, "dino", weights={"model": base | decoder}, config=heads, file="mae_pretrain_vit.pth", **common)
    config = ViTMAEConfig(**HF, decoder_num_attention_heads=2, decoder_hidden_size=4, decoder_num_hidden_layers=1, decoder_intermediate_size=8, mask_ratio=0.0)
    hf = ViTMAEForPreTraining(config).double().eval()
    missing = hf.load_state_dict({k: v.double() for k, v in hf_from_timm(base, "vit.").items()}, strict=False)
    assert all(k.startswith("decoder") for k in missing.missing_keys) and not missing.unexpected_keys, missing
    with torch.no_grad():
        # Nothing is masked, but the patches are shuffled, which the class token does not see.
        features = hf.vit(x).last_hidden_state[:, 0]
    write("hf-mae", seed, "dino", IMAGENET, rename(state(hf), OLD_VIT), features, config=hf_config(hf), preprocessor=preprocessor(IMAGENET), pixels=pixels)


def deit():
    seed = 5
    model = fill(VisionTransformerDistilled(num_classes=5, **SIZES), seed)
    pixels, x = images(seed, **IMAGENET)
    features, _ = timm_run(model, x)
    base = state(model)
    common = dict(contract=IMAGENET, pixels=pixels)
    write("deit-distilled", seed, "distilled", weights={"model": base}, features=features, config=dict(model_args=dict(num_heads=2)), file="deit_tiny_distilled.pth", **common)
    write("timm-deit-distilled", seed, "distilled", weights=base, features=features, config=timm_config("deit_base_distilled_patch16_224", IMAGENET, 5), **common)
    hf = DeiTForImageClassificationWithTeacher(DeiTConfig(**HF, num_labels=5)).double().eval()
    names = rename(hf_from_timm({k: v.double() for k, v in base.items()}, "deit."), [("^classifier", "cls_classifier"), ("^head_dist", "distillation_classifier")])
    hf.load_state_dict(names, strict=False)
    with torch.no_grad():
        features = hf.deit(x).last_hidden_state[:, :2].mean(1)
    write("hf-deit-distilled", seed, "distilled", weights=rename(state(hf), OLD_VIT), features=features, config=hf_config(hf), preprocessor=preprocessor(IMAGENET, crop=True), **common)

    seed = 6
    model = fill(VisionTransformer(num_classes=5, **SIZES), seed)
    pixels, x = images(seed, **IMAGENET)
    features, logits = timm_run(model, x)
    write("deit", seed, "deit", IMAGENET, {"model": state(model)}, features, logits, config=dict(model_args=dict(num_heads=2)), file="deit_tiny.pth", pixels=pixels)

    seed = 7
    model = fill(VisionTransformer(num_classes=5, no_embed_class=True, init_values=1e-6, **SIZES), seed)
    features, logits = timm_run(model, x)
    weights = rename(state(model), [(r"ls([12])\.gamma", r"gamma_\1")])
    write("deit3", seed, "deit3", IMAGENET, {"model": weights}, features, logits, config=dict(model_args=dict(num_heads=2)), file="deit_3_tiny.pth", pixels=pixels)


def dinov2():
    for seed, registers in ((8, 0), (9, 4)):
        group = "dinov2-registers" if registers else "dinov2"
        config = (Dinov2WithRegistersConfig if registers else Dinov2Config)(
            **{k: v for k, v in HF.items() if k != "intermediate_size"}, mlp_ratio=2,
            **(dict(num_register_tokens=registers) if registers else {}), num_labels=5,
        )
        hf = fill((Dinov2WithRegistersModel if registers else Dinov2Model)(config), seed)
        pixels, x = images(seed, **IMAGENET)
        with torch.no_grad():
            features = hf(x).last_hidden_state[:, 0]
        common = dict(contract=IMAGENET, pixels=pixels)
        hf_common = dict(features=features, config=hf_config(hf), preprocessor=preprocessor(IMAGENET, crop=True), **common)
        write(f"hf-{group}-v5", seed, group, weights=state(hf), **hf_common)
        write(f"hf-{group}-v4", seed, group, weights=rename(state(hf), OLD_DINOV2), **hf_common)
        if not registers:
            classifier = Dinov2ForImageClassification(config).double().eval()
            classifier.dinov2.load_state_dict(hf.state_dict())
            write("hf-dinov2-head", seed, group, weights=rename(state(classifier), OLD_DINOV2), **hf_common)

        own, parts = OrderedDict(), {}
        for key, value in state(hf).items():
            split = re.match(r"encoder\.layer\.(\d+)\.attention\.([qkv])_proj\.(\w+)", key)
            if split:
                block, letter, kind = split.groups()
                parts.setdefault(f"blocks.{block}.attn.qkv.{kind}", {})[letter] = value
                continue
            for pattern, to in [
                (r"^embeddings\.patch_embeddings\.projection", "patch_embed.proj"), (r"^embeddings\.position_embeddings", "pos_embed"),
                (r"^embeddings\.", ""), (r"^encoder\.layer\.", "blocks."), (r"attention\.o_proj", "attn.proj"),
                (r"layer_scale(\d)\.lambda1", r"ls\1.gamma"), (r"^layernorm", "norm"),
            ]:
                key = re.sub(pattern, to, key)
            own[key] = value
        own |= {name: torch.cat([three[letter] for letter in "qkv"]) for name, three in parts.items()}
        write(group, seed, group, weights=own, features=features, config=dict(model_args=dict(num_heads=2)), file=f"{group}_pretrain.pth", **common)

        extra = dict(reg_tokens=registers, no_embed_class=True) if registers else {}
        model = VisionTransformer(num_classes=0, init_values=1e-5, **extra, **SIZES)
        model.load_state_dict(timm.models.vision_transformer.checkpoint_filter_fn(dict(own), model))
        weights = state(model)
        out, _ = timm_run(model.double().eval(), x)
        assert torch.allclose(out, features, rtol=1e-5, atol=1e-5)
        config = timm_config("vit_small_patch14_reg4_dinov2" if registers else "vit_small_patch14_dinov2", IMAGENET, 0, **extra)
        write(f"timm-{group}", seed, group, weights=weights, features=out, config=config, **common)


def views():
    """Tensors that share a storage, seen from different sides, in every float type that is read."""
    base = torch.arange(12.0).reshape(3, 4)
    tensors = OrderedDict(
        plain=base, turned=base.T, rows=base[1:], column=base[:, 2], cube=torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1),
        half=torch.nn.Parameter(base.half()), brain=base.bfloat16(), double=base.double(), number=torch.tensor(7), empty=torch.zeros(0, 3),
    )
    torch.save({"epoch": 1, "lr": 0.5, "state_dict": tensors, "history": [1, (2, None), True]}, FOLDER.parent / "views.pth")


if FOLDER.exists():
    shutil.rmtree(FOLDER)
supervised()
bare()
clip()
self_supervised()
deit()
dinov2()
views()
