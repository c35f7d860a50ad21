"""Checks every kernel against torch in float32 or float64, and bit for bit against itself in other batches.

Usage: check.py s3kernels.fatbin [small|kv8]   (small: shapes for compute-sanitizer; kv8: KV in 8 bits alone)
"""

import math
import struct
import sys

import torch

from gpu import *

torch.manual_seed(1)
torch.backends.cuda.matmul.allow_tf32 = False
SMALL = "small" in sys.argv[2:]
K = Kernels(sys.argv[1])
LIMIT = {"f16": 2e-3, "bf16": 1.2e-2}
failures = []


def report(name, error, limit):
    torch.cuda.synchronize()
    good = error <= limit  # a NaN is never good
    print(f"{'ok  ' if good else 'FAIL'} {name}: {error:.3g} (limit {limit:.3g})", flush=True)
    if not good:
        failures.append(name)


def relative(got, expected):
    return ((got.double() - expected.double()).norm() / expected.double().norm()).item()


def differing(a, b):
    return (a.view(torch.int16 if a.element_size() == 2 else torch.int32) != b.view(
        torch.int16 if b.element_size() == 2 else torch.int32)).sum().item()


def randn(*shape, kind=None, scale=1.0):
    t = torch.randn(*shape, device="cuda") * scale
    return t if kind is None else t.to(TYPES[kind])


def poisoned(*shape, dtype):
    return torch.full(shape, float("nan"), dtype=dtype, device="cuda")


# ---- matrix products


def check_gemm(kind, m, n, k, splits):
    x, w = randn(m, k, kind=kind), randn(n, k, kind=kind, scale=k**-0.5)
    wt = retile(K, w)
    xt, groups = tile_rows(K, x)
    expected = x.float() @ w.float().T
    worst, bits, first = 0, 0, None
    for c in configurations(splits):
        y = poisoned(m, n, dtype=torch.float32)
        gemm(K, kind, wt, xt, y, m, n, k, groups, n, mode=1, splits=splits, configuration=c)
        error = relative(y, expected)
        worst = max(worst, error) if error == error else float("nan")
        first = y if first is None else first
        bits += differing(first, y)
    report(f"gemm {kind} m{m} n{n} k{k} splits{splits}", worst, 1e-5)
    report(f"gemm {kind} m{m} n{n} k{k} splits{splits} bits that differ between configurations", bits, 0)
    for rows in (16, 64, 128):
        y = poisoned(m, n, dtype=torch.float32)
        gemm(K, kind, wt, xt, y, m, n, k, groups, n, mode=1, configuration=mma(rows))
        if splits == 1:
            print(f"     of {y.numel()} results {differing(first, y)} differ in bits between wgmma and mma")
        report(f"gemm {kind} mma_n{rows} m{m} n{n} k{k}", relative(y, expected), 1e-5)


def check_gemm_invariance(kind, n, k):
    """Rows of a large batch against the same rows in small batches, with the configurations Java will choose."""
    big = 300 if SMALL else 1024
    x, w = randn(big, k, kind=kind), randn(n, k, kind=kind, scale=k**-0.5)
    wt = retile(K, w)
    whole = None
    bits = 0
    for m in (big, 1, 7, 16, 33, 64, 100, 128, 200):
        rows = x[-m:].contiguous()
        xt, groups = tile_rows(K, rows)
        y = poisoned(m, n, dtype=torch.float32)
        gemm(K, kind, wt, xt, y, m, n, k, groups, n, mode=1)
        whole = y if whole is None else whole
        bits += differing(y, whole[-m:])
    report(f"gemm {kind} n{n} k{k} bits that depend on m", bits, 0)


def check_modes(kind, configuration, m=37, n=320, k=192):
    x, w, bias = randn(m, k, kind=kind), randn(n, k, kind=kind, scale=k**-0.5), randn(n, kind=kind)
    xt, groups = tile_rows(K, x)
    wt = retile(K, w)
    plain = x.float() @ w.float().T
    run = lambda y, stride, mode, b, tiles=wt, **more: gemm(
        K, kind, tiles, xt, y, m, n, k, groups, stride, mode=mode, bias=b, splits=max(1, configuration[5]),
        configuration=configuration, **more)
    y = poisoned(m, n, dtype=TYPES[kind])
    run(y, n, 0, bias)
    report(f"gemm {kind} {configuration[0]} rows with bias", relative(y, plain + bias.float()), LIMIT[kind])
    stream = randn(m, n)
    expected = stream + plain
    run(stream, n, 2, None)
    report(f"gemm {kind} {configuration[0]} added to stream", relative(stream, expected), 1e-5)
    expected = stream + 0.3 * (plain + bias.float())
    run(stream, n, 2, bias, factor=0.3)
    report(f"gemm {kind} {configuration[0]} added times a factor", relative(stream, expected), 1e-5)
    y = poisoned(m, n, dtype=torch.float32)
    run(y, n, 1, bias, factor=0.7, cap=2.0)
    report(f"gemm {kind} {configuration[0]} capped", relative(y, 2 * torch.tanh(0.7 * (plain + bias.float()) / 2)), 1e-5)
    tiles = torch.zeros(groups * 8 * n, dtype=TYPES[kind], device="cuda")
    run(tiles, groups, 4, bias, activation=1)
    gelu = torch.nn.functional.gelu(plain + bias.float(), approximate="tanh")
    report(f"gemm {kind} {configuration[0]} gelu", relative(untile_rows(tiles, m, n, groups), gelu), LIMIT[kind])
    gate, up = w[: n // 2].contiguous(), w[n // 2 :].contiguous()
    both = retile(K, gate, placement=1, rows=n)
    retile(K, up, placement=2, out=both)
    tiles = torch.zeros(groups * 8 * ceil(n // 2, 64) * 64, dtype=TYPES[kind], device="cuda")
    run(tiles, groups, 3, None, both)
    gated = torch.nn.functional.silu(plain[:, : n // 2]) * plain[:, n // 2 :]
    report(f"gemm {kind} {configuration[0]} gated", relative(untile_rows(tiles, m, n // 2, groups), gated), LIMIT[kind])
    turns = torch.stack([bias[: n // 2].view(-1, 8), bias[n // 2 :].view(-1, 8)], 1).reshape(-1).contiguous()
    biased = 4 * (plain + bias.float())
    for activation, function in ((0, gated_silu), (1, gated_gelu), (2, clamped_swiglu)):
        own = retile(K, (4 * gate).contiguous(), placement=1, rows=n)
        retile(K, (4 * up).contiguous(), placement=2, out=own)
        run(tiles, groups, 3, 4 * turns, own, activation=activation)
        report(f"gemm {kind} {configuration[0]} gated by function {activation}",
               relative(untile_rows(tiles, m, n // 2, groups), function(biased[:, : n // 2], biased[:, n // 2 :])), LIMIT[kind])


def gated_silu(gate, up):
    return torch.nn.functional.silu(gate) * up


def gated_gelu(gate, up):
    return torch.nn.functional.gelu(gate, approximate="tanh") * up


def clamped_swiglu(gate, up):
    gate, up = gate.clamp(max=7), up.clamp(-7, 7)
    return (up + 1) * gate * torch.sigmoid(1.702 * gate)


def check_experts(kind, rows, experts, per_token, normalised, hidden=128, inner=72):
    """Routing, sorting, both products and the sum, against the same in torch."""
    ints = lambda v: torch.tensor(v, device="cuda", dtype=torch.int32)
    logits = randn(rows, experts)
    logits[0] = 0  # ties: the lowest numbers
    sequences = ints([-1 if r == rows - 2 else r for r in range(rows)])  # one row that only pads
    real = [r for r in range(rows) if r != rows - 2]
    pairs = rows * per_token
    picked, weights = ints([-7] * pairs), poisoned(pairs, dtype=torch.float32)
    K.launch("route", (rows,), 32, experts * 5, logits, sequences, picked, weights, experts, per_token, normalised)
    best = torch.sort(logits, dim=1, descending=True, stable=True).indices[:, :per_token]
    probabilities = torch.softmax(logits, 1).gather(1, best)
    if normalised:
        probabilities = probabilities / probabilities.sum(1, keepdim=True)
    name = f"experts {kind} rows{rows} {per_token} of {experts}"
    report(f"{name} picked", picked.view(rows, -1)[real].ne(best[real]).sum().item(), 0)
    report(f"{name} probabilities", relative(weights.view(rows, -1)[real], probabilities[real]), 1e-5)
    x = randn(rows, hidden, kind=kind)
    xt, groups = tile_rows(K, x)
    gate, up = (randn(experts, inner, hidden, kind=kind, scale=hidden**-0.5) for _ in range(2))
    down = randn(experts, hidden, inner, kind=kind, scale=inner**-0.5)
    bias_up, bias_down = randn(experts, 2 * inner, kind=kind), randn(experts, hidden, kind=kind)
    both = torch.cat([retile(K, u, placement=2, out=retile(K, g, placement=1, rows=2 * inner)) for g, u in zip(gate, up)])
    downs = torch.cat([retile(K, d) for d in down])
    first = None
    for tile_size in (16, 64, 128):
        tiles, order = ints([0] * (4 + 4 * (pairs // 16 + experts))), ints([-7] * pairs)
        K.launch("group_pairs", (1,), 1024, experts * 8, picked, pairs, experts, tile_size, tiles, order)
        inner_groups = ceil(pairs, 8)
        activated = torch.zeros(inner_groups * 8 * ceil(inner, 64) * 64, dtype=TYPES[kind], device="cuda")
        experts_product(K, kind, tile_size, both, xt, activated, 2 * inner, hidden, groups, inner_groups, 3, 2, tiles, order,
                        per_token, pairs, experts, bias_up)
        results = poisoned(pairs, hidden, dtype=torch.float32)
        experts_product(K, kind, tile_size, downs, activated, results, hidden, inner, inner_groups, hidden, 1, 0, tiles,
                        order, 1, pairs, experts, bias_down)
        stream = torch.ones(rows, hidden, device="cuda")
        K.launch("combine_experts", (rows,), 256, 0, results, weights, sequences, stream, hidden, per_token, 0.5, 1)
        first = stream if first is None else first
        report(f"{name} bits that depend on tiles of {tile_size}", differing(first, stream), 0)
    turn = bias_up.float().view(experts, -1, 2, 8)
    expected = torch.ones(rows, hidden, device="cuda")
    for r in real:
        for i in range(per_token):
            e = best[r, i]
            g = gate[e].float() @ x[r].float() + turn[e, :, 0].reshape(-1)
            u = up[e].float() @ x[r].float() + turn[e, :, 1].reshape(-1)
            out = down[e].float() @ clamped_swiglu(g, u) + bias_down[e].float()
            expected[r] += 0.5 * probabilities[r, i] * out
    report(f"{name} sum", relative(first - 1, expected - 1), LIMIT[kind])


# ---- small kernels


def check_small(kind, rows=13, width=640):
    dtype = TYPES[kind]
    table, tokens = randn(100, width, kind=kind), torch.randint(0, 100, (rows,), device="cuda", dtype=torch.int32)
    stream = poisoned(rows, width, dtype=torch.float32)
    K.launch(f"embed_{kind}", (rows,), 128, 0, table, tokens, stream, width, 3.0)
    report(f"embed {kind}", differing(stream, table[tokens.long()].float() * 3), 0)

    weight, bias, delta = randn(width), randn(width), randn(rows, width, kind=kind)
    groups = ceil(rows, 8)
    added = stream + delta.float()
    eps = 1e-5
    for name, expected in (
        ("rms_norm", added * torch.rsqrt(added.pow(2).mean(-1, keepdim=True) + eps) * weight),
        ("layer_norm", torch.nn.functional.layer_norm(added, (width,), weight, bias, eps)),
    ):
        out = poisoned(groups * 8 * width, dtype=dtype)
        own = stream.clone()
        extra = [weight] if name == "rms_norm" else [weight, bias]
        K.launch(f"{name}_{kind}", (rows,), 256, 0, own, delta, None, *extra, out, width, groups, eps)
        report(f"{name} {kind}", relative(untile_rows(out, rows, width, groups), expected), LIMIT[kind])
        report(f"{name} {kind} stream", relative(own, added), 1e-6)
        wide = poisoned(groups * 8 * width, dtype=dtype)
        for threads, to in ((1024, wide), (norm_threads(width), out)):
            K.launch(f"{name}_{kind}", (rows,), threads, 0, own, None, None, *extra, to, width, groups, eps)
        report(f"{name} {kind} bits that idle warps change",
               differing(*(untile_rows(t, rows, width, groups).contiguous() for t in (wide, out))), 0)
        picked = torch.tensor([5, 0, 11], device="cuda", dtype=torch.int32)
        some = poisoned(8 * width, dtype=dtype)
        K.launch(f"{name}_{kind}", (3,), norm_threads(width), 0, own, None, picked, *extra, some, width, 1, eps)
        bits = differing(untile_rows(some, 3, width, 1).contiguous(),
                         untile_rows(out, rows, width, groups)[picked.long()].contiguous())
        report(f"{name} {kind} bits of gathered rows", bits, 0)
        part, target = randn(rows, width), stream.clone()
        normed = part * torch.rsqrt(part.pow(2).mean(-1, keepdim=True) + eps) * weight
        if name == "layer_norm":
            normed = torch.nn.functional.layer_norm(part, (width,), weight, bias, eps)
        K.launch(f"{name}_add", (rows,), 256, 0, part, target, *extra, width, eps, 0.25)
        report(f"{name}_add", relative(target, stream + 0.25 * normed), 1e-6)
    out = poisoned(groups * 8 * width, dtype=dtype)
    K.launch(f"tile_stream_{kind}", (rows,), 256, 0, stream, out, width, groups)
    report(f"tile_stream {kind}", differing(untile_rows(out, rows, width, groups).contiguous(), stream.to(dtype)), 0)


# ---- attention


def quantized(vectors):
    """int8 codes and scales of vectors, as kv.cuh makes them."""
    v = vectors.float()
    most = v.abs().amax(-1, keepdim=True)
    inverse = torch.where(most == 0, torch.zeros_like(most), torch.tensor(127.0, device="cuda") / most)
    codes = torch.round(v * inverse).clamp(-127, 127).to(torch.int8)
    return codes, (most / torch.tensor(127.0, device="cuda")).squeeze(-1)


class Pool:
    """A paged pool with sequences whose blocks lie scattered in it; blocks nobody owns hold NaN."""

    def __init__(self, kind, lengths, kv_heads, d, layers=2, layer=1, coded=False):
        self.kind, self.kv_heads, self.d, self.layers, self.layer = kind, kv_heads, d, layers, layer
        counts = [ceil(n, 16) for n in lengths]
        total = sum(counts) + 3
        if coded:
            self.memory = torch.full((total, layers, 2, kv_heads, head_bytes(d)), 255, dtype=torch.uint8, device="cuda")
        else:
            self.memory = poisoned(total, layers, 2, kv_heads, 16, d, dtype=TYPES[kind])
        self.coded = coded
        order = torch.randperm(total, device="cuda", dtype=torch.int32)[: sum(counts)].contiguous()
        self.tables = order
        starts = [sum(counts[:i]) for i in range(len(counts))]
        self.starts = torch.tensor(starts, device="cuda", dtype=torch.int32)
        self.keys = [randn(n, kv_heads, d, kind=kind) for n in lengths]
        self.values = [randn(n, kv_heads, d, kind=kind) for n in lengths]
        codes, scales = self.coded_parts() if coded else (self.memory, None)
        for s, n in enumerate(lengths):
            at = torch.arange(n, device="cuda")
            blocks = order[starts[s] + at // 16].long()
            for which, vectors in enumerate((self.keys, self.values)):
                if coded:  # magnitudes that differ by slot and head
                    own = vectors[s].float() * torch.exp2(randn(n, kv_heads, 1) * 2)
                    packed, factor = quantized(own)
                    scales[blocks, layer, which, :, at % 16] = factor
                    codes[blocks, layer, which, :, at % 16] = packed
                    vectors[s] = packed.double() * factor.double()[..., None]
                else:
                    codes[blocks, layer, which, :, at % 16] = vectors[s]

    def coded_parts(self):
        """Views of the codes [block][layer][which][head][slot][d] and the scales [block][layer][which][head][slot]."""
        shape = self.memory.shape[:-1]
        codes = self.memory[..., : 16 * self.d].view(torch.int8).view(*shape, 16, self.d)
        return codes, self.memory[..., 16 * self.d :].view(torch.float32)


def reference_attention(q, keys, values, position, bounds=None):
    """q [heads][d] of one row at a position."""
    group = q.shape[0] // keys.shape[1]
    cap, window, sinks = bounds or UNBOUNDED
    first = max(0, position + 1 - window) if window else 0
    k = keys[first : position + 1].double().repeat_interleave(group, 1)
    v = values[first : position + 1].double().repeat_interleave(group, 1)
    scores = torch.einsum("hd,thd->ht", q.double(), k) / math.sqrt(q.shape[1])
    if cap:
        scores = cap * torch.tanh(scores / cap)
    if sinks is not None:
        scores = torch.cat([scores, sinks.double()[:, None]], 1)
    p = torch.softmax(scores, -1)[:, : k.shape[0]]
    return torch.einsum("ht,thd->hd", p, v)


def run_decode(pool, q, positions, sequences, rows, heads, grid=None, bounds=None):
    d, count = pool.d, len(rows)
    parts = int(positions.max().item()) // 256 + 1
    if bounds and bounds[1]:
        parts = min(parts, (bounds[1] + 254) // 256 + 1)
    groups = ceil(q.shape[0], 8)
    sums = poisoned(count * heads * parts * d, dtype=torch.float32)
    states = poisoned(count * heads * parts * 2, dtype=torch.float32)
    out = torch.zeros(groups * 8 * ceil(heads * d, 64) * 64, dtype=q.dtype, device="cuda")
    counters = torch.zeros(count * pool.kv_heads, dtype=torch.int32, device="cuda")
    attention_decode(K, pool.kind, d, q, pool.memory, positions, sequences, pool.starts, pool.tables, rows, sums,
                     states, counters, out, groups, pool.layer, pool.layers, heads, pool.kv_heads, count, parts,
                     grid or parts, bounds)
    report(f"counters left {pool.kind} d{d}", counters.abs().sum().item(), 0)
    return untile_rows(out, q.shape[0], heads * d, groups)


def check_attention(kind, heads, kv_heads, d, bounds=None, coded=False):
    lengths = [70, 300, 1, 17] if SMALL else [700, 1, 16, 17, 257, 1100, 333, 64]
    chunks = [min(n, c) for n, c in zip(lengths, [40, 100, 1, 5] if SMALL else [200, 1, 16, 9, 257, 130, 40, 64])]
    pool = Pool(kind, lengths, kv_heads, d, coded=coded)
    positions, sequences, first = [], [], []
    for s, (n, c) in enumerate(zip(lengths, chunks)):
        first.append(len(positions))
        positions += range(n - c, n)
        sequences += [s] * c
    total = len(positions)
    ints = lambda v: torch.tensor(v, device="cuda", dtype=torch.int32)
    q = randn(total, heads * d + 24, kind=kind)
    where, owners, firsts, counts = ints(positions), ints(sequences), ints(first), ints(chunks)
    groups = ceil(total, 8)

    def prefill_with(wide, grid):
        out = torch.zeros(groups * 8 * ceil(heads * d, 64) * 64, dtype=q.dtype, device="cuda")
        attention_prefill(K, kind, d, q, pool.memory, where, owners, pool.starts, pool.tables, firsts, counts, out, groups,
                          pool.layer, pool.layers, heads, kv_heads, max(chunks), bounds, wide, grid)
        return untile_rows(out, total, heads * d, groups).contiguous()

    prefill = prefill_with(False, 3)
    wide = [prefill_with(True, grid) for grid in (None, 3)] if d in (64, 128) else []
    decode = run_decode(pool, q, where, owners, ints(list(range(total))), heads, bounds=bounds).contiguous()
    others = [run_decode(pool, q, where, owners, ints(list(range(total))), heads, grid=n, bounds=bounds).contiguous()
              for n in (1, 2)]
    some = list(range(0, total, 1 if SMALL else 7))
    expected = torch.stack([
        reference_attention(q[r, : heads * d].view(heads, d), pool.keys[sequences[r]], pool.values[sequences[r]],
                            positions[r], bounds).reshape(-1) for r in some])
    name = f"attention {kind} heads{heads}/{kv_heads} d{d}{' kv8' if coded else ''}"
    if bounds:
        name += f" cap{bounds[0]} window{bounds[1]} {'no ' if bounds[2] is None else ''}sinks"
    report(f"{name} prefill", relative(prefill[some], expected), LIMIT[kind])
    report(f"{name} decode", relative(decode[some], expected), LIMIT[kind])
    report(f"{name} bits that differ between prefill and decode", differing(prefill, decode), 0)
    if wide:
        report(f"{name} bits that differ with wgmma", sum(differing(other, prefill) for other in wide), 0)
    report(f"{name} bits that depend on the grid", sum(differing(other, decode) for other in others), 0)


def check_rotary(kind, heads, kv_heads, d, rotary, interleaved, magnitude=1.0, norm=None, coded=False):
    lengths = [40, 5, 100]
    pool = Pool(kind, lengths, kv_heads, d, coded=coded)
    ints = lambda v: torch.tensor(v, device="cuda", dtype=torch.int32)
    positions, sequences = [39, 4, 98, 99, 0], [0, 1, 2, 2, -1]
    qkv = randn(5, (heads + 2 * kv_heads) * d, kind=kind)
    before = qkv.clone().view(5, heads + 2 * kv_heads, d)
    frequencies = torch.tensor([10000.0 ** (-2 * i / rotary) for i in range(rotary // 2)], device="cuda")
    whole, eps = norm == "whole", 1e-5
    query_norm, key_norm = (randn(n * d if whole else d) for n in (heads, kv_heads)) if norm else (None, None)
    K.launch(f"rotate_and_store_{kind}{'_kv8' if coded else ''}", (5, 1 if whole else 1 + d % 3), 256,
             rotary * 4 + (4 * (heads + kv_heads) if norm else 0), qkv, pool.memory, ints(positions), ints(sequences),
             pool.starts, pool.tables, frequencies, pool.layer, pool.layers, heads, kv_heads, d, rotary, interleaved, magnitude,
             query_norm, key_norm, eps, int(whole))
    worst, wrong = 0, 0
    for r in range(4):
        angle = (torch.tensor(positions[r], device="cuda", dtype=torch.float32) * frequencies).double()
        x = before[r, : heads + kv_heads].double()
        if norm:
            q, k = x[:heads], x[heads:]
            over = lambda t: t.pow(2).mean() if whole else t.pow(2).mean(-1, keepdim=True)
            x = torch.cat([(t * torch.rsqrt(over(t) + eps) * w.double().view(-1, d)) for t, w in ((q, query_norm), (k, key_norm))])
        turned = x.clone()
        if interleaved:
            a, b = x[:, 0:rotary:2], x[:, 1:rotary:2]
        else:
            a, b = x[:, : rotary // 2], x[:, rotary // 2 : rotary]
        cos, sin = angle.cos() * magnitude, angle.sin() * magnitude
        first, second = a * cos - b * sin, b * cos + a * sin
        if interleaved:
            turned[:, 0:rotary:2], turned[:, 1:rotary:2] = first, second
        else:
            turned[:, : rotary // 2], turned[:, rotary // 2 : rotary] = first, second
        block = pool.tables[pool.starts[sequences[r]] + positions[r] // 16].long()
        slot = positions[r] % 16
        worst = max(worst, relative(qkv[r].view(-1, d)[:heads], turned[:heads]))
        stored = [turned[heads:], before[r, heads + kv_heads :]]
        if coded:
            codes, scales = (part[block, pool.layer, :, :, slot] for part in pool.coded_parts())
            for which in range(2):
                expected, scale = quantized(stored[which])
                worst = max(worst, relative(scales[which], scale))
                # A key's last bit before it is rounded may differ from torch's, and so may its code.
                off = (codes[which].int() - expected.int()).abs()
                wrong += int((off > 1 - which).sum()) + (0 if which else max(0, int((off > 0).sum()) - off.numel() // 8))
        else:
            worst = max(worst, *(relative(pool.memory[block, pool.layer, which, :, slot], stored[which])
                                 for which in range(2)))
    if coded:
        report(f"rotary {kind} kv8 heads{heads}/{kv_heads} d{d} rotary{rotary} norm {norm} wrong codes", wrong, 0)
    report(f"rotary {kind} heads{heads}/{kv_heads} d{d} rotary{rotary} interleaved{interleaved} norm {norm}", worst, LIMIT[kind])


# ---- sampling


def uniform(seed, position):
    mask = (1 << 64) - 1
    z = (seed + 0x9E3779B97F4A7C15 * (position + 1)) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return ((z ^ (z >> 31)) >> 11) * 2.0**-53


def host_shape(logits, biases, penalties, prompt, output, allowed):
    """The host LogitShaping in plain Python."""
    logits = logits.clone()
    for token, bias in biases:
        logits[token] += torch.tensor(bias, dtype=torch.float32)
    repetition, presence, frequency = (torch.tensor(p, dtype=torch.float32) for p in penalties)
    seen = sorted(set(prompt) | set(output))
    part = logits[seen]
    logits[seen] = torch.where(part > 0, part / repetition, part * repetition)
    for token in set(output):
        logits[token] -= frequency * output.count(token) + presence
    if allowed is not None:
        logits[~allowed] = MASKED
    return logits


def host_sample(logits, temperature, top_k, top_p, min_p, seed, position):
    """The host Sampler in plain Python."""
    best = int(torch.nonzero(logits == logits.max())[0])
    if temperature == 0:
        return best
    weights = torch.exp((logits.double() - logits[best].double()) / temperature)
    if top_k == 0 and top_p >= 1 and min_p == 0:
        kept = torch.arange(len(weights))
    else:
        ranked = torch.sort(weights, descending=True, stable=True).indices
        count = len(ranked) if top_k == 0 else min(top_k, len(ranked))
        if min_p > 0:
            least = math.log(min_p)
            exponents = (logits[ranked[:count]].double() - logits[best].double()) / temperature
            count = int((exponents >= least).sum())
        running = torch.cumsum(weights[ranked[:count]], 0)
        kept = ranked[: max(1, min(count, int((running < top_p * running[-1]).sum()) + 1))]
    left = torch.cumsum(weights[kept], 0)
    at = int((left <= uniform(seed, position) * left[-1]).sum())
    return int(kept[min(at, len(kept) - 1)])


MASKED = -3.402823466e38


def shaping(biases, penalties, prompt, output, mask):
    """A row's Shaping and its lists, as RowShaping writes them."""
    counts = {t: output.count(t) for t in dict.fromkeys(prompt + output)}
    unseen = [t for t, n in counts.items() if n == 0]
    once = [t for t, n in counts.items() if n == 1]
    often = [(t, n) for t, n in counts.items() if n > 1]
    data = struct.pack("=fffiiiii", *penalties, len(biases), len(unseen), len(once), len(often), mask)
    data += b"".join(struct.pack("=if", t, b) for t, b in biases)
    data += struct.pack(f"={len(unseen) + len(once)}i", *unseen, *once)
    return data + b"".join(struct.pack("=ii", t, n) for t, n in often)


def check_sampling(vocabulary, rows):
    generator = torch.Generator().manual_seed(vocabulary)
    draw = lambda n: torch.randint(0, vocabulary, (n,), generator=generator).tolist()
    logits = (torch.randn(rows, vocabulary, generator=generator) * 3)
    logits[::3] = (logits[::3] * 2).round() / 2  # many equal logits
    words = ceil(vocabulary, 64) * 2
    lists, data, expected, counts = struct.pack("=7i", *range(7)), b"", [], []
    for r in range(rows):
        temperature = [0.0, 0.7, 1.0, 1.7][r % 4]
        top_k, top_p = [(0, 1.0), (40, 1.0), (0, 0.9), (50, 0.8), (1, 1.0), (0, 0.01), (vocabulary, 0.5)][r % 7]
        min_p = [0.0, 0.05, 0.3][r % 3]
        penalties = [(1.0, 0.0, 0.0), (1.3, 0.0, 0.0), (1.0, 0.7, -0.25), (0.8, -1.3, 2.0)][r // 2 % 4]
        biases = [(t, [100.0, -100.0, 1.7][t % 3]) for t in dict.fromkeys(draw(5))] if r % 5 == 0 else []
        prompt, output = draw(r % 50 + 1), draw(r % 20) * 2 + draw(r % 7)
        seed, position = 12345 + r * 7, len(prompt) + len(output)
        mask, allowed = -1, None
        if r % 4 != 1:
            allowed = torch.rand(vocabulary, generator=generator) < [0.5, 0, 0.01, 1][r % 4]
            allowed[r % vocabulary] = True
            bits = torch.zeros(words * 32, dtype=torch.int64)
            bits[:vocabulary] = allowed
            mask = len(lists) // 4
            packed = (bits.view(words, 32) << torch.arange(32)).sum(1)
            lists += struct.pack(f"={words}I", *packed.tolist())
        place = -1 if r % 6 == 5 else len(lists) // 4
        if place >= 0:
            lists += shaping(biases, penalties, prompt, output, mask)
        count = [-1, 0, 1, 5, 20][r % 5]
        data += struct.pack("=dddqiiiiii", temperature, top_p, math.log(min_p) if min_p else -math.inf, seed, top_k,
                            position, 0, 0, place, count)
        shaped = host_shape(logits[r], biases, penalties, prompt, output, allowed) if place >= 0 else logits[r]
        expected.append(host_sample(shaped, temperature, top_k, top_p, min_p, seed, position))
        counts.append(count)
    device = logits.cuda()
    device[-1, :] = float("nan")
    parameters = torch.frombuffer(bytearray(data), dtype=torch.uint8).cuda()
    places = torch.frombuffer(bytearray(lists), dtype=torch.int32).cuda()
    tokens = torch.full((rows,), -7, device="cuda", dtype=torch.int32)
    flags = torch.full((rows,), -7, device="cuda", dtype=torch.int32)
    saved = torch.full((rows, 200), float("nan"), device="cuda")
    logs = torch.zeros(rows, 44, device="cuda", dtype=torch.int32)
    both = (device, vocabulary, vocabulary, parameters)
    K.launch("log_probabilities", (rows,), 1024, 0, *both, logs)
    K.launch("shape_logits", (rows,), 1024, 0, *both, places, saved, 200)
    K.launch("sample", (rows,), 1024, 0, *both, places, tokens, flags)
    K.launch("drawn_log_probability", (rows,), 256, 0, *both, places, saved, 200, tokens, logs)
    wrong = sum(int(a != b) for a, b in zip(tokens.tolist()[:-1], expected[:-1]))
    report(f"sampling vocabulary {vocabulary}, wrong tokens of {rows - 1}", wrong, 0)
    report("sampling flags", int(flags[:-1].ne(-1).sum()) + int(flags[-1] < 0) + int(tokens[-1] != -1), 0)
    wrong, worst, logs = 0, 0, logs.cpu()
    for r in range(rows - 1):
        values, ids = logs[r, :21].view(torch.float32), logs[r, 21:42]
        exact = torch.log_softmax(logits[r].double(), 0)
        best = torch.sort(logits[r], descending=True, stable=True).indices[: max(0, counts[r])]
        if counts[r] >= 0:
            wrong += int(ids[0] != expected[r]) + int((ids[1 : counts[r] + 1] != best).sum())
            own = ids[: counts[r] + 1].long()
            worst = max(worst, (values[: counts[r] + 1].double() - exact[own]).abs().max().item())
    report("log probabilities, wrong tokens", wrong, 0)
    report("log probabilities", worst, 1e-5)


def check_coded(kind):
    """KV in 8 bits."""
    for arguments in [(4, 2, 128, 128, 0, 1.3, "head"), (3, 1, 96, 72, 0, 1.0, "whole"), (4, 4, 80, 0, 0),
                      (8, 2, 256, 256, 0, 1.0, "head"), (4, 4, 64, 64, 1), (6, 2, 32, 32, 0), (2, 2, 16, 8, 0)]:
        check_rotary(kind, *arguments, coded=True)
    for heads, kv_heads, d in [(4, 2, 64), (2, 1, 256)] if SMALL else [
        (8, 8, 128), (32, 8, 128), (16, 1, 128), (4, 1, 64), (8, 2, 256), (4, 4, 80), (4, 2, 96), (4, 2, 16), (6, 2, 32)]:
        check_attention(kind, heads, kv_heads, d, coded=True)
    for heads, kv_heads, d, cap, window, sinked in [(4, 2, 64, 5.0, 70, True)] if SMALL else [
        (8, 8, 128, 0.0, 100, False), (4, 1, 64, 0.0, 300, True), (8, 2, 256, 3.0, 257, True), (4, 4, 80, 0.0, 0, True),
        (4, 2, 96, 0.0, 64, False), (4, 2, 16, 4.0, 33, True), (6, 2, 32, 0.0, 1000, True)]:
        check_attention(kind, heads, kv_heads, d, (cap, window, randn(heads) if sinked else None), coded=True)


def main():
    print(torch.cuda.get_device_name(), flush=True)
    for kind in TYPES:
        check_coded(kind)
        if "kv8" in sys.argv[2:]:
            continue
        check_small(kind)
        for shape in [(5, 200, 192, 1), (33, 384, 576, 2)] if SMALL else [
            (5, 200, 192, 1), (1, 512, 1024, 2), (33, 384, 576, 2), (129, 640, 1088, 4), (200, 1000, 4096, 8),
            (515, 1280, 2048, 2), (64, 130, 70, 1)]:
            check_gemm(kind, *shape)
        for c in [clustered(2, 64, 1), clustered(3, 64, 2), large(64, 80, 1), large(128, 160, 1), large(128, 240, 2), mma(16), mma(64),
                  mma(128)]:
            check_modes(kind, c)
        check_gemm_invariance(kind, 512 if SMALL else 5120, 512 if SMALL else 5120)
        if not SMALL:
            check_gemm_invariance(kind, 13824, 5120)
        for heads, kv_heads, d in [(4, 2, 64), (2, 1, 256)] if SMALL else [
            (8, 8, 128), (32, 8, 128), (4, 1, 64), (8, 2, 256), (4, 4, 80), (4, 2, 96), (4, 2, 16), (6, 2, 32),
            (16, 1, 128)]:
            check_attention(kind, heads, kv_heads, d)
        for heads, kv_heads, d, cap, window, sinked in [(4, 2, 64, 5.0, 70, True), (2, 1, 256, 0.0, 20, False)] if SMALL else [
            (8, 8, 128, 0.0, 100, False), (32, 8, 128, 0.0, 1, False), (4, 1, 64, 0.0, 300, True), (8, 2, 256, 3.0, 0, False),
            (8, 2, 256, 3.0, 257, False), (4, 4, 80, 0.0, 0, True), (4, 2, 96, 0.0, 64, False), (4, 2, 16, 4.0, 33, True),
            (6, 2, 32, 0.0, 1000, True), (16, 1, 128, 2.0, 256, False)]:
            check_attention(kind, heads, kv_heads, d, (cap, window, randn(heads) if sinked else None))
        for shape in [(9, 6, 2, 1)] if SMALL else [(3, 8, 2, 1), (40, 16, 4, 0), (300, 128, 8, 1), (700, 5, 3, 0), (2, 4, 1, 1)]:
            check_experts(kind, *shape)
        for arguments in [(4, 2, 128, 128, 0, 1.3, "head"), (3, 1, 96, 72, 0, 1.0, "whole"), (4, 2, 64, 0, 0, 1.0, "head"),
                          (4, 4, 80, 0, 0), (8, 2, 256, 256, 0, 1.0, "head"), (4, 2, 128, 128, 0), (3, 1, 96, 96, 0), (4, 4, 256, 64, 1), (2, 2, 16, 8, 0)]:
            check_rotary(kind, *arguments)
    for vocabulary, rows in [] if "kv8" in sys.argv[2:] else [(1000, 15)] if SMALL else [(97, 60), (32000, 60), (128256, 29), (262208, 29)]:
        check_sampling(vocabulary, rows)
    print("failed: " + ", ".join(failures) if failures else "all checks passed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
