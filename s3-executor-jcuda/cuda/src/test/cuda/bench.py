"""Times matrix products and attention against their rooflines and cuBLAS; medians, cold second-level cache.

Usage: bench.py s3kernels.fatbin gemm|configurations|quant|quant_configurations|attention|attention8|kv8|small|gather ...
S3_SHAPES=5120x13824,... and S3_ROWS=1,16,... choose other products; S3_FORMATS=u4.128.0,... formats (code, group, form).
"""

import os
import struct
import sys

import torch

from gpu import *

K = Kernels(sys.argv[1])
BANDWIDTH, FLOPS = 4.4e12, 711e12
SHAPES = [(15360, 5120), (5120, 5120), (27648, 5120), (5120, 13824)]
if "S3_SHAPES" in os.environ:
    SHAPES = [tuple(map(int, shape.split("x"))) for shape in os.environ["S3_SHAPES"].split(",")]
ROWS = list(map(int, os.environ.get("S3_ROWS", "1,16,64,128,256,512,1024").split(",")))


class Product:
    """A weight in enough copies to leave the cache cold, and activations for the largest batch."""

    def __init__(self, n, k):
        self.n, self.k = n, k
        self.copies = max(3, int(400e6 // (n * k * 2)))
        self.plain = [torch.randn(n, k, device="cuda", dtype=torch.float16) * k**-0.5 for _ in range(self.copies)]
        self.tiles = [retile(K, w) for w in self.plain]
        self.x = torch.randn(max(ROWS), k, device="cuda", dtype=torch.float16)

    def cublas(self, m):
        x = self.x[:m]
        out = torch.empty(m, self.n, device="cuda", dtype=torch.float16)
        return time_graph([lambda w=w: torch.mm(x, w.T, out=out) for w in self.plain] * 2)

    def ours(self, m, configuration=None, splits=None):
        xt, groups = tile_rows(K, self.x[:m].contiguous())
        y = torch.empty(m, self.n, device="cuda", dtype=torch.float16)
        return time_graph([
            lambda w=w: gemm(K, "f16", w, xt, y, m, self.n, self.k, groups, self.n, splits=splits,
                             configuration=configuration) for w in self.tiles] * 2)

    def roofline(self, m):
        data = 2 * (self.n * self.k + m * self.k + m * self.n)
        return max(data / BANDWIDTH, 2 * m * self.n * self.k / FLOPS)


def bench_gemm():
    print(f"{'n x k':>14} {'m':>5} {'ours us':>8} {'cuBLAS':>8} {'roof us':>8} {'of roof':>8} {'TB/s w':>7} {'TFLOP/s':>8}")
    for n, k in SHAPES:
        product = Product(n, k)
        for m in ROWS:
            ours, cublas, roof = product.ours(m), product.cublas(m), product.roofline(m)
            print(f"{n:>7}x{k:<6} {m:>5} {ours * 1e6:8.1f} {cublas * 1e6:8.1f} {roof * 1e6:8.1f} {roof / ours:8.0%} "
                  f"{2 * n * k / ours / 1e12:7.2f} {2 * m * n * k / ours / 1e12:8.0f}", flush=True)


class QuantProduct(Product):
    """The same weights in codes, in enough copies to leave the cache cold."""

    def quantised(self, code, group=128, form=SYMMETRIC):
        w = Quantised(code, self.n, self.k, group, form)
        count = max(2, int(150e6 // w.bytes))
        codes, scales = quantise(K, code, self.plain[0])
        scales = scales.repeat_interleave(128 // group, 1).contiguous()
        seconds = None if form == SYMMETRIC else torch.full_like(scales, 7.0)
        self.weights = [Quantised(code, self.n, self.k, group, form).load(K, "f16", codes, scales, seconds)
                        for _ in range(count)]
        return self

    def ours_quantised(self, m, configuration=None, splits=None):
        xt, groups = tile_rows(K, self.x[:m].contiguous())
        y = torch.empty(m, self.n, device="cuda", dtype=torch.float16)
        return time_graph([lambda w=w: quant_gemm(K, "f16", w, xt, y, m, groups, self.n, splits=splits,
                                                  configuration=configuration) for w in self.weights] * 2)


FORMATS = [("u4", 128, SYMMETRIC), ("u4", 128, ZERO), ("u4", 32, OFFSET), ("s8", 128, SYMMETRIC), ("s8", 32, SYMMETRIC),
           ("s8", 32, OFFSET), ("s8", 16, SYMMETRIC), ("e4m3", 128, SYMMETRIC)]
if "S3_FORMATS" in os.environ:
    FORMATS = [f for f in FORMATS if f"{f[0]}.{f[1]}.{f[2]}" in os.environ["S3_FORMATS"].split(",")]


def bench_quant():
    """Microseconds of fp16 (ours and cuBLAS) and of each format, and how many times fp16."""
    for n, k in SHAPES:
        product = QuantProduct(n, k)
        plain = {m: (product.ours(m), product.cublas(m)) for m in ROWS}
        for code, group, form in FORMATS:
            product.quantised(code, group, form)
            bits = product.weights[0].bytes * 8 / n / k
            line = []
            for m in ROWS:
                seconds = product.ours_quantised(m)
                line.append(f"m{m} {seconds * 1e6:.1f}/{plain[m][0] * 1e6:.1f}/{plain[m][1] * 1e6:.1f} {plain[m][0] / seconds:.2f}x")
            print(f"{n}x{k} {code} group {group} form {form} {bits:.2f} bits, us / ours fp16 / cuBLAS: " + "; ".join(line), flush=True)


def bench_quant_configurations():
    """Every configuration with every number of segments, to choose from."""
    for n, k in SHAPES:
        product = QuantProduct(n, k)
        for code, group, form in FORMATS:
            product.quantised(code, group, form)
            for m in ROWS:
                line = []
                for splits in QUANT_SPLITS:
                    for c in quant_configurations(code, m, n, splits):
                        if min(m, 128) <= c[2] < 4 * max(m, 16):
                            line.append((product.ours_quantised(m, c, splits), f"{c[0].replace(code + '_', '')}/{splits}"))
                line.sort()
                print(f"{n}x{k} {code}.{group}.{form} m{m} | " + " ".join(f"{name}:{t * 1e6:.1f}" for t, name in line[:7]), flush=True)


def bench_configurations():
    """Every configuration, to choose from."""
    for n, k in SHAPES:
        product = Product(n, k)
        choices = (splits_of(n, k),)
        for m in ROWS:
            line = []
            for splits in choices:
                some = [c for c in configurations(splits) if min(m, 64) <= c[2] < 4 * max(m, 16)]
                for c in some:
                    line.append((product.ours(m, c, splits), f"{c[0]}/{splits}"))
            line.sort()
            best = " ".join(f"{name}:{t * 1e6:.1f}" for t, name in line[:9])
            print(f"{n}x{k} m{m} roof {product.roofline(m) * 1e6:.1f} cublas {product.cublas(m) * 1e6:.1f} | {best}",
                  flush=True)


def ints(values):
    return torch.tensor(values, device="cuda", dtype=torch.int32)


def pool_of(blocks, layers, kv_heads, d, coded):
    """KV of 16 or 8 bits with random contents; the scales of the latter are all the same."""
    if not coded:
        return torch.randn(blocks, layers, 2, kv_heads, 16, d, device="cuda", dtype=torch.float16)
    memory = torch.randint(0, 255, (blocks, layers, 2, kv_heads, head_bytes(d)), device="cuda", dtype=torch.uint8)
    memory[..., 16 * d :].view(torch.float32).fill_(0.02)
    return memory


def decode_seconds(heads, kv_heads, batch, context, d=128, layers=2, coded=False):
    parts, per = ceil(context, 256), context // 16
    memory = pool_of(batch * per, layers, kv_heads, d, coded)
    tables = torch.randperm(batch * per, device="cuda", dtype=torch.int32)
    starts, sequences = ints([s * per for s in range(batch)]), ints(list(range(batch)))
    positions = ints([context - 1] * batch)
    q = torch.randn(batch, heads * d, device="cuda", dtype=torch.float16)
    sums = torch.empty(batch * heads * parts * d, device="cuda")
    states = torch.empty(batch * heads * parts * 2, device="cuda")
    counters = torch.zeros(batch * kv_heads, device="cuda", dtype=torch.int32)
    groups = ceil(batch, 8)
    out = torch.zeros(groups * 8 * heads * d, device="cuda", dtype=torch.float16)

    def decode(layer):
        attention_decode(K, "f16", d, q, memory, positions, sequences, starts, tables, None, sums, states, counters, out,
                         groups, layer, layers, heads, kv_heads, batch, parts)

    return time_graph([lambda i=i: decode(i % layers) for i in range(8)])


def prefill_seconds(heads, kv_heads, start, count, d=128, coded=False):
    total = start + count
    memory = pool_of(ceil(total, 16), 1, kv_heads, d, coded)
    tables = torch.randperm(ceil(total, 16), device="cuda", dtype=torch.int32)
    q = torch.randn(count, heads * d, device="cuda", dtype=torch.float16)
    out = torch.zeros(ceil(count, 8) * 8 * heads * d, device="cuda", dtype=torch.float16)
    positions, sequences, zero, counts = ints(list(range(start, total))), ints([0] * count), ints([0]), ints([count])
    return time_graph([lambda: attention_prefill(K, "f16", d, q, memory, positions, sequences, zero, tables, zero, counts, out,
                                                 ceil(count, 8), 0, 1, heads, kv_heads, count)] * 4)


def bench_attention(coded=False):
    bits, d = 8 if coded else 16, 128
    print(f"decode, headDim 128, f16, KV in {bits} bits: microseconds, bandwidth of KV read")
    for heads, kv_heads in ((40, 40), (32, 8)):
        for batch in (16, 64, 128):
            for context in (512, 2048):
                both = decode_seconds(heads, kv_heads, batch, context, coded=coded)
                read = 2 * batch * context * kv_heads * (d + 4 if coded else 2 * d)
                print(f"heads {heads}/{kv_heads} batch {batch:>3} context {context:>4}: {both * 1e6:7.1f} us, "
                      f"{read / both / 1e12:5.2f} TB/s ({read / 1e6:.0f} MB)", flush=True)
    print(f"prefill of one chunk, headDim 128, f16, causal, KV in {bits} bits")
    for heads, kv_heads in ((40, 40), (32, 8)):
        for start, count in ((0, 512), (0, 2048), (1536, 512), (0, 8192)):
            seconds = prefill_seconds(heads, kv_heads, start, count, coded=coded)
            operations = 4 * d * heads * (count * start + count * (count + 1) / 2)
            print(f"heads {heads}/{kv_heads} positions {start} to {start + count}: {seconds * 1e6:7.1f} us, "
                  f"{operations / seconds / 1e12:4.0f} TFLOP/s", flush=True)


def bench_kv8():
    """KV of 16 and of 8 bits in turn."""
    for heads, kv_heads, batch, context in ((40, 40, 64, 512), (40, 40, 64, 2048), (40, 40, 1, 2048), (32, 8, 64, 2048)):
        wide, coded = (decode_seconds(heads, kv_heads, batch, context, coded=c) * 1e6 for c in (False, True))
        read = 2e-6 * batch * context * kv_heads * 132
        print(f"decode heads {heads}/{kv_heads} batch {batch:>3} context {context:>4}: 16 bits {wide:7.1f} us, "
              f"8 bits {coded:7.1f} us ({wide / coded:.2f} times as fast, {read / coded:.2f} TB/s)", flush=True)
    for heads, kv_heads, count in ((40, 40, 2048), (32, 8, 2048)):
        wide, coded = (prefill_seconds(heads, kv_heads, 0, count, coded=c) * 1e6 for c in (False, True))
        print(f"prefill heads {heads}/{kv_heads} of {count}: 16 bits {wide:7.1f} us, 8 bits {coded:7.1f} us "
              f"({wide / coded:.2f} times as fast)", flush=True)


def bench_small():
    m_values, width, inner = (1, 64, 1024), 5120, 13824
    for m in m_values:
        groups = ceil(m, 8)
        stream = torch.randn(m, width, device="cuda")
        weight = torch.randn(width, device="cuda")
        tiles = torch.zeros(groups * 8 * inner, device="cuda", dtype=torch.float16)
        norm = time_graph([lambda: K.launch("rms_norm_f16", (m,), norm_threads(width), 0, stream, None, None, weight, tiles, width,
                                            groups, 1e-5)] * 20)
        logits = torch.randn(m, 32000, device="cuda")
        line = [f"m {m}: rms_norm {norm * 1e6:.1f} us"]
        for name, t, k, p in (("greedy", 0.0, 0, 1.0), ("all", 1.0, 0, 1.0), ("top-k 50 top-p 0.9", 1.0, 50, 0.9)):
            data = b"".join(struct.pack("=dddqiiiiii", t, p, 1.0, 1, k, 9, 0, 0, r, 0) for r in range(m))
            rows = torch.frombuffer(bytearray(data), dtype=torch.uint8).cuda()
            tokens = torch.zeros(m, device="cuda", dtype=torch.int32)
            seconds = time_graph([lambda: K.launch("sample", (m,), 1024, 4000, logits, 32000, 32000, rows, tokens,
                                                   tokens, tokens)] * 4)
            line.append(f"sample {name} {seconds * 1e6:.1f} us")
        print(", ".join(line), flush=True)


def bench_gather():
    """The input of a product brought into the order of its weight's columns."""
    for k in (5120, 13824):
        for m in (1, 16, 64, 128, 1024):
            groups = ceil(m, 8)
            x = torch.zeros(groups * 8 * ceil(k, 64) * 64, device="cuda", dtype=torch.float16)
            y, order = torch.empty_like(x), torch.randperm(k, device="cuda").int()
            grid = min(2048, ceil(m * ceil(k, 64) * 8, 256))
            seconds = time_graph([lambda: K.launch("gather_columns_f16", (grid,), 256, 0, x, order, y, m, k, groups)] * 20)
            print(f"gather {m} x {k}: {seconds * 1e6:.1f} us", flush=True)


if __name__ == "__main__":
    print(torch.cuda.get_device_name())
    for part in sys.argv[2:]:
        {"gemm": bench_gemm, "configurations": bench_configurations, "attention": bench_attention,
         "attention8": lambda: bench_attention(coded=True), "kv8": bench_kv8, "small": bench_small,
         "quant": bench_quant, "gather": bench_gather, "quant_configurations": bench_quant_configurations}[part]()
