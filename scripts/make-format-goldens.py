#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/formats.txt: what the PyPI package `gguf` decodes from blocks of random bytes.

    pip install gguf numpy && scripts/make-format-goldens.py

A row is: format, number of blocks, checksum of every decoded float's bits, the first eight floats' bits.
The bytes come from a counter that tests/quant/test_format.c has too, so the blocks need no file: all scales
occur, infinities and NaN among them. NaNs are counted as one value; which one a CPU gives is its own affair.
"""
import pathlib

import numpy as np
from gguf import quants
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as Type

FORMATS = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]
BLOCKS = 8192


def mix(x):
    """pd_rng_mix() of src/base/rng.h, on an array."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def random_bytes(format_index, n):
    counter = np.arange((n + 7) // 8, dtype=np.uint64) + (np.uint64(format_index) << np.uint64(32))
    return mix(counter).astype("<u8").view(np.uint8)[:n]


def main():
    rows = []
    for index, name in enumerate(FORMATS):
        qtype = Type[name]
        _, block_bytes = GGML_QUANT_SIZES[qtype]
        blocks = random_bytes(index, BLOCKS * block_bytes).reshape(BLOCKS, block_bytes)
        with np.errstate(all="ignore"):
            if name == "F32":
                values = blocks.view("<f4").ravel().copy()
            elif name == "F16":
                values = blocks.view("<f2").astype(np.float32).ravel()
            else:
                values = quants.dequantize(blocks, qtype).astype(np.float32).ravel()
        bits = values.view(np.uint32).copy()
        bits[np.isnan(values)] = 0x7FC00000
        position = np.arange(bits.size, dtype=np.uint64) << np.uint64(32)
        checksum = int(mix(position | bits.astype(np.uint64)).sum(dtype=np.uint64))
        head = " ".join(f"{int(b):08x}" for b in bits[:8])
        rows.append(f"{name} {BLOCKS} {checksum:016x} {head}\n")
    path = pathlib.Path(__file__).resolve().parent.parent / "tests/golden/formats.txt"
    path.write_text("".join(rows))


if __name__ == "__main__":
    main()
