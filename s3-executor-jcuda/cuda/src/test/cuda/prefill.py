"""Times a prefill of one sequence over some layers in one graph, ours and PyTorch's, and the parts of ours alone.

Usage: prefill.py s3kernels.fatbin [tokens ...]   (default 2048 512 256)
S3_SHAPE=hidden,heads,kvHeads,intermediate,layers (default 5120,40,40,13824,4: llama-13b, four layers of it)
PyTorch: joined matrices, F.linear, F.rms_norm, scaled_dot_product_attention with each of its fused backends.
"""

import sys
import os

import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from gpu import *

HIDDEN, HEADS, KV_HEADS, INNER, LAYERS = map(int, os.environ.get("S3_SHAPE", "5120,40,40,13824,4").split(","))
D = HIDDEN // HEADS
QKV = (HEADS + 2 * KV_HEADS) * D
PARTS = ("norm", "qkv", "rotate", "attention", "o", "up", "down")


def ints(values):
    return torch.tensor(values, device="cuda", dtype=torch.int32)


def microseconds(body):
    """Median of a layer's time, all of them captured in one graph."""
    return time_graph([body]) * 1e6 / LAYERS


class Ours:
    def __init__(self, kernels, plain, m):
        self.kernels, self.m, self.groups = kernels, m, ceil(m, 8)
        self.weights = [[retile(kernels, w) for w in layer] for layer in plain]
        blocks, rows = ceil(m, 16), ceil(m, 8) * 8
        half = lambda n: torch.zeros(n, device="cuda", dtype=torch.float16)
        self.memory = half(blocks * LAYERS * 2 * KV_HEADS * 16 * D)
        self.tables = torch.randperm(blocks, device="cuda", dtype=torch.int32)
        self.zero, self.count = ints([0]), ints([m])
        self.positions, self.sequences = ints(list(range(m))), ints([0] * m)
        self.stream = torch.randn(rows, HIDDEN, device="cuda")
        self.normed, self.attended, self.inner = half(rows * HIDDEN), half(rows * HEADS * D), half(rows * INNER)
        self.qkv = half(rows * QKV).view(rows, QKV)
        self.frequencies = torch.tensor([10000.0 ** (-2 * i / D) for i in range(D // 2)], device="cuda")
        self.one = torch.ones(HIDDEN, device="cuda")

    def run(self, only=""):
        m, groups = self.m, self.groups
        for layer, (qkv, o, up, down) in enumerate(self.weights):
            calls = [
                ("norm", self.norm),
                ("qkv", lambda: self.product(qkv, self.normed, self.qkv, QKV, HIDDEN, QKV, 0)),
                ("rotate", lambda: self.rotate(layer)),
                ("attention", lambda: self.attention(layer)),
                ("o", lambda: self.product(o, self.attended, self.stream, HIDDEN, HEADS * D, HIDDEN, 2)),
                ("norm", self.norm),
                ("up", lambda: self.product(up, self.normed, self.inner, 2 * INNER, HIDDEN, groups, 3)),
                ("down", lambda: self.product(down, self.inner, self.stream, HIDDEN, INNER, HIDDEN, 2)),
            ]
            for part, call in calls:
                if only in ("", part):
                    call()

    def norm(self):
        self.kernels.launch("rms_norm_f16", (self.m,), norm_threads(HIDDEN), 0, self.stream, None, None, self.one, self.normed,
                            HIDDEN, self.groups, 1e-5)

    def product(self, w, x, y, n, k, stride, mode):
        gemm(self.kernels, "f16", w, x, y, self.m, n, k, self.groups, stride, mode=mode)

    def rotate(self, layer):
        self.kernels.launch("rotate_and_store_f16", (self.m, rotate_blocks(self.m, HEADS, KV_HEADS)), 256, D * 4, self.qkv,
                            self.memory, self.positions, self.sequences, self.zero, self.tables, self.frequencies, layer,
                            LAYERS, HEADS, KV_HEADS, D, D, 0, 1.0, None, None, 1e-5, 0)

    def attention(self, layer):
        attention_prefill(self.kernels, "f16", D, self.qkv, self.memory, self.positions, self.sequences, self.zero, self.tables,
                          self.zero, self.count, self.attended, self.groups, layer, LAYERS, HEADS, KV_HEADS, self.m)


def turn(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


class Peer:
    def __init__(self, plain, m):
        self.weights, self.m = plain, m
        self.one = torch.ones(HIDDEN, device="cuda", dtype=torch.float16)
        angle = torch.rand(m, 1, D, device="cuda", dtype=torch.float16)
        self.cos, self.sin = angle.cos(), angle.sin()
        self.x = torch.randn(m, HIDDEN, device="cuda", dtype=torch.float16)
        self.keys = torch.zeros(LAYERS, 1, m, KV_HEADS, D, device="cuda", dtype=torch.float16)
        self.values = torch.zeros_like(self.keys)

    def norm(self, x):
        return F.rms_norm(x, (HIDDEN,), self.one, 1e-5)

    def run(self):
        x, m = self.x, self.m
        for i, (qkv, o, up, down) in enumerate(self.weights):
            q, k, v = F.linear(self.norm(x), qkv).view(m, HEADS + 2 * KV_HEADS, D).split([HEADS, KV_HEADS, KV_HEADS], 1)
            self.keys[i, 0].copy_(turn(k, self.cos, self.sin))
            self.values[i, 0].copy_(v)
            a = F.scaled_dot_product_attention(turn(q, self.cos, self.sin)[None].transpose(1, 2),
                                               self.keys[i].transpose(1, 2), self.values[i].transpose(1, 2),
                                               is_causal=True, enable_gqa=HEADS != KV_HEADS)
            x = x + F.linear(a[0].transpose(0, 1).reshape(m, HIDDEN), o)
            gate, linear = F.linear(self.norm(x), up).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * linear, down)
        return x


@torch.no_grad()
def main():
    kernels = Kernels(sys.argv[1])
    print(torch.__version__, torch.cuda.get_device_name(), "us a layer", flush=True)
    make = lambda n, k: torch.randn(n, k, device="cuda", dtype=torch.float16) * k**-0.5
    plain = [[make(QKV, HIDDEN), make(HIDDEN, HEADS * D), make(2 * INNER, HIDDEN), make(HIDDEN, INNER)]
             for _ in range(LAYERS)]
    for m in map(int, sys.argv[2:] or [2048, 512, 256]):
        ours, peer = Ours(kernels, plain, m), Peer(plain, m)
        line = [f"{m} tokens: ours {microseconds(ours.run):.1f}"]
        for backend in (SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION):
            with sdpa_kernel(backend):
                line.append(f"PyTorch {backend.name} {microseconds(peer.run):.1f}")
        line.append(f"ours again {microseconds(ours.run):.1f}")
        line += [f"{part} {microseconds(lambda: ours.run(part)):.1f}" for part in PARTS]
        print(", ".join(line), flush=True)


if __name__ == "__main__":
    main()
