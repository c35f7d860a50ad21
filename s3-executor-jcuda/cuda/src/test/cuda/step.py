"""Checks decode_step.cu against the kernels that it replaces, bit by bit, and times both.

Usage: step.py s3kernels.fatbin[,step.cubin] [check] [time]
S3_LAYERS (8): layers of the timed models; S3_SHAPES, S3_ROWS, S3_CONTEXTS: which ones, with commas between them.
"""

import ctypes
import itertools
import os
import sys

from gpu import *

P = ctypes.c_void_p
I = ctypes.c_int
F = ctypes.c_float
CLASSES = (1, 8, 16)  # rows that a kernel has room for
THREADS = 384
QKV, OUT, UP, DOWN = range(4)
SHAPES = (("llama-13b", int(os.environ.get("S3_LAYERS", "8")),
           dict(hidden=5120, heads=40, kv_heads=40, d=128, inner=13824)),
          ("llama-3-8b", 8, dict(hidden=4096, heads=32, kv_heads=8, d=128, inner=14336)),
          ("llama-1b", 16, dict(hidden=2048, heads=32, kv_heads=32, d=64, inner=8192)))


class Layer(ctypes.Structure):
    _fields_ = [("weights", P * 4), ("biases", P * 4), ("attention_norm", P), ("feed_forward_norm", P),
                ("frequencies", P)]


class Plan(ctypes.Structure):
    _fields_ = [("table", P), ("shares", P), ("state", P), ("report", P), ("positions", P), ("sequences", P), ("starts", P),
                ("tables", P), ("pool", P), ("stream", P), ("second_stream", P), ("normed", P), ("attended", P),
                ("activated", P), ("partial", P), ("second_partial", P), ("sums", P), ("states", P), ("counters", P), ("layers", I), ("hidden", I), ("heads", I),
                ("kv_heads", I), ("inner", I), ("splits", I * 4), ("rotary", I), ("interleaved", I), ("magnitude", F),
                ("epsilon", F), ("factor", F), ("scale", F), ("activation", I), ("gated", I), ("groups", I),
                ("max_parts", I), ("rows", I), ("limit", ctypes.c_longlong)]


def bytes_of(structure):
    return torch.frombuffer(bytearray(bytes(structure)), dtype=torch.uint8).cuda()


def row_class(rows):
    return next(n for n in CLASSES if rows <= n)


def step_shared(d, n):
    """Bytes of StepMemory for n rows."""
    aligned = lambda size, to: ceil(size, to) * to
    stages = 5 if n == 16 else 6
    stage = max(32768 + 3 * n * 128, 256 * (d + 8))
    teams, units = (1, 4) if n == 1 else (2, 1) if d == 64 else (1, 2)
    attention = aligned(32 * (d + 8) + 32 * teams * (64 * units + 8) + 16 * d + 256 * teams * units + 4, 16)
    own = max(attention, 2 * 8192 if n == 1 else 16) + 4 * n * d + 2 * (d + 8)
    total = stages * (stage + 16) + own + 4 * (3 * n + 2) + 128
    return aligned(aligned(total, 8) + ctypes.sizeof(Plan) + 48 + 8, 16)


def shares(products, layers, blocks):
    """Where the units of each block begin: each segment to blocks of its own, as even as can be, what is over going to those
    that have had least."""
    load = [0] * blocks
    out = []
    for _ in range(layers):
        for n, k, splits in products:
            parts = splits if splits <= blocks else 1
            at, starts = 0, [0]
            for part in range(parts):
                own = range(part * blocks // parts, (part + 1) * blocks // parts)
                least, over = divmod(n // 16 * splits // parts, len(own))
                more = set(sorted(own, key=lambda b: load[b])[:over])
                for b in own:
                    load[b] += (least + (b in more)) * (k // 64 // splits)
                    at += least + (b in more)
                    starts.append(at)
            out += starts
    return torch.tensor(out, dtype=torch.int32, device="cuda")


class Model:
    def __init__(self, k, hidden, heads, kv_heads, d, inner, layers, positions, gated=True, bias=False, factor=1.0, pad=0,
                 scale_weights=1.0):
        self.k, self.hidden, self.heads, self.kv_heads, self.d, self.inner = k, hidden, heads, kv_heads, d, inner
        self.layers, self.gated, self.factor = layers, gated, factor
        self.qkv = (heads + 2 * kv_heads) * d
        self.up = inner * (2 if gated else 1)
        shapes = [(self.qkv, hidden), (hidden, heads * d), (self.up, hidden), (hidden, inner)]
        half = lambda *s: torch.randn(*s, device="cuda", dtype=torch.float16)
        self.weights = [[retile(k, half(n, w) * w**-0.5) for n, w in shapes] for _ in range(layers)]
        self.biases = [[half(n) * 0.1 if bias else None for n, _ in shapes] for _ in range(layers)]
        self.norms = [[1 + 0.1 * torch.randn(hidden, device="cuda") for _ in range(2)] for _ in range(layers)]
        self.products = [(n, w, splits_of(n, w)) for n, w in shapes]
        self.rows = len(positions) + pad
        self.positions = torch.tensor(list(positions) + [0] * pad, device="cuda", dtype=torch.int32)
        self.sequences = torch.tensor(list(range(len(positions))) + [-1] * pad, device="cuda", dtype=torch.int32)
        blocks = [p // 16 + 1 for p in positions]
        self.starts = torch.tensor([sum(blocks[:i]) for i in range(len(blocks))] + [0] * pad, device="cuda",
                                   dtype=torch.int32)
        self.tables = torch.randperm(sum(blocks), device="cuda", dtype=torch.int32)
        self.parts = max(positions) // 256 + 1
        self.first_pool = half(sum(blocks) * layers * 2 * kv_heads * 16 * d)
        self.first_stream = torch.randn(self.rows, hidden, device="cuda")
        self.groups = ceil(self.rows, 8)
        self.frequencies = torch.tensor([10000.0 ** (-2 * i / d) for i in range(d // 2)], device="cuda")
        zeros = lambda n, t=torch.float16: torch.zeros(n, device="cuda", dtype=t)
        capacity = self.groups * 8
        self.normed, self.attended = zeros(capacity * hidden), zeros(capacity * heads * d)
        self.activated, self.rows_of_qkv = zeros(capacity * inner), zeros(capacity * self.qkv)
        self.sums = zeros(self.rows * heads * self.parts * d, torch.float32)
        self.states = zeros(self.rows * heads * self.parts * 2, torch.float32)
        self.counters = zeros(self.rows * kv_heads, torch.int32)
        self.reset()
        self.plan()

    def reset(self):
        self.pool, self.stream = self.first_pool.clone(), self.first_stream.clone()

    def plan(self):
        blocks = torch.cuda.get_device_properties(0).multi_processor_count
        address = lambda t: t.data_ptr() if t is not None else 0
        table = (Layer * self.layers)()
        for i, layer in enumerate(table):
            for j in range(4):
                layer.weights[j] = address(self.weights[i][j])
                layer.biases[j] = address(self.biases[i][j])
            layer.attention_norm, layer.feed_forward_norm = map(address, self.norms[i])
            layer.frequencies = address(self.frequencies)
        self.table = bytes_of(table)
        self.shares = shares(self.products, self.layers, blocks)
        self.state = torch.zeros(4, device="cuda", dtype=torch.int32)
        self.report = torch.zeros(1, device="cuda", dtype=torch.int32)
        most = max(w * s for w, _, s in self.products)
        self.partial, self.second_partial = (torch.zeros(most * row_class(self.rows), device="cuda") for _ in range(2))
        self.second_stream = torch.zeros(self.hidden, device="cuda")
        self.fields = Plan(
            address(self.table), address(self.shares), address(self.state), address(self.report), address(self.positions),
            address(self.sequences), address(self.starts), address(self.tables), address(self.pool), address(self.stream),
            address(self.second_stream), address(self.normed), address(self.attended), address(self.activated),
            address(self.partial), address(self.second_partial), address(self.sums), address(self.states), address(self.counters), self.layers, self.hidden, self.heads,
            self.kv_heads, self.inner, (I * 4)(*[s for _, _, s in self.products]), self.d, 0, 1.0, 1e-5, self.factor,
            self.d**-0.5, 0, int(self.gated), self.groups, self.parts, 0, int(os.environ.get("S3_LIMIT", 200_000_000)))
        self.plan_bytes = bytes_of(self.fields)
        self.blocks = blocks

    def one(self):
        """The step in one launch."""
        n = row_class(self.rows)
        self.k.launch(f"decode_step_f16_d{self.d}_n{n}", (self.blocks,), THREADS, step_shared(self.d, n), self.plan_bytes,
                      self.rows)

    def many(self):
        """The step in a launch for each part."""
        k, m, g, h = self.k, self.rows, self.groups, self.hidden
        for i in range(self.layers):
            w, b = self.weights[i], self.biases[i]
            norm = lambda which: k.launch("rms_norm_f16", (m,), 1024, 0, self.stream, None, None, self.norms[i][which],
                                          self.normed, h, g, 1e-5)
            norm(0)
            gemm(k, "f16", w[QKV], self.normed, self.rows_of_qkv, m, self.qkv, h, g, self.qkv, bias=b[QKV])
            k.launch("rotate_and_store_f16", (m, rotate_blocks(m, self.heads, self.kv_heads)), 256, self.d * 4,
                     self.rows_of_qkv, self.pool, self.positions, self.sequences, self.starts, self.tables,
                     self.frequencies, i, self.layers, self.heads, self.kv_heads, self.d, self.d, 0, 1.0, None, None, 1e-5, 0)
            q = self.rows_of_qkv.view(-1, self.qkv)
            attention_decode(k, "f16", self.d, q, self.pool, self.positions, self.sequences, self.starts, self.tables, None,
                             self.sums, self.states, self.counters, self.attended, g, i, self.layers, self.heads,
                             self.kv_heads, m, self.parts)
            gemm(k, "f16", w[OUT], self.attended, self.stream, m, h, self.heads * self.d, g, h, mode=2, bias=b[OUT],
                 factor=self.factor)
            norm(1)
            gemm(k, "f16", w[UP], self.normed, self.activated, m, self.up, h, g, g, mode=3 if self.gated else 4,
                 bias=b[UP])
            gemm(k, "f16", w[DOWN], self.activated, self.stream, m, h, self.inner, g, h, mode=2, bias=b[DOWN],
                 factor=self.factor)

    def bits(self, launch):
        self.pool.copy_(self.first_pool)
        self.stream.copy_(self.first_stream)
        launch()
        torch.cuda.synchronize()
        return [t.clone() for t in (self.stream, self.pool, self.normed, self.attended, self.activated)]

    def roofline(self):
        weights = sum(n * k for n, k, _ in self.products)
        tokens = sum(p + 1 for p in self.positions.tolist())
        return (2 * weights + 4 * self.kv_heads * self.d * tokens) / 4.4e12


def check_model(k, name, rows=None, **shape):
    model = Model(k, **shape)
    live = len(shape["positions"])
    many = model.bits(model.many)
    ok = True
    for turn in range(3):
        one = model.bits(model.one)
        failed = model.state[3].item()
        if failed:
            print(f"FAILED {name}: phase {(failed - 1) >> 16} (layer {(failed - 1 >> 16) // 8}, {(failed - 1 >> 16) % 8}), "
                  f"block {(failed - 1) & 0xFFFF}, state {model.state.tolist()}", flush=True)
            return False
        same = [torch.equal(many[0][:live], one[0][:live]), torch.equal(many[1], one[1])]
        ok = ok and all(same)
        if not all(same):
            d = (many[0][:live] - one[0][:live]).abs()
            print(f"DIFFERS {name} turn {turn}: stream {same[0]} (worst {d.max().item():.3g}, values {(d > 0).sum().item()} of "
                  f"{d.numel()}, nan {torch.isnan(one[0][:live]).sum().item()}), pool {same[1]} "
                  f"({(many[1] != one[1]).sum().item()} values)", flush=True)
            untiled = [untile_rows(t[i], live, w, model.groups) for t in (many, one)
                       for i, w in ((2, model.hidden), (3, model.heads * model.d), (4, model.inner))]
            for i, what in enumerate(("normed", "attended", "activated")):
                x, y = untiled[i].float(), untiled[i + 3].float()
                print(f"   {what}: {(x != y).sum().item()} of {x.numel()} differ, worst {(x - y).abs().max().item():.3g}",
                      flush=True)
            break
    print("same " if ok else "WRONG", name, flush=True)
    return ok


def check_limit(k):
    """A launch that may not wait ends and says where; the next one is right again."""
    model = Model(k, layers=3, positions=[600, 5], hidden=512, heads=4, kv_heads=4, d=128, inner=1024)
    many = model.bits(model.many)
    plan, limited = model.plan_bytes, model.fields
    limited.limit = 0
    model.plan_bytes = bytes_of(limited)
    model.bits(model.one)
    failed, reported = model.state[3].item() & 0xFFFFFFFF, model.report.item() & 0xFFFFFFFF
    model.plan_bytes = plan
    for t in (model.state, model.report, model.counters):
        t.zero_()
    one = model.bits(model.one)
    ok = failed != 0 and failed == reported and torch.equal(many[0], one[0]) and torch.equal(many[1], one[1])
    print("same " if ok else "WRONG", f"after a launch that failed in phase {(failed - 1) >> 16}", flush=True)
    return ok


def check_all(k):
    small = dict(hidden=512, heads=4, kv_heads=4, d=128, inner=1024)
    ok = check_model(k, "small, 1 layer, 1 row", layers=1, positions=[5], **small)
    if not ok:
        return False
    ok &= check_model(k, "small, 3 layers, 1 row, parts", layers=3, positions=[600], **small)
    ok &= check_model(k, "small, 3 layers, 3 rows", layers=3, positions=[600, 0, 255], **small)
    ok &= check_model(k, "small, bias", layers=2, positions=[63, 64, 256, 300, 17], bias=True, factor=0.7, **small)
    ok &= check_model(k, "small, padded", layers=2, positions=[63, 64, 256], pad=1, **small)
    ok &= check_model(k, "small, 8 rows", layers=2, positions=[i * 37 for i in range(8)], **small)
    ok &= check_model(k, "small, 1 row, bias", layers=3, positions=[200], bias=True, factor=0.7, **small)
    ok &= check_model(k, "small, 1 row, long, no gate", layers=3, positions=[5000], gated=False, **small)
    grouped = dict(hidden=2048, heads=32, kv_heads=8, d=64, inner=5632)
    ok &= check_model(k, "grouped d64, 4 rows", layers=2, positions=[700, 31, 511, 512], **grouped)
    ok &= check_model(k, "grouped d64, 1 row, bias", layers=3, positions=[1023], bias=True, **grouped)
    ok &= check_model(k, "wide, 1 row", layers=2, positions=[300], hidden=8192, heads=64, kv_heads=8, d=128, inner=8192)
    ok &= check_model(k, "grouped d64, 8 rows, no gate", layers=2, positions=[700, 31, 511, 512] * 2, gated=False, **grouped)
    ok &= check_model(k, "llama-1b", layers=4, positions=[511] * 2, hidden=2048, heads=32, kv_heads=32, d=64, inner=8192)
    ok &= check_model(k, "llama-13b, 1 row", layers=2, positions=[511], hidden=5120, heads=40, kv_heads=40, d=128,
                      inner=13824)
    ok &= check_model(k, "llama-13b, 1 long row", layers=2, positions=[2047], hidden=5120, heads=40, kv_heads=40, d=128,
                      inner=13824)
    ok &= check_model(k, "llama-13b, 8 rows", layers=2, positions=[511, 3, 255, 900, 1, 100, 640, 64], hidden=5120,
                      heads=40, kv_heads=40, d=128, inner=13824)
    ok &= check_model(k, "small, 16 rows", layers=3, positions=[i * 53 for i in range(16)], **small)
    ok &= check_model(k, "grouped d64, 13 rows, bias", layers=2, positions=[700, 31, 511, 512] * 3 + [1], bias=True, **grouped)
    ok &= check_model(k, "grouped 16, 9 rows", layers=2, positions=[700, 31, 511, 512, 0, 2100, 64, 65, 127], hidden=2048,
                      heads=32, kv_heads=2, d=128, inner=4096)
    return ok & check_limit(k)


def seconds(model, launch):
    return time_graph([launch], 11, lambda: model.stream.copy_(model.first_stream))


def time_all(k):
    numbers = lambda name, default: [int(v) for v in os.environ.get(name, default).split(",")]
    chosen = os.environ.get("S3_SHAPES", "llama-13b,llama-1b").split(",")
    for (name, count, shape), context, rows in itertools.product(SHAPES, numbers("S3_CONTEXTS", "512"),
                                                                 numbers("S3_ROWS", "1,2,4,8,16")):
        if name in chosen:
            model = Model(k, layers=count, positions=[context - 1] * rows, **shape)
            roof = model.roofline() * 1e6
            many = seconds(model, model.many) / count * 1e6
            one = seconds(model, model.one) / count * 1e6
            print(f"{name}, context {context}, {rows} rows, us a layer: roof {roof:.1f}, many {many:.1f} ({roof / many:.0%}), "
                  f"one {one:.1f} ({roof / one:.0%}), {many / one:.2f} times; state {model.state.tolist()}", flush=True)
            del model


def main():
    k = Kernels(sys.argv[1])
    print(torch.cuda.get_device_name(), flush=True)
    ok = "check" not in sys.argv[2:] or check_all(k)
    if "time" in sys.argv[2:]:
        time_all(k)
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
