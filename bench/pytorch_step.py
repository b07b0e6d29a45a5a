"""The same training step in PyTorch 2: answers each line {"microBatch": n} with the time of one batch.

A Vision Transformer as timm writes it (float32, frozen), SaS low-rank at the inputs of qkv and fc1 of every block,
a trained head, gradients summed over micro-batches, clipped to norm 1, AdamW.
"""

import json
import platform
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

o = json.loads(sys.argv[1])
torch.set_num_threads(o["threads"])
torch.manual_seed(0)
D, L, heads, patch, size = o["width"], o["blocks"], o["heads"], o["patchSize"], o["imageSize"]
rank, embedding, batch, classes = o["rank"], o["embedding"], o["batch"], 10


class Sas(nn.Module):
    """x' = x + 4/r (x Down) Up + 4/e (x * gamma + beta), where a block's (gamma, beta) = z C."""

    def __init__(self):
        super().__init__()
        sites = ("attn", "mlp")
        self.down = nn.ParameterDict({s: nn.Parameter(torch.randn(D, rank) * D**-0.5) for s in sites})
        self.up = nn.ParameterDict({s: nn.Parameter(torch.zeros(rank, D)) for s in sites})
        self.z = nn.ParameterDict({s: nn.Parameter(torch.randn(L, embedding)) for s in sites})
        self.c = nn.Parameter(torch.zeros(embedding, 2 * D))

    def changes(self, site):
        """Of every block: the shared pair, and the factor and the shift of its own."""
        up = 4 / rank * self.up[site]
        gamma, beta = (4 / embedding * self.z[site] @ self.c).split(D, 1)
        return [(self.down[site], up, 1 + g, b) for g, b in zip(gamma, beta)]


def adapted(x, change):
    down, up, factor, shift = change
    return x * factor + (x @ down) @ up + shift


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(D, eps=1e-6), nn.LayerNorm(D, eps=1e-6)
        self.qkv, self.proj = nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.fc1, self.fc2 = nn.Linear(D, 4 * D), nn.Linear(4 * D, D)

    def forward(self, x, attn, mlp):
        n, tokens, _ = x.shape
        qkv = self.qkv(adapted(self.norm1(x), attn)).reshape(n, tokens, 3, heads, D // heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, tokens, D)
        x = x + self.proj(mixed)
        return x + self.fc2(F.gelu(self.fc1(adapted(self.norm2(x), mlp))))


class Vit(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Conv2d(3, D, patch, patch)
        self.cls = nn.Parameter(torch.zeros(1, 1, D))
        self.positions = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, D) * 0.02)
        self.blocks = nn.ModuleList(Block() for _ in range(L))
        self.norm = nn.LayerNorm(D, eps=1e-6)
        self.requires_grad_(False)
        self.sas, self.head = Sas(), nn.Linear(D, classes)

    def forward(self, images):
        x = (images.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.positions
        for block, attn, mlp in zip(self.blocks, self.sas.changes("attn"), self.sas.changes("mlp")):
            x = block(x, attn, mlp)
        return self.head(self.norm(x)[:, 0])


def peak_mib():
    """Most memory this process ever held; macOS counts bytes, others kB, Windows does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


model = Vit()
trained = [p for p in model.parameters() if p.requires_grad]
groups = [{"params": list(model.sas.parameters()), "lr": 5e-3}, {"params": list(model.head.parameters()), "lr": 1e-3}]
optimizer = torch.optim.AdamW(groups, weight_decay=1e-4)
images = torch.randint(0, 256, (batch, size, size, 3), dtype=torch.uint8)
labels = torch.arange(batch) % classes


def train_batch(micro_batch):
    total = 0.0
    for start in range(0, batch, micro_batch):
        part = slice(start, start + micro_batch)
        loss = F.cross_entropy(model(images[part]), labels[part], reduction="sum") / batch
        loss.backward()
        total += loss.item()
    nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return total


def say(value):
    print(json.dumps(value), flush=True)


versions = {"torch": torch.__version__, "python": platform.python_version()}
say({**versions, "threads": torch.get_num_threads(), "trained": sum(p.numel() for p in trained)})
for line in sys.stdin:
    began = time.perf_counter()
    loss = train_batch(json.loads(line)["microBatch"])
    say({"ms": (time.perf_counter() - began) * 1000, "loss": loss, "peakMiB": peak_mib()})
