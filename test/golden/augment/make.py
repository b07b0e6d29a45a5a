"""Writes augment.json: image operations of timm, Pillow and torchvision on arrays that a formula draws.

Made with timm 1.0.31, torchvision 0.24.1, Pillow 13.0.0 and numpy 2.4.6 by `python make.py`.

pixel(y, x, c) = (y*y*7 + x*x*13 + x*y*5 + c*91 + ((x*2654435761 + y*40503 + c*7919) mod 2^32 >> 13) % 64) mod 256

Every case holds the whole result for 11 x 13 pixels and the SHA-256 of the result for 61 x 83 pixels.
"""

import base64
import hashlib
import json
import random
from pathlib import Path

import numpy as np
import PIL
import timm
import torchvision
from PIL import Image, ImageEnhance
from timm.data import auto_augment, mixup
from torchvision.transforms import functional


def draw(height, width, shift=0):
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    x = x + shift
    noise = (((x * 2654435761 + y * 40503 + c * 7919) % 2**32) >> 13) % 64
    return ((y * y * 7 + x * x * 13 + x * y * 5 + c * 91 + noise) % 256).astype(np.uint8)


def dim(height, width):
    """The same with few values, so that stretching and equalizing do something."""
    return (draw(height, width) // 3 + 40).astype(np.uint8)


def case(operation, apply, kind="draw", **arguments):
    source = {"draw": draw, "dim": dim}[kind]
    small, large = (np.asarray(apply(Image.fromarray(source(*size)))) for size in ((11, 13), (61, 83)))
    return {
        "operation": operation,
        **arguments,
        "image": kind,
        "pixels": base64.b64encode(small.tobytes()).decode(),
        "sha256": hashlib.sha256(large.tobytes()).hexdigest(),
    }


names = {
    "auto-contrast": "AutoContrast",
    "equalize": "Equalize",
    "invert": "Invert",
    "rotate": "Rotate",
    "posterize": "PosterizeIncreasing",
    "solarize": "SolarizeIncreasing",
    "solarize-add": "SolarizeAdd",
    "color": "ColorIncreasing",
    "contrast": "ContrastIncreasing",
    "brightness": "BrightnessIncreasing",
    "sharpness": "SharpnessIncreasing",
    "shear-x": "ShearX",
    "shear-y": "ShearY",
    "translate-x": "TranslateXRel",
    "translate-y": "TranslateYRel",
}
plain = ("auto-contrast", "equalize", "invert")
one_sided = (*plain, "posterize", "solarize", "solarize-add")
fill = (124, 116, 104)


def rand_augment(name, level, side):
    own = names[name]
    # timm negates a level where a random number is above one half.
    random.random = lambda: 0.9 if side < 0 else 0.1
    level_of = auto_augment.LEVEL_TO_ARG[own]
    arguments = level_of(level * 10, {}) if level_of else ()
    return lambda image: auto_augment.NAME_TO_OP[own](
        image, *arguments, fillcolor=fill, resample=Image.Resampling.BICUBIC
    )


cases = []
for name in names:
    # Pillow 13 refuses to posterize to no bit at all, which is what level 1 asks for.
    for level in (0.9,) if name in plain else (0.25, 0.9, 0.99) if name == "posterize" else (0.25, 0.9, 1.0):
        for side in (1,) if name in one_sided else (1, -1):
            for kind in ("draw", "dim") if name in plain else ("draw",):
                apply = rand_augment(name, level, side)
                cases.append(case(name, apply, kind, level=level, side=side))
for factor in (0, 0.3, 0.77, 1.31, 2.5):
    for name, enhance in (
        ("change-brightness", ImageEnhance.Brightness),
        ("change-contrast", ImageEnhance.Contrast),
        ("change-saturation", ImageEnhance.Color),
        ("change-sharpness", ImageEnhance.Sharpness),
    ):
        cases.append(case(name, lambda image: enhance(image).enhance(factor), factor=factor))
for turns in (-0.5, -0.13, 0, 0.02, 0.31, 0.5):
    cases.append(case("shift-hue", lambda image: functional.adjust_hue(image, turns), factor=turns))


def mixed(share, cut, centre):
    """timm's Mixup of a batch that the loader has collated: four images of 9 x 11 pixels, classes 0, 3, 1, 1 of 5."""
    images = [draw(9, 11, 5 * i).transpose(2, 0, 1) for i in range(4)]
    mix = mixup.FastCollateMixup(mixup_alpha=1, cutmix_alpha=1, label_smoothing=0.1, num_classes=5)
    mix._params_per_batch = lambda: (share, cut)
    if cut:
        places = iter(centre)
        np.random.randint = lambda low, high, size=None: next(places)
    pixels, targets = mix(list(zip(images, (0, 3, 1, 1))))
    return {
        "share": share,
        "cut": cut,
        "centre": centre,
        "pixels": base64.b64encode(pixels.numpy().transpose(0, 2, 3, 1).tobytes()).decode(),
        "targets": [[float(value) for value in row] for row in targets],
    }


mixes = [
    # Shares in whole parts of 2^16, and odd ones: timm rounds a value half way between two to the even one.
    mixed(20001 / 65536, False, []),
    mixed(57001 / 65536, False, []),
    mixed(0.5625, True, [4, 5]),
    mixed(0.25, True, [0, 10]),
    mixed(0.25, True, [8, 0]),
]
header = {
    "by": "make.py",
    "timm": timm.__version__,
    "torchvision": torchvision.__version__,
    "pillow": PIL.__version__,
    "numpy": np.__version__,
}
text = json.dumps({"header": header, "fill": fill, "cases": cases, "mixes": mixes}, indent=1)
Path(__file__).with_name("augment.json").write_text(text + "\n")
