"""Writes the golden files of this folder: LoRA adapters of HF PEFT on a tiny random HF ViT, as PEFT saves them.

    python test/golden/export/make.py

Needs torch 2.9.1, transformers 5.23.0, peft 0.21.2 and safetensors. `network.safetensors` holds the network under timm's
names, pixels, and the logits with each adapter; its metadata has one key, `golden`: JSON with the versions, the seed, the
command, the network's state-dict names in HF and the settings. `<name>.json` and `<name>.safetensors` are PEFT's own
`adapter_config.json` and `adapter_model.safetensors`.
"""

import json
import shutil
import tempfile
from pathlib import Path

import peft
import torch
import transformers
from safetensors.torch import save_file

assert torch.__version__.split("+")[0] == "2.9.1" and transformers.__version__ == "5.23.0" and peft.__version__ == "0.21.2"
torch.set_num_threads(1)

FOLDER = Path(__file__).parent
SEED, MEAN, STD = 5, [0.5, 0.4, 0.45], [0.5, 0.25, 0.3]
WIDTH, HIDDEN, DEPTH, HEADS, SIZE, PATCH, CLASSES = 16, 32, 2, 2, 16, 8, 4
generator = torch.Generator().manual_seed(SEED)


def fill(parameters, std):
    """Normal numbers in every parameter."""
    with torch.no_grad():
        for parameter in parameters:
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * std)


def timm_weights(model):
    """The network's tensors under timm's names; q, k and v as one; without its head."""
    w, out = {name: parameter.detach() for name, parameter in model.named_parameters()}, {}
    out["cls_token"], out["pos_embed"] = w["vit.embeddings.cls_token"], w["vit.embeddings.position_embeddings"]
    for kind in ("weight", "bias"):
        out[f"patch_embed.proj.{kind}"] = w[f"vit.embeddings.patch_embeddings.projection.{kind}"]
        out[f"norm.{kind}"] = w[f"vit.layernorm.{kind}"]
        for i in range(DEPTH):
            old, new = f"vit.layers.{i}", f"blocks.{i}"
            out[f"{new}.attn.qkv.{kind}"] = torch.cat([w[f"{old}.attention.{part}_proj.{kind}"] for part in "qkv"])
            out[f"{new}.attn.proj.{kind}"] = w[f"{old}.attention.o_proj.{kind}"]
            out[f"{new}.norm1.{kind}"] = w[f"{old}.layernorm_before.{kind}"]
            out[f"{new}.norm2.{kind}"] = w[f"{old}.layernorm_after.{kind}"]
            for fc in ("fc1", "fc2"):
                out[f"{new}.mlp.{fc}.{kind}"] = w[f"{old}.mlp.{fc}.{kind}"]
    return {name: value.clone().contiguous() for name, value in out.items()}


config = transformers.ViTConfig(
    hidden_size=WIDTH, intermediate_size=HIDDEN, num_hidden_layers=DEPTH, num_attention_heads=HEADS, image_size=SIZE,
    patch_size=PATCH, layer_norm_eps=1e-6, num_labels=CLASSES, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
)
network = transformers.ViTForImageClassification(config).eval()
fill(network.parameters(), 0.3)
frozen = {name: value.clone() for name, value in network.state_dict().items()}
pixels = torch.randint(0, 256, (3, SIZE, SIZE, 3), generator=generator, dtype=torch.uint8)
x = ((pixels.double() / 255 - torch.tensor(MEAN, dtype=torch.float64)) / torch.tensor(STD, dtype=torch.float64)).permute(0, 3, 1, 2)
tensors = {**timm_weights(network), "golden.pixels": pixels}


def adapter(name, **settings):
    """One adapter, all of its tensors random, as PEFT saves it; its logits in double precision."""
    base = transformers.ViTForImageClassification(config).eval()
    base.load_state_dict(frozen)
    adapted = peft.get_peft_model(base, peft.LoraConfig(modules_to_save=["classifier"], **settings)).eval()
    fill((p for n, p in adapted.named_parameters() if "lora_" in n or "modules_to_save" in n), 0.3)
    with tempfile.TemporaryDirectory() as folder:
        adapted.save_pretrained(folder)
        shutil.copy(Path(folder) / "adapter_model.safetensors", FOLDER / f"{name}.safetensors")
        stored = json.loads((Path(folder) / "adapter_config.json").read_text())
    for key in ("target_modules", "modules_to_save"):
        if isinstance(stored[key], list):
            stored[key].sort()
    (FOLDER / f"{name}.json").write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n")
    with torch.no_grad():
        tensors[f"golden.{name}"] = adapted.double()(x).logits.clone()


adapter("lora", r=3, lora_alpha=6, target_modules=["q_proj", "v_proj"])
adapter(
    "lora-patterns", r=2, lora_alpha=3, use_rslora=True, target_modules=["q_proj", "k_proj", "o_proj", "fc1", "fc2"],
    rank_pattern={"fc1": 1, "layers.1.attention.q_proj": 4}, alpha_pattern={"fc1": 5},
)
adapter("dora", r=1, use_dora=True, target_modules=["q_proj"])
adapter("lora-bias", r=2, lora_alpha=3, lora_bias=True, target_modules=["q_proj", "o_proj", "fc1"])
header = dict(
    torch="2.9.1", transformers="5.23.0", peft="0.21.2", seed=SEED, command="python test/golden/export/make.py",
    names=sorted(frozen), mean=MEAN, std=STD,
    architecture=dict(width=WIDTH, hidden=HIDDEN, blocks=DEPTH, heads=HEADS, imageSize=[SIZE, SIZE], patchSize=PATCH),
)
save_file(tensors, FOLDER / "network.safetensors", {"golden": json.dumps(header, sort_keys=True)})
