"""Times a decode step's launches over some layers in one graph, and what each kind of kernel costs within it.

Usage: layers.py s3kernels.fatbin [batchxcontext ...]
S3_SHAPE=hidden,heads,kvHeads,intermediate,layers (default 5120,40,40,13824,8: llama-13b, eight layers of it)
S3_DROP=1 also times the step without each kind of kernel; S3_SWEEP=1 tries numbers of attention blocks a row.
"""

import os
import sys

from gpu import *

K = Kernels(sys.argv[1])
HIDDEN, HEADS, KV_HEADS, INNER, LAYERS = map(int, os.environ.get("S3_SHAPE", "5120,40,40,13824,8").split(","))
D = HIDDEN // HEADS
QKV = (HEADS + 2 * KV_HEADS) * D


def ints(values):
    return torch.tensor(values, device="cuda", dtype=torch.int32)


class Layers:
    def __init__(self, batch, context):
        self.batch, self.context = batch, context
        self.parts = ceil(context, 256)
        per = ceil(context, 16)
        self.memory = torch.randn(batch * per * LAYERS * 2 * KV_HEADS * 16 * D, device="cuda", dtype=torch.float16)
        self.tables = torch.randperm(batch * per, device="cuda", dtype=torch.int32)
        self.starts, self.sequences = ints([s * per for s in range(batch)]), ints(list(range(batch)))
        self.positions = ints([context - 1] * batch)
        self.groups = ceil(batch, 8)
        rows = self.groups * 8
        half = lambda n: torch.zeros(n, device="cuda", dtype=torch.float16)
        self.stream = torch.randn(rows, HIDDEN, device="cuda")
        self.normed, self.attended, self.inner = half(rows * HIDDEN), half(rows * HEADS * D), half(rows * INNER)
        self.qkv = torch.zeros(rows, QKV, device="cuda", dtype=torch.float16)
        self.sums = torch.empty(batch * HEADS * self.parts * D, device="cuda")
        self.states = torch.empty(batch * HEADS * self.parts * 2, device="cuda")
        self.counters = torch.zeros(batch * KV_HEADS, device="cuda", dtype=torch.int32)
        self.frequencies = torch.tensor([10000.0 ** (-2 * i / D) for i in range(D // 2)], device="cuda")
        self.norm_weight = torch.ones(HIDDEN, device="cuda")

    def launch(self, weights, drop="", blocks=None):
        m, groups = self.batch, self.groups
        for layer, (qkv, o, up, down) in enumerate(weights):
            if drop != "norm":
                self.norm()
            if drop != "qkv":
                gemm(K, "f16", qkv, self.normed, self.qkv, m, QKV, HIDDEN, groups, QKV)
            if drop != "rotate":
                K.launch("rotate_and_store_f16", (m, rotate_blocks(m, HEADS, KV_HEADS)), 256, D * 4, self.qkv, self.memory, self.positions, self.sequences,
                         self.starts, self.tables, self.frequencies, layer, LAYERS, HEADS, KV_HEADS, D, D, 0, 1.0, None, None, 1e-5, 0)
            if drop != "attention":
                attention_decode(K, "f16", D, self.qkv, self.memory, self.positions, self.sequences, self.starts,
                                 self.tables, None, self.sums, self.states, self.counters, self.attended, groups, layer,
                                 LAYERS, HEADS, KV_HEADS, m, self.parts, blocks)
            if drop != "o":
                gemm(K, "f16", o, self.attended, self.stream, m, HIDDEN, HEADS * D, groups, HIDDEN, mode=2)
            if drop != "norm":
                self.norm()
            if drop != "up":
                gemm(K, "f16", up, self.normed, self.inner, m, 2 * INNER, HIDDEN, groups, groups, mode=3)
            if drop != "down":
                gemm(K, "f16", down, self.inner, self.stream, m, HIDDEN, INNER, groups, HIDDEN, mode=2)

    def norm(self):
        K.launch("rms_norm_f16", (self.batch,), norm_threads(HIDDEN), 0, self.stream, None, None, self.norm_weight, self.normed, HIDDEN,
                 self.groups, 1e-5)

    def seconds(self, weights, drop="", blocks=None):
        return time_graph([lambda: self.launch(weights, drop, blocks)], 9, self.stream.normal_) / LAYERS

    def roofline(self):
        weights = QKV * HIDDEN + HEADS * D * HIDDEN + 3 * HIDDEN * INNER
        data = 2 * weights + 4 * KV_HEADS * D * self.batch * self.context
        return max(data / 4.4e12, 2 * weights * self.batch / 711e12)


def main():
    make = lambda n, k: retile(K, torch.randn(n, k, device="cuda", dtype=torch.float16) * k**-0.5)
    weights = [(make(QKV, HIDDEN), make(HIDDEN, HEADS * D), make(2 * INNER, HIDDEN), make(HIDDEN, INNER))
               for _ in range(LAYERS)]
    print(torch.cuda.get_device_name(), "us a layer; share of the roofline")
    for point in sys.argv[2:] or ["1x520", "16x520", "64x520", "128x520", "256x260"]:
        layers = Layers(*map(int, point.split("x")))
        roof = layers.roofline()
        plain = layers.seconds(weights)
        line = [f"{point}: roof {roof * 1e6:.1f}, took {plain * 1e6:.1f}, {roof / plain:.0%};"]
        if os.environ.get("S3_DROP"):
            for kind in ("norm", "qkv", "rotate", "attention", "o", "up", "down"):
                line.append(f"{kind} {(plain - layers.seconds(weights, kind)) * 1e6:.1f}")
        if os.environ.get("S3_SWEEP"):
            for blocks in range(1, layers.parts + 1):
                line.append(f"blocks {blocks}: {layers.seconds(weights, '', blocks) * 1e6:.1f}")
        print(" ".join(line), flush=True)
        del layers


if __name__ == "__main__":
    main()
