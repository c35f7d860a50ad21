#!/usr/bin/env python3
"""Writes the reference values of the block formats: random blocks, and the floats that the package gguf (0.19) decodes
them to. Scales are small normal numbers, all other bytes are drawn freely. Needs: pip install gguf.

    blocks.py --out src/test/resources/reference/blocks
"""
import argparse
import os

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants

TYPES = ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K", "MXFP4"]
# Positions of half-precision numbers in a block.
HALVES = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2],
          "Q6_K": [208], "MXFP4": []}
BLOCKS = {32: 12, 256: 4}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    out = parser.parse_args().out
    os.makedirs(out, exist_ok=True)
    draw = np.random.default_rng(7)
    for name in TYPES:
        kind = GGMLQuantizationType[name]
        elements, size = GGML_QUANT_SIZES[kind]
        blocks = draw.integers(0, 256, (BLOCKS[elements], size), dtype=np.uint8)
        for at in HALVES[name]:
            blocks[:, at:at + 2] = draw.normal(0, 0.05, (len(blocks), 1)).astype(np.float16).view(np.uint8)
        if name == "MXFP4":
            blocks[:, 0] = [0, 1, 2, 120, 125, 126, 127, 128, 130, 200, 240, 251]
        floats = quants.dequantize(blocks, kind).astype("<f4").reshape(-1)
        assert np.isfinite(floats).all(), name
        blocks.tofile(os.path.join(out, name + ".blocks"))
        floats.tofile(os.path.join(out, name + ".floats"))
        print(name, len(blocks), "blocks", len(floats), "floats")


if __name__ == "__main__":
    main()
