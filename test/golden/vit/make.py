"""Writes the golden files of this folder: tiny random timm networks in float64, and whole SaS trainings of one.

    python test/golden/vit/make.py

Needs torch 2.9.1, timm 1.0.31 and safetensors. Every file's metadata has one key, `golden`: JSON with the versions, the
seed, the command, and the settings. Weights are float32 and were widened before use, so both sides start from the same
numbers; results are float64.
"""

import json
import math
from functools import partial
from pathlib import Path

import timm
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from timm.layers import LayerNorm, resample_abs_pos_embed
from timm.models.vision_transformer import VisionTransformer

assert torch.__version__.split("+")[0] == "2.9.1" and timm.__version__ == "1.0.31", "other versions, other numbers"
torch.set_num_threads(1)

FOLDER = Path(__file__).parent
MEAN, STD = [0.5, 0.4, 0.45], [0.5, 0.25, 0.3]
ARGS = dict(img_size=[32, 32], patch_size=8, embed_dim=24, depth=2, num_heads=3, qkv_bias=True)


def write(name, tensors, seed, **settings):
    header = dict(torch="2.9.1", timm="1.0.31", seed=seed, command="python test/golden/vit/make.py", **settings)
    tensors = {key: value.detach().contiguous() for key, value in tensors.items()}
    save_file(tensors, FOLDER / f"{name}.safetensors", {"golden": json.dumps(header, sort_keys=True)})


def randn(generator, *shape, std=1.0):
    """Normal numbers that float32 holds exactly, as float64."""
    return (torch.randn(*shape, generator=generator) * std).double()


def network(generator, classes=5, eps=1e-6, **changes):
    """A timm network in float64 in which nothing is zero or one: every weight, bias and scale is random."""
    args = {**ARGS, **changes}
    norm = partial(LayerNorm, eps=eps)
    model = VisionTransformer(num_classes=classes, norm_layer=norm, **args).double().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            std = 0.3 if parameter.ndim == 1 or name in ("cls_token", "pos_embed") else 1.3 / math.sqrt(parameter[0].numel())
            value = randn(generator, *parameter.shape, std=std)
            parameter.copy_((value + (1 if "norm" in name and name.endswith("weight") else 0)).float())
    args["mlp_ratio"] = 4.0
    args.pop("dynamic_img_size", None)
    config = dict(
        architecture="vit_golden",
        num_classes=classes,
        num_features=args["embed_dim"],
        global_pool=args.get("global_pool", "token"),
        layer_norm_eps=eps,
        model_args=args,
        pretrained_cfg=dict(
            input_size=[3, *args["img_size"]], interpolation="bicubic", crop_pct=1.0, crop_mode="center", mean=MEAN, std=STD
        ),
    )
    return model, config


def images(generator, count, height, width):
    """uint8 pixels `[count, height, width, 3]` and the same normalised, `[count, 3, height, width]` in float64."""
    pixels = torch.randint(0, 256, (count, height, width, 3), generator=generator, dtype=torch.uint8)
    x = (pixels.double() / 255 - torch.tensor(MEAN, dtype=torch.float64)) / torch.tensor(STD, dtype=torch.float64)
    return pixels, x.permute(0, 3, 1, 2)


def weights_of(model):
    return {name: parameter.float() for name, parameter in model.state_dict().items()}


def golden_network(name, seed, size=(32, 32), **changes):
    generator = torch.Generator().manual_seed(seed)
    resized = list(size) != changes.get("img_size", [32, 32])
    model, config = network(generator, **changes, **(dict(dynamic_img_size=True) if resized else {}))
    pixels, x = images(generator, 3, *size)
    with torch.no_grad():
        tokens = model.forward_features(x)
        features, logits = model.forward_head(tokens, pre_logits=True), model(x)
    tensors = {**weights_of(model), "golden.pixels": pixels, "golden.features": features, "golden.logits": logits}
    if resized:
        grid = [side // config["model_args"]["patch_size"] for side in size]
        positions = resample_abs_pos_embed(model.pos_embed, grid, num_prefix_tokens=model.num_prefix_tokens)
        tensors["golden.pos_embed"] = positions.float()
    write(name, tensors, seed, config=config, imageSize=list(size))


def golden_positions(seed):
    """Position embeddings resized as timm does it, but in float64 throughout."""
    generator, tensors = torch.Generator().manual_seed(seed), {}
    for old, new, prefix in [((4, 4), (6, 6), 1), ((4, 4), (4, 6), 0), ((7, 7), (3, 5), 1), ((2, 5), (9, 4), 0), ((14, 14), (6, 6), 1)]:
        case = f"{old[0]}x{old[1]}-{new[0]}x{new[1]}-{prefix}"
        before = randn(generator, 1, prefix + old[0] * old[1], 3)
        grid = before[:, prefix:].reshape(1, *old, 3).permute(0, 3, 1, 2)
        grid = F.interpolate(grid, size=new, mode="bicubic", antialias=True).permute(0, 2, 3, 1).reshape(1, -1, 3)
        after = torch.cat([before[:, :prefix], grid], dim=1)
        # timm works in float32: the same within its rounding.
        timms = resample_abs_pos_embed(before, list(new), list(old), num_prefix_tokens=prefix)
        assert torch.allclose(after, timms, atol=1e-5)
        tensors |= {f"{case}.before": before.float(), f"{case}.after": after}
    write("positions", tensors, seed)


# --- SaS, written down from its equations -----------------------------------------------------------------------------


def layer_norm(x, w, name, eps=1e-6):
    mean, variance = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, unbiased=False)
    return (x - mean) / torch.sqrt(variance + eps) * w[f"{name}.weight"] + w[f"{name}.bias"]


def linear(x, w, name):
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def gelu(x):
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


def forward(w, x, adapt=lambda site, block, x: x, heads=3, patch=8, depth=2):
    """Logits of a ViT with class token; `adapt` sees the inputs of the QKV map and of the first MLP map."""
    batch, channels, height, width = x.shape
    x = x.reshape(batch, channels, height // patch, patch, width // patch, patch).permute(0, 2, 4, 1, 3, 5)
    x = x.reshape(batch, -1, channels * patch * patch)
    x = x @ w["patch_embed.proj.weight"].flatten(1).T + w["patch_embed.proj.bias"]
    x = torch.cat([w["cls_token"].expand(batch, -1, -1), x], 1) + w["pos_embed"]
    for block in range(depth):
        name = f"blocks.{block}"
        y = adapt("attn", block, layer_norm(x, w, f"{name}.norm1"))
        q, k, v = linear(y, w, f"{name}.attn.qkv").reshape(batch, -1, 3, heads, x.shape[-1] // heads).permute(2, 0, 3, 1, 4)
        p = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), -1)
        x = x + linear((p @ v).transpose(1, 2).flatten(2), w, f"{name}.attn.proj")
        y = adapt("mlp", block, layer_norm(x, w, f"{name}.norm2"))
        x = x + linear(gelu(linear(y, w, f"{name}.mlp.fc1")), w, f"{name}.mlp.fc2")
    return linear(layer_norm(x[:, 0], w, "norm"), w, "head")


def sas(form, p, alpha):
    """x' = x + alpha/r S(x) + alpha/n P(x), with the parameters of P generated from the embedding of block and site."""

    def generate(z):
        if "sas.hyper.hidden.weight" in p:
            z = gelu(z @ p["sas.hyper.hidden.weight"] + p["sas.hyper.hidden.bias"])
            return z @ p["sas.hyper.weight"] + p["sas.hyper.bias"]
        return z @ p["sas.hyper.weight"]

    def adapt(site, block, x):
        down, up = p[f"sas.{site}.down"], p[f"sas.{site}.up"]
        theta, rank = generate(p[f"sas.embedding.{site}"][block]), down.shape[1]
        if form == "core":
            return x + alpha / rank * (x @ down) @ (torch.eye(rank).double() + theta.reshape(rank, rank)) @ up
        first, second = theta.chunk(2)
        specific = (x @ first)[..., None] * second if form == "low-rank" else x * first + second
        return x + alpha / rank * (x @ down) @ up + alpha / p["sas.hyper.weight"].shape[0] * specific

    return adapt


def golden_sas(name, seed, form, rank, embedding, hidden=0, alpha=8.0, clip=0.0, smoothing=0.0, steps=10):
    generator = torch.Generator().manual_seed(seed)
    model, config = network(generator)
    frozen = {key: value.double() for key, value in weights_of(model).items()}
    pixels, x = images(generator, 4, 32, 32)
    labels = torch.tensor([0, 3, 1, 3])
    with torch.no_grad():
        assert torch.allclose(forward(frozen, x), model(x), rtol=1e-12, atol=1e-12)

    width, blocks, classes = 24, 2, 5
    generated = rank * rank if form == "core" else 2 * width
    shapes = {f"sas.{site}.{side}": shape for site in ("attn", "mlp") for side, shape in (("down", (width, rank)), ("up", (rank, width)))}
    shapes |= {"sas.embedding.attn": (blocks, embedding), "sas.embedding.mlp": (blocks, embedding)}
    shapes |= {"sas.hyper.weight": (hidden or embedding, generated)}
    if hidden:
        shapes |= {"sas.hyper.hidden.weight": (embedding, hidden), "sas.hyper.hidden.bias": (hidden,), "sas.hyper.bias": (generated,)}
    shapes |= {"head.weight": (classes, width), "head.bias": (classes,)}
    # Unlike at a real start nothing is zero, so that every gradient is alive.
    params = {key: randn(generator, *shape, std=0.2).requires_grad_() for key, shape in shapes.items()}
    first = {f"init/{key}": value.detach().float() for key, value in params.items()}

    groups = [
        dict(params=[v for k, v in params.items() if not k.startswith("head.")], lr=5e-3),
        dict(params=[v for k, v in params.items() if k.startswith("head.")], lr=1e-3),
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2)
    losses, norms, gradients = [], [], {}
    for step in range(steps):
        logits = forward({**frozen, **params}, x, sas(form, params, alpha))
        loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            gradients = {f"gradient/{key}": value.grad.clone() for key, value in params.items()} | {"logits": logits}
        norms.append(torch.nn.utils.clip_grad_norm_(list(params.values()), clip or math.inf))
        assert not clip or step > 0 or norms[0] > clip, "the first step must clip"
        optimizer.step()
        losses.append(loss.detach())
    last = {f"final/{key}": value for key, value in params.items()}
    batch = {"pixels": pixels, "labels": labels, "losses": torch.stack(losses), "norms": torch.stack(norms)}
    backbone = {key: value for key, value in weights_of(model).items() if not key.startswith("head.")}
    settings = dict(form=form, rank=rank, embedding=embedding, hidden=hidden, alpha=alpha, clip=clip, smoothing=smoothing)
    optimizer_settings = dict(lr=5e-3, headLr=1e-3, weightDecay=1e-2, betas=[0.9, 0.999], eps=1e-8, steps=steps)
    write(name, {**backbone, **first, **gradients, **last, **batch}, seed, config=config, sas=settings, optimizer=optimizer_settings)


def golden_full(seed):
    """Gradients of every parameter of the network, for the method that trains them all."""
    generator = torch.Generator().manual_seed(seed)
    model, config = network(generator, depth=1)
    pixels, x = images(generator, 4, 32, 32)
    labels = torch.tensor([4, 0, 2, 2])
    loss = F.cross_entropy(model(x), labels)
    loss.backward()
    gradients = {f"gradient/{key}": value.grad for key, value in model.named_parameters()}
    write("full", {**weights_of(model), **gradients, "pixels": pixels, "labels": labels, "loss": loss}, seed, config=config)


golden_network("token", 1)
golden_network("avg", 2, global_pool="avg", class_token=False)
golden_network("avg-with-class-token", 3, global_pool="avg", fc_norm=True)
golden_network("avg-norm-first", 4, global_pool="avg", fc_norm=False)
golden_network("no-qkv-bias", 5, qkv_bias=False)
golden_network("eps", 6, eps=1e-2)
golden_network("patch-16", 7, patch_size=16, embed_dim=16, num_heads=2)
golden_network("resized", 8, size=(48, 48))
golden_network("resized-wide", 9, size=(32, 48))
golden_positions(10)
golden_sas("sas-low-rank", 11, "low-rank", rank=2, embedding=3)
golden_sas("sas-affine", 12, "affine", rank=2, embedding=3, clip=1.0)
golden_sas("sas-core", 13, "core", rank=3, embedding=2, alpha=0.5, smoothing=0.1)
golden_sas("sas-hidden", 14, "low-rank", rank=1, embedding=3, hidden=4, alpha=2.0, clip=1.0, smoothing=0.1)
golden_full(15)
