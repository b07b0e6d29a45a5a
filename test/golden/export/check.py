"""Loads adapters as `sas-petl export --format peft` writes them into HF PEFT, and compares logits with the exported ONNX model's.

    node dist/cli/main.js train --backbone BACKBONE --data DATA --epochs 1 --out RUN
    python test/golden/export/check.py BACKBONE RUN [RUN …]

The backbone has a head of its own and is one that HF's ViT can be; the runs are of methods that PEFT can be exact for. Module
names are those of the transformers that is installed. Needs torch, transformers, peft, onnxruntime and a built `dist`. Held
with torch 2.9.1, peft 0.21.2 and each of transformers 4.57.6 and 5.23.0.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import onnxruntime
import peft
import torch
import transformers

COMMAND = ["node", str(Path(__file__).parents[3] / "dist/cli/main.js"), "export"]
MODULES = "v4" if transformers.__version__.startswith("4.") else "v5"


def export(out, *args):
    subprocess.run([*COMMAND, "--out", str(out), *args], check=True, stdout=subprocess.DEVNULL)


def check(run, base, folder):
    """The largest difference of a logit, with the adapter beside the network and merged by PEFT."""
    export(folder / "onnx", "--run", run, "--format", "onnx", "--no-check")
    export(folder / "peft", "--run", run, "--format", "peft", "--modules", MODULES)
    network = json.loads((folder / "peft/config.json").read_text())
    size = network["image_size"]
    height, width = (size, size) if isinstance(size, int) else size
    pixels = numpy.random.default_rng(0).normal(size=(4, 3, height, width)).astype(numpy.float32)
    (wanted,) = onnxruntime.InferenceSession(folder / "onnx/model.onnx").run(None, {"pixel_values": pixels})
    # As the model card says.
    model = transformers.ViTForImageClassification.from_pretrained(
        base, num_labels=len(network["id2label"]), image_size=size, ignore_mismatched_sizes=True
    )
    model = peft.PeftModel.from_pretrained(model, folder / "peft").eval()
    with torch.no_grad():
        beside = model(pixel_values=torch.tensor(pixels)).logits.numpy()
        merged = model.merge_and_unload()(pixel_values=torch.tensor(pixels)).logits.numpy()
    return max(abs(wanted - beside).max(), abs(wanted - merged).max())


backbone, *runs = sys.argv[1:]
with tempfile.TemporaryDirectory() as name:
    base = Path(name) / "base"
    export(base, "--backbone", backbone, "--format", "safetensors", "--names", "hf")
    for i, run in enumerate(runs):
        folder = Path(name) / str(i)
        folder.mkdir()
        difference = check(run, base, folder)
        print(f"transformers {transformers.__version__}, peft {peft.__version__}: {run}: logits differ by {difference:.1e}")
        assert difference < 1e-4, run
