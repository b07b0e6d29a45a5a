"""Writes resize.json: Pillow's resize of arrays that a formula draws. Made with Pillow 13.0.0 by `python make.py`.

pixel(y, x, c) = (y*y*7 + x*x*13 + x*y*5 + c*91 + ((x*2654435761 + y*40503 + c*7919) mod 2^32 >> 13) % 64) mod 256
"""

import json
from pathlib import Path

import numpy as np
import PIL
from PIL import Image


def draw(height, width):
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    noise = (((x * 2654435761 + y * 40503 + c * 7919) % 2**32) >> 13) % 64
    return ((y * y * 7 + x * x * 13 + x * y * 5 + c * 91 + noise) % 256).astype(np.uint8)


sizes = [((17, 23), (8, 9)), ((9, 7), (16, 20)), ((30, 12), (11, 12)), ((12, 40), (12, 13)), ((5, 5), (12, 3)), ((64, 48), (7, 6))]
cases = []
for source, target in sizes:
    for name, kind in (("bicubic", Image.Resampling.BICUBIC), ("bilinear", Image.Resampling.BILINEAR)):
        out = np.asarray(Image.fromarray(draw(*source)).resize((target[1], target[0]), kind))
        cases.append({"from": source, "to": target, "filter": name, "pixels": out.tobytes().hex()})
header = {"by": "make.py", "pillow": PIL.__version__, "numpy": np.__version__}
path = Path(__file__).with_name("resize.json")
path.write_text(json.dumps({"header": header, "cases": cases}, indent=1) + "\n")
