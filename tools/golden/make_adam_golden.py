"""Records 100 steps of bitsandbytes' Adam8bit on the CPU, so that lacos's optimizer can be tested without Python.

Usage: python make_adam_golden.py OUTPUT   (needs torch and bitsandbytes; OUTPUT is tests/golden/optimizer/adam8.txt)

Parameters and gradients come from a 32-bit linear congruential generator that the test runs too, so only states are
recorded, at certain steps: FNV-1a hashes of codes and scales, which must be equal bit for bit; every 16th parameter as
32 bits in hexadecimal, which is compared with a tolerance because torch's vectorized square root is not correctly
rounded on every CPU; and for float states every 16th value of m, v and p.

Gradient i of step t is uniform in [-1, 1) times 2^-(i / 256 mod 12), so that blocks differ in scale. In block 3 it is
zero for the first ten steps.
"""
import sys

import bitsandbytes
import numpy as np
import torch

CHECKPOINTS = (1, 2, 10, 50, 100)


def uniform(state, n):
    """n values in [-1, 1) that are multiples of 2^-23, from x = 1664525 x + 1013904223 mod 2^32."""
    out = np.empty(n, np.float32)
    x = state
    for i in range(n):
        x = (1664525 * x + 1013904223) & 0xFFFFFFFF
        out[i] = (x >> 8) * 2.0**-23 - 1.0
    return out, x


def fnv1a(array):
    h = 0xCBF29CE484222325
    for byte in array.tobytes():
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def sample(values):
    return " ".join(f"{b:08x}" for b in np.asarray(values, np.float32).view(np.uint32)[::16])


def main():
    torch.set_num_threads(1)
    lines = [f"bitsandbytes {bitsandbytes.__version__} torch {torch.__version__}"]
    for name, n, decay in (("odd", 5000, 0.0), ("even_decay", 8192, 0.01), ("tiny", 300, 0.0), ("tiny_decay", 300, 0.01)):
        values, x = uniform(12345, n)
        p = torch.nn.Parameter(torch.from_numpy(values.copy()))
        optimizer = bitsandbytes.optim.Adam8bit([p], lr=1e-3, weight_decay=decay)
        scale = np.float32(2.0) ** -((np.arange(n) // 256) % 12).astype(np.float32)
        lines.append(f"run {name} {n} {decay}")
        for step in range(1, 101):
            gradient, x = uniform(x, n)
            gradient *= scale
            if step <= 10:
                gradient[3 * 256 : 4 * 256] = 0
            p.grad = torch.from_numpy(gradient)
            optimizer.step()
            if step not in CHECKPOINTS:
                continue
            state = optimizer.state[p]
            lines.append(f"step {step}")
            if "absmax1" in state:
                parts = [state[k].numpy() for k in ("state1", "state2", "absmax1", "absmax2")]
                lines.append(" ".join(fnv1a(a) for a in parts))
            else:
                lines += [sample(state["state1"].numpy()), sample(state["state2"].numpy())]
            lines.append(sample(p.detach().numpy()))
    with open(sys.argv[1], "w") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
