"""Writes the golden files of this folder: LoRA and VeRA of HF PEFT on a tiny random HF ViT, in float64.

    python test/golden/methods/make.py

Needs torch 2.9.1, transformers 5.23.0, peft 0.21.2 and safetensors. The weights are stored under timm's names. Every
file's metadata has one key, `golden`: JSON with the versions, the seed, the command, and the settings.
"""

import json
from pathlib import Path

import peft
import torch
import transformers
from safetensors.torch import save_file
from transformers import ViTConfig, ViTForImageClassification

assert torch.__version__.split("+")[0] == "2.9.1" and transformers.__version__ == "5.23.0" and peft.__version__ == "0.21.2"
torch.set_num_threads(1)

FOLDER = Path(__file__).parent
MEAN, STD = [0.5, 0.4, 0.45], [0.5, 0.25, 0.3]
WIDTH, HIDDEN, DEPTH, HEADS, SIZE, PATCH, CLASSES = 24, 96, 2, 3, 32, 8, 5


def randn(generator, shape, std):
    """Normal numbers that float32 holds exactly, as float64."""
    return (torch.randn(*shape, generator=generator) * std).double()


def network(generator):
    """An HF ViT in float64 none of whose tensors is zero or one."""
    config = ViTConfig(
        hidden_size=WIDTH, intermediate_size=HIDDEN, num_hidden_layers=DEPTH, num_attention_heads=HEADS, image_size=SIZE,
        patch_size=PATCH, layer_norm_eps=1e-6, num_labels=CLASSES, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )
    model = ViTForImageClassification(config).double().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(randn(generator, parameter.shape, 0.3))
    return model


def timm_weights(model):
    """The network's tensors under timm's names; q, k and v as one."""
    w, out = {name: parameter.detach() for name, parameter in model.named_parameters()}, {}
    out["cls_token"], out["pos_embed"] = w["vit.embeddings.cls_token"], w["vit.embeddings.position_embeddings"]
    for kind in ("weight", "bias"):
        out[f"patch_embed.proj.{kind}"] = w[f"vit.embeddings.patch_embeddings.projection.{kind}"]
        out[f"norm.{kind}"], out[f"head.{kind}"] = w[f"vit.layernorm.{kind}"], w[f"classifier.{kind}"]
        for i in range(DEPTH):
            old, new = f"vit.layers.{i}", f"blocks.{i}"
            out[f"{new}.attn.qkv.{kind}"] = torch.cat([w[f"{old}.attention.{part}_proj.{kind}"] for part in "qkv"])
            out[f"{new}.attn.proj.{kind}"] = w[f"{old}.attention.o_proj.{kind}"]
            out[f"{new}.norm1.{kind}"] = w[f"{old}.layernorm_before.{kind}"]
            out[f"{new}.norm2.{kind}"] = w[f"{old}.layernorm_after.{kind}"]
            for fc in ("fc1", "fc2"):
                out[f"{new}.mlp.{fc}.{kind}"] = w[f"{old}.mlp.{fc}.{kind}"]
    return {name: value.float() for name, value in out.items()}


def golden(name, seed, config, targets, renamed, **settings):
    """Logits of the network that PEFT adapts, all adapter tensors random."""
    generator = torch.Generator().manual_seed(seed)
    model = network(generator)
    weights = timm_weights(model)
    pixels = torch.randint(0, 256, (3, SIZE, SIZE, 3), generator=generator, dtype=torch.uint8)
    x = (pixels.double() / 255 - torch.tensor(MEAN, dtype=torch.float64)) / torch.tensor(STD, dtype=torch.float64)
    adapted = peft.get_peft_model(model, config).double().eval()
    tensors = {**weights, "golden.pixels": pixels}
    modules = dict(q="attention.q_proj", v="attention.v_proj", proj="attention.o_proj", fc1="mlp.fc1", fc2="mlp.fc2")
    with torch.no_grad():
        for block in range(DEPTH):
            for target in targets:
                module = adapted.get_submodule(f"base_model.model.vit.layers.{block}.{modules[target]}")
                for ours, find in renamed.items():
                    parameter = find(module)
                    parameter.copy_(randn(generator, parameter.shape, 0.3))
                    tensors[f"{name}.blocks.{block}.{target}.{ours}"] = parameter.T.float() if parameter.ndim == 2 else parameter.float()
        for ours, buffers in (("down", "vera_A"), ("up", "vera_B")):
            if name == "vera":
                matrix = getattr(adapted.base_model, buffers)["default"]
                matrix.copy_(matrix.float())
                tensors[f"golden.{ours}"] = matrix.T.float()
        tensors["golden.logits"] = adapted(x.permute(0, 3, 1, 2)).logits
    header = dict(
        torch="2.9.1", transformers="5.23.0", peft="0.21.2", seed=seed, command="python test/golden/methods/make.py",
        mean=MEAN, std=STD, options=dict(targets=targets, **settings),
    )
    tensors = {key: value.detach().clone().contiguous() for key, value in tensors.items()}
    save_file(tensors, FOLDER / f"{name}.safetensors", {"golden": json.dumps(header, sort_keys=True)})


golden(
    "lora", 1, peft.LoraConfig(r=3, lora_alpha=6, target_modules=["q_proj", "v_proj", "o_proj", "fc1", "fc2"]),
    ["q", "v", "proj", "fc1", "fc2"],
    dict(down=lambda m: m.lora_A["default"].weight, up=lambda m: m.lora_B["default"].weight), rank=3, alpha=6,
)
golden(
    "vera", 2, peft.VeraConfig(r=7, target_modules=["q_proj", "v_proj"]), ["q", "v"],
    dict(inner=lambda m: m.vera_lambda_d["default"], outer=lambda m: m.vera_lambda_b["default"]), rank=7,
)
