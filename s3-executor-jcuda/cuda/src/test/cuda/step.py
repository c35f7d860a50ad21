"""Checks decode_step.cu against the kernels that it replaces, bit by bit, and times both.

Usage: step.py s3kernels.fatbin[,step.cubin] [check] [check_coded] [time] [card] [cards] [time-cards]
check_coded: models whose weights have 4 and 8 bits; those of S3_FORMATS where it is set.
cards, time-cards: steps of two GPUs, against those of cards.cu, whose fatbin is then among the first argument's.
card: the same of one that meets itself alone, for compute-sanitizer.
S3_LAYERS (8): layers of the timed models; S3_SHAPES, S3_ROWS, S3_CONTEXTS, S3_FORMATS: which ones, with commas between them.
"""

import collections
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
FORMATS = {"full": None, "u4": ("u4", 128, SYMMETRIC), "u4z": ("u4", 128, ZERO), "u4z32": ("u4", 32, ZERO), "u4g64": ("u4", 64, SYMMETRIC),
           "u4o32": ("u4", 32, OFFSET), "e4m3": ("e4m3", 128, SYMMETRIC), "e4m3g64": ("e4m3", 64, SYMMETRIC),
           "s8": ("s8", 128, SYMMETRIC), "s8g32": ("s8", 32, SYMMETRIC), "s8g16": ("s8", 16, SYMMETRIC), "s8o32": ("s8", 32, OFFSET)}
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
                ("max_parts", I), ("scales", I), ("rows", I), ("limit", ctypes.c_longlong)]


def listed(name, default):
    """What an environment variable lists, with commas between."""
    return os.environ.get(name, default).split(",")


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
    return aligned(aligned(total, 8) + ctypes.sizeof(Plan) + 48 + 12, 16)


def coded(k, code, n, w, group, form):
    """A weight [n][w] of random codes, scales, and zeros or offsets."""
    codes = torch.randint(0, 256, (n, w * BITS[code] // 8), device="cuda", dtype=torch.uint8)
    if code == "e4m3":
        codes[(codes & 127) == 127] = 0
    spread = lambda: torch.rand(n, w // group, device="cuda")
    scales = (spread() + 0.5) * w**-0.5 / {"u4": 8, "s8": 128, "e4m3": 448}[code]
    seconds = torch.floor(spread() * 17) if form == ZERO else (spread() - 0.5) * w**-0.5 if form == OFFSET else None
    return Quantised(code, n, w, group, form).load(k, "f16", codes, scales, seconds)


def shares(products, layers, blocks, columns=64):
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
                    load[b] += (least + (b in more)) * (k // columns // splits)
                    at += least + (b in more)
                    starts.append(at)
            out += starts
    return torch.tensor(out, dtype=torch.int32, device="cuda")


class Model:
    def __init__(self, k, hidden, heads, kv_heads, d, inner, layers, positions, gated=True, bias=False, factor=1.0, pad=0,
                 format=None):
        self.k, self.hidden, self.heads, self.kv_heads, self.d, self.inner = k, hidden, heads, kv_heads, d, inner
        self.layers, self.gated, self.factor = layers, gated, factor
        self.qkv = (heads + 2 * kv_heads) * d
        self.up = inner * (2 if gated else 1)
        shapes = [(self.qkv, hidden), (hidden, heads * d), (self.up, hidden), (hidden, inner)]
        half = lambda *s: torch.randn(*s, device="cuda", dtype=torch.float16)
        self.code = format[0] if format else None
        weight = lambda n, w: coded(k, format[0], n, w, *format[1:]) if format else retile(k, half(n, w) * w**-0.5)
        self.weights = [[weight(n, w) for n, w in shapes] for _ in range(layers)]
        self.biases = [[half(n) * 0.1 if bias else None for n, _ in shapes] for _ in range(layers)]
        self.norms = [[1 + 0.1 * torch.randn(hidden, device="cuda") for _ in range(2)] for _ in range(layers)]
        self.products = [(n, w, quant_splits(n, w) if format else splits_of(n, w)) for n, w in shapes]
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
                layer.weights[j] = address(self.weights[i][j].tiles if self.code else self.weights[i][j])
                layer.biases[j] = address(self.biases[i][j])
            layer.attention_norm, layer.feed_forward_norm = map(address, self.norms[i])
            layer.frequencies = address(self.frequencies)
        self.table = bytes_of(table)
        self.shares = shares(self.products, self.layers, blocks, 128 if self.code else 64)
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
            self.d**-0.5, 0, int(self.gated), self.groups, self.parts, self.weights[0][0].scales if self.code else 0, 0,
            int(os.environ.get("S3_LIMIT", 200_000_000)))
        self.plan_bytes = bytes_of(self.fields)
        self.blocks = blocks

    def one(self, kernel="decode_step", *cards):
        """The step in one launch."""
        n = row_class(self.rows)
        code = f"_{self.code}" if self.code else ""
        self.k.launch(f"{kernel}_f16{code}_d{self.d}_n{n}", (self.blocks,), THREADS, step_shared(self.d, n), self.plan_bytes,
                      self.rows, *cards)

    def product(self, w, x, y, n, k, stride, **more):
        if self.code:
            quant_gemm(self.k, "f16", w, x, y, self.rows, self.groups, stride, **more)
        else:
            gemm(self.k, "f16", w, x, y, self.rows, n, k, self.groups, stride, **more)

    def many(self):
        """The step in a launch for each part."""
        for i in range(self.layers):
            self.norm(i, 0)
            self.attend(i, self.stream, mode=2, factor=self.factor)
            self.norm(i, 1)
            self.feed(i, self.stream, mode=2, factor=self.factor)

    def norm(self, i, which):
        self.k.launch("rms_norm_f16", (self.rows,), 1024, 0, self.stream, None, None, self.norms[i][which],
                      self.normed, self.hidden, self.groups, 1e-5)

    def attend(self, i, to, **output):
        """From the normed rows to the output of attention."""
        k, m, g, h = self.k, self.rows, self.groups, self.hidden
        w, b = self.weights[i], self.biases[i]
        self.product(w[QKV], self.normed, self.rows_of_qkv, self.qkv, h, self.qkv, bias=b[QKV])
        k.launch("rotate_and_store_f16", (m, rotate_blocks(m, self.heads, self.kv_heads)), 256, self.d * 4,
                 self.rows_of_qkv, self.pool, self.positions, self.sequences, self.starts, self.tables,
                 self.frequencies, i, self.layers, self.heads, self.kv_heads, self.d, self.d, 0, 1.0, None, None, 1e-5, 0)
        q = self.rows_of_qkv.view(-1, self.qkv)
        attention_decode(k, "f16", self.d, q, self.pool, self.positions, self.sequences, self.starts, self.tables, None,
                         self.sums, self.states, self.counters, self.attended, g, i, self.layers, self.heads,
                         self.kv_heads, m, self.parts)
        self.product(w[OUT], self.attended, to, h, self.heads * self.d, h, bias=b[OUT], **output)

    def feed(self, i, to, **output):
        """From the normed rows to the result of the feed-forward part."""
        w, b, h = self.weights[i], self.biases[i], self.hidden
        self.product(w[UP], self.normed, self.activated, self.up, h, self.groups, mode=3 if self.gated else 4, bias=b[UP])
        self.product(w[DOWN], self.activated, to, h, self.inner, h, bias=b[DOWN], **output)

    def restart(self):
        self.pool.copy_(self.first_pool)
        self.stream.copy_(self.first_stream)

    def bits(self, launch):
        self.restart()
        launch()
        torch.cuda.synchronize()
        return self.results()

    def results(self):
        return [t.clone() for t in (self.stream, self.pool, self.normed, self.attended, self.activated)]

    def roofline(self):
        weights = sum(n * k for n, k, _ in self.products)
        tokens = sum(p + 1 for p in self.positions.tolist())
        bits = 16 * weights if not self.code else 8 * sum(w.bytes for w in self.weights[0])
        return (bits // 8 + 4 * self.kv_heads * self.d * tokens) / 4.4e12


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


MOST_CARDS, MOST_ROWS = 8, 16
PATIENCE = ctypes.c_longlong(2_000_000_000)


class PerCard(ctypes.Structure):
    _fields_ = [("of", P * MOST_CARDS)]


def per_card(tensors):
    return PerCard((P * MOST_CARDS)(*[t.data_ptr() for t in tensors]))


class Cards:
    """GPUs with a part of every layer each, their weights unlike, their stream and norms the same."""

    def __init__(self, kernels, **shape):
        self.kernels, self.models = kernels, []
        for card, k in enumerate(kernels):
            with torch.cuda.device(card):
                torch.manual_seed(100 + card)
                self.models.append(Model(k, **shape))
        first = self.models[0]
        for other in self.models[1:]:
            other.first_stream.copy_(first.first_stream)
            for to, norms in zip(other.norms, first.norms):
                for a, b in zip(to, norms):
                    a.copy_(b)
            for name in ("positions", "sequences", "starts", "tables"):
                getattr(other, name).copy_(getattr(first, name))
        h, rows = first.hidden, first.groups * 8
        sums = 2 * len(self.models) * MOST_ROWS * h
        self.each = lambda make: [self.on(card, make) for card in range(len(self.models))]
        self.parts = [self.each(lambda m: torch.zeros(rows * h, device="cuda")) for _ in range(2)]
        self.arrivals = self.each(lambda m: torch.zeros(MOST_CARDS, device="cuda", dtype=torch.int32))
        self.states = self.each(lambda m: torch.zeros(3, device="cuda", dtype=torch.int32))
        self.sums = self.each(lambda m: torch.full((sums,), float("nan"), device="cuda"))
        self.meetings = self.each(lambda m: torch.zeros(2 * MOST_CARDS + 16 + 512, device="cuda", dtype=torch.int32))
        self.each(lambda m: torch.cuda.synchronize())

    def on(self, card, work):
        with torch.cuda.device(card):
            return work(self.models[card])

    def one(self, cards=None):
        """The step in one launch on each card, or on those given."""
        for card in cards or range(len(self.models)):
            self.on(card, lambda m: m.one("decode_step_cards", per_card(self.sums), per_card(self.meetings), self.states[card][1:],
                                          card, len(self.models)))

    def many(self):
        """The step in a launch for each part; the cards in turns, so that none waits for launches that are not there."""
        steps = [self.launches(card) for card in range(len(self.models))]
        for _ in zip(*steps):
            pass

    def launches(self, card):
        """Puts a card's launches into the stream; yields after each part and each meeting."""
        model = self.models[card]
        for number in range(2 * model.layers):
            to = self.parts[number % 2][card]
            if number == 0:
                self.on(card, lambda m: m.norm(0, 0))
            self.on(card, lambda m: (m.feed if number % 2 else m.attend)(number // 2, to, mode=1))
            yield
            self.on(card, lambda m: self.exchange(m, card, number, self.parts[number % 2]))
            yield
        self.on(card, lambda m: m.k.launch("advance_meetings", (1,), 1, 0, self.states[card], 2 * model.layers))
        yield

    def exchange(self, m, card, number, parts):
        place = (per_card(self.arrivals), per_card(parts), self.states[card], card, len(self.models), number, PATIENCE, m.stream, m.rows, m.hidden,
                 m.factor)
        if number == 2 * m.layers - 1:
            m.k.launch("exchange", (m.rows,), 512, 0, *place, 1)
        else:
            norm = m.norms[(number + 1) // 2][(number + 1) % 2]
            m.k.launch("exchange_rms_f16", (m.rows,), 512, 0, *place, norm, m.normed, m.groups, 1e-5)

    def wait(self):
        self.each(lambda m: torch.cuda.synchronize())

    def bits(self, launch):
        self.each(lambda m: m.restart())
        self.wait()
        launch()
        self.wait()
        return self.each(lambda m: m.results())

    def forget(self):
        """Sets all that blocks and cards told each other to zero."""
        for card, m in enumerate(self.models):
            for t in (m.state, m.report, m.counters, self.arrivals[card], self.states[card], self.meetings[card]):
                t.zero_()
        self.wait()


def two_kernels(paths):
    """The kernels on two GPUs that access each other's memory."""
    kernels = []
    for card in range(2):
        with torch.cuda.device(card):
            kernels.append(Kernels(paths))
    contexts = []
    for card in range(2):
        with torch.cuda.device(card):
            torch.zeros(1, device="cuda")
            context = ctypes.c_void_p()
            check(DRIVER.cuCtxGetCurrent(ctypes.byref(context)))
            contexts.append(context)
    for card in range(2):
        with torch.cuda.device(card):
            torch.zeros(1, device="cuda")
            code = DRIVER.cuCtxEnablePeerAccess(contexts[1 - card], 0)
            if code != 704:  # access is there
                check(code)
    return kernels


def failure(model):
    """Phase, awaited card (None for blocks of its own) and block of a launch that failed; None for one that did not."""
    code = (model.state[3].item() & 0xFFFFFFFF) - 1
    return None if code < 0 else (code >> 16, (code >> 12 & 15) - 1 if code >> 12 & 15 else None, code & 0xFFF)


def check_cards(kernels, name, **shape):
    cards = Cards(kernels, **shape)
    live = len(shape["positions"])
    many = cards.bits(cards.many)
    ok = all(s[1].item() == 0 for s in cards.states)
    for turn in range(3):
        one = cards.bits(cards.one)
        failures = cards.each(failure)
        every = range(len(kernels))
        same = [torch.equal(many[c][0][:live], one[c][0][:live]) and torch.equal(many[c][1], one[c][1]) for c in every]
        alike = all(torch.equal(one[0][0][:live].cpu(), one[c][0][:live].cpu()) for c in every)
        ok = ok and failures == [None] * len(kernels) and all(same) and alike
        if not ok:
            worst = [(many[c][0][:live] - one[c][0][:live]).abs().max().item() for c in every]
            print(f"DIFFERS {name} turn {turn}: failures {failures}, same {same} (worst {worst}), cards alike {alike}, gave up "
                  f"{[s.tolist() for s in cards.states]}, met {[m.tolist() for m in cards.meetings]}", flush=True)
            break
    print("same " if ok else "WRONG", "cards:", name, flush=True)
    return ok


def check_late_card(kernels):
    """A card that does not come is named by the other, whose kernels then wait no more; the next step is right again."""
    cards = Cards(kernels, layers=3, positions=[600, 5], hidden=512, heads=4, kv_heads=4, d=128, inner=1024)
    many = cards.bits(cards.many)
    plans = [m.plan_bytes for m in cards.models]
    for m in cards.models:
        m.fields.limit = 50_000_000
    cards.models[0].plan_bytes = cards.on(0, lambda m: bytes_of(m.fields))
    cards.bits(lambda: cards.one([0]))
    failed, given_up = failure(cards.models[0]), cards.states[0][1].item() == -1
    cards.bits(lambda: cards.one([1]))  # all blocks of the other have come by now: it ends
    second = failure(cards.models[1])
    cards.models[0].plan_bytes = plans[0]
    cards.forget()
    one = cards.bits(cards.one)
    ok = failed is not None and failed[:2] == (4, 1) and second is None and given_up
    ok = ok and all(torch.equal(many[c][i], one[c][i]) for c in range(2) for i in range(2))
    print("same " if ok else "WRONG", f"after a card did not come: failures {failed}, {second}", flush=True)
    return ok


def check_lone_card(k):
    """A card that meets itself alone: what a sanitizer can watch."""
    small = dict(hidden=512, heads=4, kv_heads=4, d=128, inner=1024)
    five = dict(hidden=3072, heads=4, kv_heads=4, d=128, inner=1408)  # down has five segments with codes
    ok = True
    for rows, name in itertools.product((1, 3, 9), ("full", "u4", "e4m3")):
        positions = [70 + i for i in range(rows)]
        ok &= check_cards([k], f"alone, {name}, {rows} rows", layers=2, positions=positions, format=FORMATS[name], **small)
        ok &= check_cards([k], f"alone, {name}, {rows} rows, five", layers=1, positions=positions, format=FORMATS[name], **five)
    return ok


def check_all_cards(kernels):
    small = dict(hidden=512, heads=4, kv_heads=4, d=128, inner=1024)
    ok = check_cards(kernels, "small, 1 layer, 1 row", layers=1, positions=[5], **small)
    if not ok:
        return False
    ok &= check_cards(kernels, "small, 3 layers, 1 row, parts", layers=3, positions=[600], factor=0.7, **small)
    ok &= check_cards(kernels, "small, 3 layers, 3 rows", layers=3, positions=[600, 0, 255], factor=0.7, **small)
    ok &= check_cards(kernels, "small, padded", layers=2, positions=[63, 64, 256], pad=1, **small)
    ok &= check_cards(kernels, "small, 16 rows", layers=3, positions=[i * 53 for i in range(16)], **small)
    grouped = dict(hidden=2048, heads=16, kv_heads=4, d=64, inner=2816)
    ok &= check_cards(kernels, "grouped d64, 1 row", layers=3, positions=[1023], **grouped)
    ok &= check_cards(kernels, "grouped d64, 8 rows, no gate", layers=2, positions=[700, 31, 511, 512] * 2, gated=False, **grouped)
    wide = dict(hidden=8192, heads=32, kv_heads=4, d=128, inner=4096)
    ok &= check_cards(kernels, "wide, 1 row", layers=2, positions=[300], **wide)
    ok &= check_cards(kernels, "wide, 9 rows", layers=2, positions=[300, 31, 511, 512, 0, 2100, 64, 65, 127], **wide)
    large = dict(hidden=6656, heads=26, kv_heads=26, d=128, inner=8960)
    ok &= check_cards(kernels, "half of llama-33b, 1 row", layers=4, positions=[511], **large)
    ok &= check_cards(kernels, "half of llama-33b, 8 rows", layers=2, positions=[511, 3, 255, 900, 1, 100, 640, 64], **large)
    half = dict(hidden=5120, heads=20, kv_heads=20, d=128, inner=6912)
    for name in ("u4", "e4m3"):
        form = dict(format=FORMATS[name])
        ok &= check_cards(kernels, f"{name}, half of llama-13b, 1 row", layers=3, positions=[511], **half, **form)
        ok &= check_cards(kernels, f"{name}, half of llama-13b, 8 rows", layers=2, positions=[511, 3, 255, 900, 1, 100, 640, 64], **half, **form)
    return ok & check_late_card(kernels)


def time_cards(kernels):
    """One launch on each card against a launch for each part, both in a graph on each card; the slower card's median time."""
    layers = int(os.environ.get("S3_LAYERS", "8"))
    half = dict(hidden=6656, heads=26, kv_heads=26, d=128, inner=8960)
    for form, rows in itertools.product(listed("S3_FORMATS", "full"), map(int, listed("S3_ROWS", "1,2,4,8,16"))):
        cards = Cards(kernels, layers=layers, positions=[511] * rows, format=FORMATS[form], **half)
        cards.bits(cards.many)
        cards.bits(cards.one)
        took = {}
        for name, launches in (("many", lambda card: collections.deque(cards.launches(card), 0)), ("one", lambda card: cards.one([card]))):
            graphs = []
            for card in range(2):
                with torch.cuda.device(card):
                    graph = torch.cuda.CUDAGraph()
                    with torch.cuda.graph(graph, stream=torch.cuda.Stream()):
                        launches(card)
                    graphs.append(graph)
            took[name] = seconds_of_cards(cards, graphs) / layers * 1e6
        print(f"half of llama-33b on each of two cards, {form}, context 512, {rows} rows, us a layer: many {took['many']:.1f}, one "
              f"{took['one']:.1f}, {took['many'] / took['one']:.2f} times; failures {cards.each(failure)}, gave up "
              f"{[s[1].item() for s in cards.states]}", flush=True)
        del cards


def seconds_of_cards(cards, graphs, repeats=15):
    times = []
    for _ in range(repeats):
        cards.each(lambda m: m.restart())
        cards.wait()
        events = cards.each(lambda m: [torch.cuda.Event(enable_timing=True) for _ in range(2)])
        for card, (start, end) in enumerate(events):
            with torch.cuda.device(card):
                start.record()
                graphs[card].replay()
                end.record()
        cards.wait()
        times.append(max(start.elapsed_time(end) for start, end in events) / 1e3)
    return statistics.median(times)


def check_coded(k):
    small = dict(hidden=512, heads=4, kv_heads=4, d=128, inner=1024)
    grouped = dict(hidden=2048, heads=32, kv_heads=8, d=64, inner=5632)
    large = dict(hidden=5120, heads=40, kv_heads=40, d=128, inner=13824)
    ok = True
    for name in listed("S3_FORMATS", ",".join(name for name in FORMATS if name != "full")):
        form = dict(format=FORMATS[name])
        first = check_model(k, f"{name}, small, 1 layer, 1 row", layers=1, positions=[5], **small, **form)
        ok &= first
        if not first:
            continue
        ok &= check_model(k, f"{name}, small, 1 row, parts, bias", layers=3, positions=[600], bias=True, factor=0.7, **small, **form)
        ok &= check_model(k, f"{name}, small, 3 rows", layers=3, positions=[600, 0, 255], **small, **form)
        ok &= check_model(k, f"{name}, small, 16 rows", layers=2, positions=[i * 53 for i in range(16)], **small, **form)
        ok &= check_model(k, f"{name}, grouped d64, 1 row", layers=2, positions=[1023], **grouped, **form)
        ok &= check_model(k, f"{name}, grouped d64, 8 rows, no gate", layers=2, positions=[700, 31, 511, 512] * 2, gated=False,
                          **grouped, **form)
        ok &= check_model(k, f"{name}, grouped d64, 13 rows, bias", layers=2, positions=[700, 31, 511, 512] * 3 + [1], bias=True,
                          **grouped, **form)
        for rows in (1, 8, 16):
            ok &= check_model(k, f"{name}, llama-13b, {rows} rows", layers=2, positions=[(511, 3, 255, 900)[i % 4] for i in range(rows)],
                              **large, **form)
    return ok


def seconds(model, launch):
    return time_graph([launch], 11, lambda: model.stream.copy_(model.first_stream))


def time_all(k):
    numbers = lambda name, default: map(int, listed(name, default))
    chosen = listed("S3_SHAPES", "llama-13b,llama-1b")
    for (name, count, shape), form, context, rows in itertools.product(
            SHAPES, listed("S3_FORMATS", "full"), numbers("S3_CONTEXTS", "512"), numbers("S3_ROWS", "1,2,4,8,16")):
        if name in chosen:
            model = Model(k, layers=count, positions=[context - 1] * rows, format=FORMATS[form], **shape)
            roof = model.roofline() * 1e6
            many = seconds(model, model.many) / count * 1e6
            one = seconds(model, model.one) / count * 1e6
            print(f"{name}, {form}, context {context}, {rows} rows, us a layer: roof {roof:.1f}, many {many:.1f} ({roof / many:.0%}), "
                  f"one {one:.1f} ({roof / one:.0%}), {many / one:.2f} times; state {model.state.tolist()}", flush=True)
            del model


def main():
    k = Kernels(sys.argv[1])
    print(torch.cuda.get_device_name(), flush=True)
    ok = "check" not in sys.argv[2:] or check_all(k)
    if "check_coded" in sys.argv[2:]:
        ok = check_coded(k) and ok
    if "card" in sys.argv[2:]:
        ok = check_lone_card(k) and ok
    if "time" in sys.argv[2:]:
        time_all(k)
    if {"cards", "time-cards"} & set(sys.argv[2:]):
        kernels = two_kernels(sys.argv[1])
        ok = ok and ("cards" not in sys.argv[2:] or check_all_cards(kernels))
        if ok and "time-cards" in sys.argv[2:]:
            time_cards(kernels)
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
