"""Writes equations.safetensors: what the methods of the comparison do to one tiny random timm ViT, in float64.

    python test/golden/methods/equations.py

Needs torch 2.9.1, timm 1.0.31 and safetensors. Each method is written here a second time, from its paper: timm's own
modules are wrapped or replaced, and all trained tensors are random. The image is not square and the network has a class
token. Tensors are float32 and were widened before use; results are float64. A method's tensors are below `<case>/`.
"""

import json
import math
from functools import partial
from pathlib import Path

import timm
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from timm.layers import LayerNorm
from timm.models.vision_transformer import VisionTransformer
from torch import nn

assert torch.__version__.split("+")[0] == "2.9.1" and timm.__version__ == "1.0.31", "other versions, other numbers"
torch.set_num_threads(1)

MEAN, STD = [0.5, 0.4, 0.45], [0.5, 0.25, 0.3]
WIDTH, HIDDEN, DEPTH, HEADS, PATCH, CLASSES = 12, 48, 2, 3, 4, 5
HEIGHT, BREADTH = 16, 12
SEED = 21


def draw(generator, shape, std=0.3):
    """Normal numbers that float32 holds exactly, as float64."""
    return (torch.randn(*shape, generator=generator) * std).double()


def network(generator):
    args = dict(img_size=(HEIGHT, BREADTH), patch_size=PATCH, embed_dim=WIDTH, depth=DEPTH, num_heads=HEADS, mlp_ratio=4.0)
    model = VisionTransformer(num_classes=CLASSES, norm_layer=partial(LayerNorm, eps=1e-6), **args).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(draw(generator, parameter.shape))
    return model


class Around(nn.Module):
    """A module whose input and output are changed: y = after(x, module(before(x)))."""

    def __init__(self, module, before=lambda x: x, after=lambda x, y: y):
        super().__init__()
        self.module, self.before, self.after = module, before, after

    def forward(self, x, *rest, **more):
        return self.after(x, self.module(self.before(x), *rest, **more))


def replace(model, name, make):
    parent, _, last = name.rpartition(".")
    parent = model.get_submodule(parent)
    setattr(parent, last, make(getattr(parent, last)))


def modules_of():
    inner = ["norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"]
    return ["patch_embed.proj", *(f"blocks.{i}.{name}" for i in range(DEPTH) for name in inner), "norm"]


SIZES = {"qkv": 3 * WIDTH, "fc1": HIDDEN}


def size_of(module):
    return SIZES.get(module.rsplit(".")[-1], WIDTH)


def trained(model, wanted):
    """The network's own tensors of some names, with other numbers."""
    return {name: parameter.shape for name, parameter in model.named_parameters() if wanted(name)}


def put(model, p):
    for name, value in p.items():
        model.get_parameter(name).data.copy_(value)


# --- The methods: shapes of the trained tensors, and what they do ----------------------------------------------------


def bitfit_shapes(model):
    return trained(model, lambda name: name.endswith(".bias") and not name.startswith("head."))


def layer_norm_shapes(model):
    return trained(model, lambda name: "norm" in name)


def ssf_shapes(model):
    """Lian et al. 2022: y = gamma * x + beta behind every operation."""
    return {f"ssf.{name}.{kind}": (size_of(name),) for name in modules_of() for kind in ("scale", "shift")}


def channels_last(name, vector):
    return vector.reshape(-1, 1, 1) if name == "patch_embed.proj" else vector


def ssf(model, p):
    for name in modules_of():
        scale, shift = (channels_last(name, p[f"ssf.{name}.{kind}"]) for kind in ("scale", "shift"))
        replace(model, name, lambda module: Around(module, after=lambda x, y, a=scale, b=shift: a * y + b))


def bottleneck_shapes(name, rank):
    shapes = dict(zip(("down.weight", "down.bias", "up.weight", "up.bias"), ((WIDTH, rank), (rank,), (rank, WIDTH), (WIDTH,))))
    return {f"{name}.{key}": shape for key, shape in shapes.items()}


def bottleneck(p, name, x, activation):
    inner = F.linear(x, p[f"{name}.down.weight"].T, p[f"{name}.down.bias"])
    return F.linear(activation(inner), p[f"{name}.up.weight"].T, p[f"{name}.up.bias"])


def quick_gelu(x):
    return x * torch.sigmoid(1.702 * x)


def adapter_shapes(model, rank, sites):
    names = [f"adapter.blocks.{i}.{site}" for i in range(DEPTH) for site in sites]
    return {key: shape for name in names for key, shape in bottleneck_shapes(name, rank).items()}


def adapter(model, p, rank, sites):
    """Houlsby et al. 2019: behind the branch, before the residual sum, with a skip of its own."""
    for i in range(DEPTH):
        for site in sites:
            skip = lambda x, y, name=f"adapter.blocks.{i}.{site}": y + bottleneck(p, name, y, quick_gelu)
            replace(model, f"blocks.{i}.{site}", lambda module: Around(module, after=skip))


def adaptformer_shapes(model, rank, scale):
    names = [f"adaptformer.blocks.{i}" for i in range(DEPTH)]
    return {key: shape for name in names for key, shape in bottleneck_shapes(name, rank).items()}


def adaptformer(model, p, rank, scale):
    """Chen et al. 2022: x' + MLP(LN(x')) + s ReLU(x' W_down) W_up with x' the stream behind attention."""

    class Block(nn.Module):
        def __init__(self, block, name):
            super().__init__()
            self.block, self.name = block, name

        def forward(self, x, **more):
            x = x + self.block.attn(self.block.norm1(x))
            beside = bottleneck(p, self.name, x, F.relu)
            return self.block.mlp(self.block.norm2(x)) + x + scale * beside

    for i in range(DEPTH):
        replace(model, f"blocks.{i}", lambda block: Block(block, f"adaptformer.blocks.{i}"))


class Prompted(nn.Module):
    """A block before which prompts join, behind the class token; `gone` earlier ones leave."""

    def __init__(self, block, prompts, gone):
        super().__init__()
        self.block, self.prompts, self.gone = block, prompts, gone

    def forward(self, x, **more):
        joining = self.prompts.expand(len(x), -1, -1)
        return self.block(torch.cat([x[:, :1], joining, x[:, 1 + self.gone :]], dim=1), **more)


def vpt_shallow_shapes(model, prompts):
    return {"prompts.0": (prompts, WIDTH)}


def vpt_shallow(model, p, prompts):
    """Jia et al. 2022: the prompts of the first block travel with the image to the end."""
    model.blocks[0] = Prompted(model.blocks[0], p["prompts.0"], 0)


def vpt_deep_shapes(model, prompts):
    return {f"prompts.{i}": (prompts, WIDTH) for i in range(DEPTH)}


def vpt_deep(model, p, prompts):
    """Jia et al. 2022: what the block before made of its prompts is dropped."""
    for i in range(DEPTH):
        model.blocks[i] = Prompted(model.blocks[i], p[f"prompts.{i}"], prompts if i > 0 else 0)


def fact_shapes(model, rank, scale):
    return {"fact.u": (WIDTH, rank), "fact.v": (rank, WIDTH)}


def fact(model, p, cores, scale):
    """Jie and Deng 2023: all maps of all blocks as one tensor [12 L, d, d], whose change is factored."""
    change = scale * torch.einsum("iu,nuv,vo->nio", p["fact.u"], cores, p["fact.v"])
    for i in range(DEPTH):
        q, k, v, proj, *mlp = change[12 * i : 12 * i + 12]
        # timm's maps are applied as x @ W with W [in, out] = weight.T.
        for name, delta in {
            "attn.qkv": torch.cat([q, k, v], dim=1),
            "attn.proj": proj,
            "mlp.fc1": torch.cat(mlp[:4], dim=1),
            "mlp.fc2": torch.cat(mlp[4:], dim=0),
        }.items():
            model.get_parameter(f"blocks.{i}.{name}.weight").data += delta.T


def fact_tt_shapes(model, rank, scale):
    return fact_shapes(model, rank, scale) | {"fact.cores": (12 * DEPTH, rank, rank)}


def fact_tt(model, p, rank, scale):
    """Tensor train: the cores are trained themselves."""
    fact(model, p, p["fact.cores"], scale)


def fact_tk_shapes(model, rank, scale):
    return fact_shapes(model, rank, scale) | {"fact.mixture": (12 * DEPTH, rank), "fact.cores": (rank, rank, rank)}


def fact_tk(model, p, rank, scale):
    """Tucker: the cores are mixtures of shared ones, C x_1 P."""
    fact(model, p, torch.einsum("nk,kuv->nuv", p["fact.mixture"], p["fact.cores"]), scale)


def before(model, change):
    """What a linear adapter before both branches makes of their inputs; `change(block, site)` is a function."""
    for i in range(DEPTH):
        for site in ("attn", "mlp"):
            replace(model, f"blocks.{i}.{site}", lambda module: Around(module, before=change(i, site)))


def arc_shapes(model, rank):
    shared = {f"arc.{site}.down": (WIDTH, rank) for site in ("attn", "mlp")}
    own = {(i, site): f"arc.blocks.{i}.{site}" for i in range(DEPTH) for site in ("attn", "mlp")}.values()
    return shared | {f"{name}.scale": (rank,) for name in own} | {f"{name}.shift": (WIDTH,) for name in own}


def arc(model, p, rank):
    """Dong et al. 2023: x W_down C_l W_down^T + b_l + x with C_l diagonal."""

    def change(i, site):
        down, name = p[f"arc.{site}.down"], f"arc.blocks.{i}.{site}"
        return lambda x: x @ down @ torch.diag(p[f"{name}.scale"]) @ down.T + p[f"{name}.shift"] + x

    before(model, change)


def rep_adapter_shapes(model, rank, groups, scale):
    shapes = {}
    for i in range(DEPTH):
        for site in ("attn", "mlp"):
            shapes |= bottleneck_shapes(f"rep.blocks.{i}.{site}", rank)
            shapes[f"rep.blocks.{i}.{site}.up.weight"] = (groups, rank // groups, WIDTH // groups)
    return shapes


def rep_adapter(model, p, rank, groups, scale):
    """Luo et al. 2023: f(x) = x + s * GroupWise(x W_d + b_d) with k groups of the second map."""

    def change(i, site):
        name = f"rep.blocks.{i}.{site}"
        # A grouped 1 x 1 convolution wants [out, in of the group, 1], groups one after the other.
        kernel = p[f"{name}.up.weight"].transpose(1, 2).reshape(WIDTH, rank // groups, 1)

        def adapted(x):
            inner = F.linear(x, p[f"{name}.down.weight"].T, p[f"{name}.down.bias"]).transpose(1, 2)
            return x + scale * F.conv1d(inner, kernel, p[f"{name}.up.bias"], groups=groups).transpose(1, 2)

        return adapted

    before(model, change)


def convpass_shapes(model, rank, scale):
    shapes = {}
    for i in range(DEPTH):
        for site in ("attn", "mlp"):
            name = f"convpass.blocks.{i}.{site}"
            shapes |= bottleneck_shapes(name, rank) | {f"{name}.conv.weight": (9, rank, rank), f"{name}.conv.bias": (rank,)}
    return shapes


def convpass(model, p, rank, scale):
    """Jie and Deng 2022: beside both branches; the class token goes through the convolution alone."""

    def bypass(name):
        kernel = p[f"{name}.conv.weight"].reshape(3, 3, rank, rank).permute(3, 2, 0, 1)

        def convolve(x, height, breadth):
            grid = x.transpose(1, 2).reshape(len(x), rank, height, breadth)
            return F.conv2d(grid, kernel, p[f"{name}.conv.bias"], padding=1).flatten(2).transpose(1, 2)

        def middle(x):
            x = quick_gelu(x)
            patches = convolve(x[:, 1:], HEIGHT // PATCH, BREADTH // PATCH)
            return quick_gelu(torch.cat([convolve(x[:, :1], 1, 1), patches], dim=1))

        return lambda x, y: y + scale * bottleneck(p, name, x, middle)

    for i in range(DEPTH):
        for site in ("attn", "mlp"):
            after = bypass(f"convpass.blocks.{i}.{site}")
            replace(model, f"blocks.{i}.{site}", lambda module: Around(module, after=after))


MAPS = ["attn.qkv.q", "attn.qkv.k", "attn.qkv.v", "attn.proj", "mlp.fc1", "mlp.fc2"]


def rlrr_shapes(model):
    shapes = {}
    for i in range(DEPTH):
        for name in MAPS:
            shapes[f"rlrr.blocks.{i}.{name}.left"] = (size_of(name), 1)
            shapes[f"rlrr.blocks.{i}.{name}.right"] = (1, HIDDEN if name == "mlp.fc2" else WIDTH)
    for name in modules_of():
        shapes[f"rlrr.{name}.shift"] = (size_of(name),)
        if "attn" not in name and "mlp" not in name:
            shapes[f"rlrr.{name}.scale"] = (size_of(name),)
    return shapes


def rlrr(model, p):
    """Dong et al. 2024: W + s_left * W * s_right^T, b + f; norms and patch embedding as in SSF."""
    for name in modules_of():
        shift = p[f"rlrr.{name}.shift"]
        if f"rlrr.{name}.scale" in p:
            a, b = (channels_last(name, vector) for vector in (p[f"rlrr.{name}.scale"], shift))
            replace(model, name, lambda module: Around(module, after=lambda x, y, a=a, b=b: a * y + b))
            continue
        linear = model.get_submodule(name)
        parts = [f"rlrr.{name}.{part}" for part in "qkv"] if name.endswith("qkv") else [f"rlrr.{name}"]
        weights = linear.weight.data.chunk(len(parts))
        linear.weight.data = torch.cat(
            [w + torch.diag(p[f"{part}.left"][:, 0]) @ w @ torch.diag(p[f"{part}.right"][0]) for part, w in zip(parts, weights)]
        )
        linear.bias.data = linear.bias.data + shift


def sas_shapes(model, form, rank, embedding):
    shapes = {f"sas.hyper.weight": (embedding, rank * rank if form == "core" else 2 * WIDTH)}
    for site in ("attn", "mlp"):
        shapes |= {f"sas.{site}.down": (WIDTH, rank), f"sas.{site}.up": (rank, WIDTH), f"sas.embedding.{site}": (DEPTH, embedding)}
    return shapes


def sas(model, p, form, rank, embedding, alpha=4):
    """docs/method.md."""

    def change(i, site):
        down, up = p[f"sas.{site}.down"], p[f"sas.{site}.up"]
        theta = p[f"sas.embedding.{site}"][i] @ p["sas.hyper.weight"]
        if form == "core":
            return lambda x: x + alpha / rank * x @ down @ (torch.eye(rank).double() + theta.reshape(rank, rank)) @ up
        first, second = theta.chunk(2)
        own = (lambda x: x @ torch.outer(first, second)) if form == "low-rank" else lambda x: x * first + second
        return lambda x: x + alpha / rank * x @ down @ up + alpha / embedding * own(x)

    before(model, change)


CASES = {
    "bitfit": ("bitfit", bitfit_shapes, put, {}),
    "layer-norm": ("layer-norm", layer_norm_shapes, put, {}),
    "ssf": ("ssf", ssf_shapes, ssf, {}),
    "adapter-pfeiffer": ("adapter", adapter_shapes, adapter, dict(rank=5, sites=["mlp"])),
    "adapter-houlsby": ("adapter", adapter_shapes, adapter, dict(rank=3, sites=["attn", "mlp"])),
    "adaptformer": ("adaptformer", adaptformer_shapes, adaptformer, dict(rank=5, scale=0.5)),
    "vpt-shallow": ("vpt-shallow", vpt_shallow_shapes, vpt_shallow, dict(prompts=4)),
    "vpt-deep": ("vpt-deep", vpt_deep_shapes, vpt_deep, dict(prompts=3)),
    "fact-tt": ("fact-tt", fact_tt_shapes, fact_tt, dict(rank=4, scale=0.5)),
    "fact-tk": ("fact-tk", fact_tk_shapes, fact_tk, dict(rank=3, scale=2.0)),
    "arc": ("arc", arc_shapes, arc, dict(rank=5)),
    "rlrr": ("rlrr", rlrr_shapes, rlrr, {}),
    "rep-adapter": ("rep-adapter", rep_adapter_shapes, rep_adapter, dict(rank=6, groups=3, scale=0.5)),
    "convpass": ("convpass", convpass_shapes, convpass, dict(rank=5, scale=2.0)),
    "sas-low-rank": ("sas", sas_shapes, sas, dict(form="low-rank", rank=3, embedding=2)),
    "sas-affine": ("sas", sas_shapes, sas, dict(form="affine", rank=3, embedding=2)),
    "sas-core": ("sas", sas_shapes, sas, dict(form="core", rank=3, embedding=2)),
}


def main():
    generator = torch.Generator().manual_seed(SEED)
    frozen = network(generator)
    pixels = torch.randint(0, 256, (2, HEIGHT, BREADTH, 3), generator=generator, dtype=torch.uint8)
    x = (pixels.double() / 255 - torch.tensor(MEAN, dtype=torch.float64)) / torch.tensor(STD, dtype=torch.float64)
    x = x.permute(0, 3, 1, 2)
    tensors = {name: value.float() for name, value in frozen.state_dict().items()} | {"golden.pixels": pixels}
    plain = frozen(x)
    for case, (_, shapes, apply, options) in CASES.items():
        model = network(torch.Generator().manual_seed(SEED))
        assert torch.equal(model(x), plain)
        p = {name: draw(generator, shape) for name, shape in sorted(shapes(model, **options).items())}
        apply(model, p, **options)
        features = model.forward_head(model.forward_features(x), pre_logits=True)
        logits = model.head(features)
        assert (logits - plain).abs().max() > 0.01, case
        tensors |= {f"{case}/{name}": value.float() for name, value in p.items()}
        tensors |= {f"{case}/golden.features": features, f"{case}/golden.logits": logits}
    cases = {case: dict(method=method, options=options) for case, (method, _, _, options) in CASES.items()}
    network_facts = dict(imageSize=[HEIGHT, BREADTH], patchSize=PATCH, width=WIDTH, blocks=DEPTH, heads=HEADS, classes=CLASSES)
    header = dict(
        torch="2.9.1", timm="1.0.31", seed=SEED, command="python test/golden/methods/equations.py",
        mean=MEAN, std=STD, network=network_facts, cases=cases,
    )
    tensors = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
    path = Path(__file__).parent / "equations.safetensors"
    save_file(tensors, path, {"golden": json.dumps(header, sort_keys=True)})


with torch.no_grad():
    main()
