"""Golden values of the operators and optimizers, from PyTorch in double precision.

Per case: inputs, outputs, a random direction per differentiable output, and the gradient of
the sum of direction * output with respect to each differentiable input (null elsewhere).

Command: python test/golden/ops/make.py
"""

import json
import pathlib
import platform

import torch
import torch.nn.functional as F

SEED = 20250414
COMMAND = "python test/golden/ops/make.py"
assert torch.__version__.split("+")[0] == "2.9.1", torch.__version__

torch.set_default_dtype(torch.float64)
torch.manual_seed(SEED)
cases = {}


def packed(x):
    return None if x is None else {"shape": list(x.shape), "data": x.detach().double().flatten().tolist()}


def case(name, f, *inputs, outputs=1, frozen=()):
    """`outputs` is the number of leading outputs that have a gradient, `frozen` the inputs that have none."""
    xs = [x.clone().requires_grad_(outputs > 0 and i not in frozen) for i, x in enumerate(inputs)]
    ys = f(*xs)
    ys = ys if isinstance(ys, (tuple, list)) else [ys]
    directions = [torch.round(torch.randn(y.shape) * 64) / 64 if i < outputs else None for i, y in enumerate(ys)]
    if outputs > 0:
        sum((y * d).sum() for y, d in zip(ys, directions) if d is not None).backward()
    cases[name] = {
        "inputs": [packed(x) for x in xs],
        "outputs": [packed(y) for y in ys],
        "directions": [packed(d) for d in directions],
        "grads": [packed(x.grad) for x in xs],
    }


def apart(*shape):
    """Numbers away from 0, of both signs."""
    x = torch.randn(shape)
    return x + 0.5 * torch.sign(x)


def quantised(*shape):
    """Numbers that float32 holds exactly."""
    return torch.round(torch.randn(shape) * 64) / 64


wide = torch.tensor([0.0, -0.0, 1e-8, -1e-3, 0.3, 0.46875, -0.47, 1.0, -1.5, 2.9, 3.999, -4.001, 5.0, -5.9, 6.1, 30.0, -30.0])

for name, op in [("add", torch.add), ("sub", torch.sub), ("mul", torch.mul), ("div", torch.div)]:
    case(name, op, torch.randn(2, 3), apart(2, 3))
    case(f"{name} broadcast", op, torch.randn(2, 1, 3), apart(4, 1))
    case(f"{name} scalar", op, torch.randn(2, 2) * 100, apart())
case("mul zero", torch.mul, torch.tensor([0.0, 1.0, 0.0]), torch.tensor([2.0, 0.0, 0.0]))
case("min", torch.minimum, torch.tensor([[1.0, -2.0], [3.0, 0.0]]), torch.tensor([[0.5, 7.0]]))
case("min scalar", torch.minimum, torch.tensor([0.25, 100.0, -3.0]), torch.tensor(1.0))
case("less or equal", torch.le, torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[2.0], [1.0]]), outputs=0)
case("neg", torch.neg, torch.randn(2, 3))
case("exp", torch.exp, torch.tensor([0.0, 1.0, -3.0, 3.5, -40.0]))
case("exp large", torch.exp, torch.tensor([30.0, 29.0, 0.0]))
case("log", torch.log, torch.tensor([0.5, 1.0, 2.0, 1e3]))
case("sqrt", torch.sqrt, torch.tensor([0.25, 1.0, 3.0, 1e3]))
case("erf", torch.erf, wide)
case("gelu", F.gelu, wide)
case("cast", lambda x: x.float(), quantised(2, 3))
case("cast to int", lambda x: x.int(), torch.tensor([1.75, -1.75, 0.0, 3.0]), outputs=0)
case("cast to bool", lambda x: x.bool(), torch.tensor([0.0, -0.5, 2.0]), outputs=0)

case("reshape", lambda x: x.reshape(3, 4), torch.randn(2, 3, 2))
case("reshape to scalar", lambda x: x.reshape(()), torch.randn(1, 1))
case("transpose", lambda x: x.permute(2, 0, 1), torch.randn(2, 3, 4))
case("transpose heads", lambda x: x.permute(0, 2, 1, 3), torch.randn(2, 3, 2, 2))
case("expand", lambda x: x.expand(2, 3, 4), torch.randn(3, 1))
case("concat", lambda a, b, c: torch.cat([a, b, c], 1), torch.randn(2, 1, 3), torch.randn(2, 2, 3), torch.randn(2, 1, 3))
case("concat first", lambda a, b: torch.cat([a, b], 0), torch.randn(1, 2), torch.randn(3, 2))
case("split", lambda x: torch.split(x, [1, 3, 2], 1), torch.randn(2, 6, 2), outputs=3)
case("split last, first part alone", lambda x: torch.split(x, [2, 2], -1), torch.randn(3, 4), outputs=1)
case("sum", lambda x: x.sum((0, 2)), torch.randn(2, 3, 4))
case("sum keepdims", lambda x: x.sum(1, keepdim=True), torch.randn(2, 3, 4))
case("sum all", lambda x: x.sum(), torch.randn(3, 2))
case("mean", lambda x: x.mean((1, 2)), torch.randn(2, 3, 4))
case("mean keepdims", lambda x: x.mean(-1, keepdim=True), torch.randn(2, 5) * 100)
case("mean all", lambda x: x.mean(), torch.randn(3, 2))
case("max", lambda x: x.amax(1, keepdim=True), torch.randn(2, 5), outputs=0)

case("matmul", torch.matmul, torch.randn(2, 3), torch.randn(3, 4))
case("matmul batch", torch.matmul, torch.randn(2, 3, 4, 2), torch.randn(2, 3, 2, 5))
case("matmul broadcast", torch.matmul, torch.randn(2, 3, 4), torch.randn(4, 2))
case("matmul both broadcast", torch.matmul, torch.randn(2, 1, 3, 4), torch.randn(3, 4, 2))
case("matmul ta", lambda a, b: a.mT @ b, torch.randn(2, 3, 4), torch.randn(2, 3, 5))
case("matmul tb", lambda a, b: 0.5 * (a @ b.mT), torch.randn(2, 3, 4), torch.randn(5, 4))
case("matmul ta tb", lambda a, b: -2 * (a.mT @ b.mT), torch.randn(3, 4), torch.randn(5, 3))
case("gemm", torch.matmul, torch.randn(2, 3), torch.randn(3, 4))
case("gemm bias", lambda a, b, c: a @ b + c, torch.randn(2, 3), torch.randn(3, 4), torch.randn(4))
case("gemm ta column bias", lambda a, b, c: a.mT @ b + c, torch.randn(3, 2), torch.randn(3, 4), torch.randn(2, 1))
case("gemm tb", lambda a, b: a @ b.mT, torch.randn(2, 3), torch.randn(4, 3))
case("gemm ta tb", lambda a, b: a.mT @ b.mT, torch.randn(3, 2), torch.randn(4, 3))

logits = torch.cat([torch.randn(2, 4), torch.zeros(1, 4), torch.tensor([[500.0, 0.0, 499.0, -500.0]])])
case("softmax", lambda x: x.softmax(-1), logits)
case("softmax deep", lambda x: x.softmax(-1), torch.randn(2, 2, 3))
case("log softmax", lambda x: x.log_softmax(-1), logits)


def normalized(x, epsilon, scale=None):
    y = F.layer_norm(x, x.shape[-1:], scale, None, epsilon)
    return y, x.mean(-1, keepdim=True), 1 / (x.var(-1, keepdim=True, correction=0) + epsilon).sqrt()


rows = torch.cat([torch.randn(2, 5), torch.randn(1, 5) + 100])
case("normalize", lambda x: normalized(x, 1e-6)[::2], rows)
case("normalize large epsilon", lambda x: normalized(x, 0.1)[::2], torch.cat([torch.zeros(1, 4), 0.1 * torch.randn(2, 4)]))
case("layer normalization", lambda x, g: normalized(x, 1e-6, g), rows, torch.randn(5), outputs=0)


def attention(q, k, v, scale):
    return F.scaled_dot_product_attention(q, k, v, scale=scale), (scale * q @ k.mT).softmax(-1)


case("attention", lambda q, k, v: attention(q, k, v, 0.5), *(torch.randn(2, 2, n, d) for n, d in [(3, 4), (5, 4), (5, 4)]))
case("attention sharp", lambda q, k, v: attention(q, k, v, 2.0), *(torch.randn(1, 1, 3, d) * 4 for d in [4, 4, 2]))

targets = F.one_hot(torch.tensor([0, 3, 1, 2]), 4) * 0.9 + 0.025
case("cross entropy", lambda x, t, w: (F.cross_entropy(x, t, reduction="none") * w).sum(), logits, targets,
     torch.tensor([0.25, 0.5, 0.0, 1.0]), frozen=(1, 2))

STEPS = 10
start = torch.randn(6)
grads = [torch.randn(6) * 10.0 ** (i % 3 - 1) for i in range(STEPS)]
lrs = [1e-2 * (i + 1) / STEPS for i in range(STEPS)]


def trajectory(make, decay=0.0, shape=(6,)):
    """`decay` is applied here where PyTorch's own rule would not decouple it."""
    p = torch.nn.Parameter(start.view(shape).clone())
    optimizer, path = make([p]), []
    for grad, lr in zip(grads, lrs):
        for group in optimizer.param_groups:
            group["lr"] = lr
        with torch.no_grad():
            p.mul_(1 - lr * decay)
        p.grad = grad.view(shape).clone()
        optimizer.step()
        path.append(p.detach().flatten().tolist())
    return path


# Muon computes in bfloat16; its digits would be too few to compare with.
torch.Tensor.bfloat16 = torch.Tensor.double


def muon(shape):
    return trajectory(
        lambda p: torch.optim.Muon(p, momentum=0.95, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"), shape=shape
    )


optimizers = {
    "start": start.tolist(),
    "grads": [g.tolist() for g in grads],
    "lrs": lrs,
    "paths": {
        "adamW": trajectory(lambda p: torch.optim.AdamW(p, weight_decay=0.05)),
        "adamW without decay": trajectory(lambda p: torch.optim.AdamW(p, betas=(0.8, 0.95), eps=1e-6, weight_decay=0)),
        "sgd": trajectory(lambda p: torch.optim.SGD(p, lr=1, momentum=0.9), decay=0.05),
        "sgd without momentum": trajectory(lambda p: torch.optim.SGD(p, lr=1)),
        "muon, wide": muon((2, 3)),
        "muon, tall": muon((3, 2)),
    },
}

header = {
    "what": "operators and optimizers in double precision",
    "versions": {"torch": torch.__version__.split("+")[0], "python": platform.python_version()},
    "seed": SEED,
    "command": COMMAND,
}
text = ",\n".join(f"{json.dumps(name)}: {json.dumps(c)}" for name, c in cases.items())
pathlib.Path(__file__).with_name("ops.json").write_text(
    f'{{"header": {json.dumps(header)},\n"cases": {{\n{text}\n}},\n"optimizers": {json.dumps(optimizers)}}}\n'
)
