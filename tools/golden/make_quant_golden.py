"""Records how bitsandbytes' CPU library quantizes given floats, so that lacos's codes can be tested without Python.

Usage: python make_quant_golden.py OUTPUT   (needs torch and bitsandbytes; OUTPUT is tests/golden/quant/dynamic.txt)

The file is text. First come the maps: `map signed|unsigned` and 256 floats. Then come the cases: `case NAME
signed|unsigned BLOCK N`, the N inputs, the absmax of each block and the N codes, each on one line. Floats are written
as 32 bits in hexadecimal.
"""
import sys

import bitsandbytes
import numpy as np
import torch
from bitsandbytes import functional as F


def bits(values):
    return " ".join(f"{b:08x}" for b in np.asarray(values, np.float32).view(np.uint32))


def main():
    maps = {"signed": F.create_dynamic_map(True), "unsigned": F.create_dynamic_map(False)}
    rng = np.random.default_rng(20240501)
    normal = rng.standard_normal(700).astype(np.float32)
    spread = (rng.standard_normal(512) * 10.0 ** rng.uniform(-8, 0, 512)).astype(np.float32)
    signed = maps["signed"].numpy().astype(np.float64)
    ties = np.append(((signed[:-1] + signed[1:]) / 2).astype(np.float32), np.float32(1))
    cases = [
        ("normal_with_a_short_last_block", "signed", 256, normal),
        ("squares", "unsigned", 256, normal**2),
        ("eight_decades", "signed", 64, spread),
        ("eight_decades_unsigned", "unsigned", 64, np.abs(spread)),
        ("midpoints_between_codes", "signed", 256, ties),
        ("zeros_then_values", "signed", 64, np.concatenate([np.zeros(64), normal[:64]])),
        ("zeros_unsigned", "unsigned", 64, np.zeros(64)),
        ("denormals", "signed", 4, [1e-39, 5e-40, -1e-39, 0, 1e-44, 5e-45, -1e-44, 0, 1e-38, 5e-39, -1e-38, 0]),
        ("not_finite", "signed", 3, [np.nan, 1, 2, np.inf, 1, -2, 1, -np.inf, 2]),
        ("edges", "signed", 64, [1, 0.9999999, -1, -0.9999, -0.994, -0.0, 0, 5e-8, 3e-7, 2.75e-7, 1e-5, -1e-5]),
    ]
    lines = [f"bitsandbytes {bitsandbytes.__version__}"]
    for name, code in maps.items():
        lines += [f"map {name}", bits(code.numpy())]
    for name, kind, block, values in cases:
        values = np.asarray(values, np.float32)
        codes, absmax = torch.ops.bitsandbytes.quantize_blockwise(torch.from_numpy(values), maps[kind], block)
        lines += [f"case {name} {kind} {block} {len(values)}", bits(values), bits(absmax.numpy())]
        lines += [" ".join(str(c) for c in codes.numpy())]
    with open(sys.argv[1], "w") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
