#!/usr/bin/env python3
"""A decode step of Llama shapes in plain PyTorch: fp16, static KV, scaled_dot_product_attention, one CUDA graph.

    python3 peer.py llama-13b:1x512,16x512 llama-33b:1x512

What a careful PyTorch user gets from cuBLAS without a serving engine: joined QKV and gate/up matrices, no padding.
"""
import sys

import torch
import torch.nn.functional as F

SHAPES = {  # layers, hidden, heads, intermediate
    "llama-1b": (16, 2048, 32, 8192),
    "llama-13b": (40, 5120, 40, 13824),
    "llama-33b": (60, 6656, 52, 17920),
}
VOCABULARY = 32000
STEPS = 24


def norm(x, weight):
    return F.rms_norm(x, (x.shape[-1],), weight, 1e-5)


def turn(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


class Model:
    def __init__(self, layers, hidden, heads, inner):
        def matrix(out, into):
            return torch.empty(out, into, device="cuda", dtype=torch.float16).normal_(0, into ** -0.5)

        self.heads, self.size, self.hidden = heads, hidden // heads, hidden
        self.embedding = matrix(VOCABULARY, hidden)
        self.output = matrix(VOCABULARY, hidden)
        self.one = torch.ones(hidden, device="cuda", dtype=torch.float16)
        self.layers = [(matrix(3 * hidden, hidden), matrix(hidden, hidden), matrix(2 * inner, hidden),
                        matrix(hidden, inner)) for _ in range(layers)]

    def step(self, tokens, keys, values, position, cos, sin):
        batch = tokens.shape[0]
        x = self.embedding[tokens]
        for i, (qkv, out, up, down) in enumerate(self.layers):
            q, k, v = F.linear(norm(x, self.one), qkv).view(batch, 3, self.heads, self.size).unbind(1)
            keys[i].index_copy_(2, position, turn(k, cos, sin).unsqueeze(2))
            values[i].index_copy_(2, position, v.unsqueeze(2))
            a = F.scaled_dot_product_attention(turn(q, cos, sin).unsqueeze(2), keys[i], values[i])
            x = x + F.linear(a.reshape(batch, self.hidden), out)
            gate, linear = F.linear(norm(x, self.one), up).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * linear, down)
        return F.linear(norm(x, self.one), self.output).argmax(-1)


@torch.no_grad()
def measure(name, model, batch, context):
    layers = len(model.layers)
    shape = (batch, model.heads, context + 1, model.size)
    keys = [torch.empty(shape, device="cuda", dtype=torch.float16).normal_() for _ in range(layers)]
    values = [torch.empty(shape, device="cuda", dtype=torch.float16).normal_() for _ in range(layers)]
    tokens = torch.randint(0, VOCABULARY, (batch,), device="cuda")
    position = torch.tensor([context], device="cuda")
    angle = torch.rand(model.size, device="cuda", dtype=torch.float16)
    cos, sin = angle.cos(), angle.sin()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(2):
            model.step(tokens, keys, values, position, cos, sin)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        model.step(tokens, keys, values, position, cos, sin)
    times = []
    for _ in range(STEPS):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    print(f"{name:10} {batch:6} {context:8} {sorted(times)[STEPS // 2]:8.2f}", flush=True)


def main():
    print("PyTorch", torch.__version__, torch.cuda.get_device_name())
    print("model       batch  context  ms/step")
    for wanted in sys.argv[1:]:
        name, points = wanted.split(":")
        model = Model(*SHAPES[name])
        for point in points.split(","):
            batch, context = map(int, point.split("x"))
            try:
                measure(name, model, batch, context)
            except torch.OutOfMemoryError:
                print(f"{name:10} {batch:6} {context:8} out of memory", flush=True)
            torch.cuda.empty_cache()
        del model
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
