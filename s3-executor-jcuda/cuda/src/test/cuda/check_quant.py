"""Checks products with weights in 4 and 8 bits: the same bits as 16-bit products of the widened weights, for every kernel.

Usage: check_quant.py s3kernels.fatbin [small]   (small: shapes for compute-sanitizer)
"""

import sys

import torch

import check
from check import K, LIMIT, SMALL, clamped_swiglu, differing, failures, poisoned, randn, relative, report
from gpu import *

E2M1 = (0, 0.5, 1, 1.5, 2, 3, 4, 6)


class Weight:
    """Random codes and scales [n][k], on the device in tiles, and the exact values rounded to the number type."""

    def __init__(self, kind, code, n, k, group=128, form=SYMMETRIC):
        self.kind, self.code, self.n, self.k, self.group, self.form = kind, code, n, k, group, form
        groups = ceil(k, group)
        self.codes = torch.randint(0, 1 << BITS[code], (n, k), device="cuda", dtype=torch.int32)
        if code == "e4m3":
            self.codes[(self.codes & 127) == 127] = 0
        self.scales = (torch.rand(n, groups, device="cuda") + 0.5) * k**-0.5 / {"u4": 8, "s8": 128, "e4m3": 448, "e2m1": 6}[code]
        if code == "e2m1":
            self.scales = torch.exp2(torch.floor(torch.log2(self.scales)))
        self.seconds = None
        if form == ZERO:
            self.seconds = torch.randint(0, 17, (n, groups), device="cuda").float()
        elif form == OFFSET:
            self.seconds = randn(n, groups) * k**-0.5
        self.values = self.widened()

    def packed(self):
        if BITS[self.code] == 8:
            return self.codes.to(torch.uint8).contiguous()
        return (self.codes[:, 0::2] | self.codes[:, 1::2] << 4).to(torch.uint8).contiguous()

    def widened(self):
        dtype = TYPES[self.kind]
        spread = lambda t: t.repeat_interleave(self.group, 1)[:, : self.k]
        factor = 256.0 if self.kind == "f16" else 1.0  # as the strips hold scales
        scales = spread((self.scales * factor).to(dtype).double() / factor)
        c = self.codes.double()
        if self.code == "u4":
            zero = spread(self.seconds.double()) if self.form == ZERO else 8 if self.form == SYMMETRIC else 0
            values = (c - zero) * scales
            if self.form == OFFSET:
                values = values + spread(self.seconds.to(dtype).double())
        elif self.code == "s8":
            values = (c - 128) * scales
            if self.form == OFFSET:
                values = values + spread(self.seconds.to(dtype).double())
        elif self.code == "e4m3":
            values = self.codes.to(torch.uint8).view(torch.float8_e4m3fn).double() * scales
        else:
            table = torch.tensor(E2M1 + tuple(-v for v in E2M1), device="cuda", dtype=torch.float64)
            values = table[self.codes.long()] * scales
        return values.float().to(dtype)

    def tiles(self, into=None, first=0, placement=0, at=0):
        into = into or Quantised(self.code, self.n, self.k, self.group, self.form)
        return into.load(K, self.kind, self.packed(), self.scales, self.seconds, first, placement, at)

    def label(self):
        return f"{self.kind} {self.code} group{self.group} form{self.form}"


def same_bits(weight):
    """Whether exact values have been rounded once here too, so that bits may be compared."""
    return weight.form != OFFSET


def check_product(kind, code, group, form, m, n, k, splits):
    weight = Weight(kind, code, n, k, group, form)
    tiles = weight.tiles()
    x = randn(m, k, kind=kind)
    xt, groups = tile_rows(K, x)
    expected = x.float() @ weight.values.float().T
    plain = poisoned(m, n, dtype=torch.float32)
    gemm(K, kind, retile(K, weight.values), xt, plain, m, n, k, groups, n, mode=1, splits=splits,
         configuration=large(128, 64, 1) if splits == 5 else clustered(2, 64, splits))
    name = f"quant {weight.label()} m{m} n{n} k{k} splits{splits}"
    worst, bits, plain_bits, first = 0, 0, 0, None
    for c in quant_configurations(code, m, n, splits) if code != "e2m1" else []:
        y = poisoned(m, n, dtype=torch.float32)
        quant_gemm(K, kind, tiles, xt, y, m, groups, n, mode=1, splits=splits, configuration=c)
        error = relative(y, expected)
        if not error <= 1e-5:
            print(f"     {c[0]}: {error:.3g}", flush=True)
        worst = max(worst, error) if error == error else float("nan")
        first = y if first is None else first
        bits += differing(first, y)
        plain_bits += differing(plain, y)
    report(f"{name}", worst, 1e-5)
    report(f"{name} bits that differ between configurations", bits, 0)
    if same_bits(weight):
        report(f"{name} bits that differ from the product of 16 bits", plain_bits, 0)
    for rows in (16, 64):
        y = poisoned(m, n, dtype=torch.float32)
        quant_gemm(K, kind, tiles, xt, y, m, groups, n, mode=1, configuration=quant_mma(code, rows))
        report(f"{name} mma_n{rows}", relative(y, expected), 1e-5)
        if splits == 1 and first is not None:
            print(f"     of {y.numel()} results {differing(first, y)} differ in bits between wgmma and mma")


def check_invariance(kind, code, n, k, group=128, form=SYMMETRIC):
    big = 300 if SMALL else 700
    weight = Weight(kind, code, n, k, group, form)
    tiles = weight.tiles()
    x = randn(big, k, kind=kind)
    whole, bits = None, 0
    for m in (big, 1, 7, 16, 33, 64, 100, 128, 200, 257):
        rows = x[-m:].contiguous()
        xt, groups = tile_rows(K, rows)
        y = poisoned(m, n, dtype=torch.float32)
        quant_gemm(K, kind, tiles, xt, y, m, groups, n, mode=1)
        whole = y if whole is None else whole
        bits += differing(y, whole[-m:])
    report(f"quant {weight.label()} n{n} k{k} bits that depend on m", bits, 0)


def check_modes(kind, code, configuration, m=37, n=320, k=192, splits=1):
    weight = Weight(kind, code, n, k, 32 if code == "u4" else 128)
    tiles, plain_bias = weight.tiles(), randn(n, kind=kind)
    x = randn(m, k, kind=kind)
    xt, groups = tile_rows(K, x)
    plain = x.float() @ weight.values.float().T
    run = lambda y, stride, mode, b, w=tiles, **more: quant_gemm(
        K, kind, w, xt, y, m, groups, stride, mode=mode, bias=b, splits=splits, configuration=configuration, **more)
    name = f"quant {kind} {configuration[0]}"
    y = poisoned(m, n, dtype=TYPES[kind])
    run(y, n, 0, plain_bias)
    report(f"{name} rows with bias", relative(y, plain + plain_bias.float()), LIMIT[kind])
    stream = randn(m, n)
    expected = stream + 0.3 * plain
    run(stream, n, 2, None, factor=0.3)
    report(f"{name} added times a factor", relative(stream, expected), 1e-5)
    out = torch.zeros(groups * 8 * n, dtype=TYPES[kind], device="cuda")
    run(out, groups, 4, plain_bias, activation=1)
    gelu = torch.nn.functional.gelu(plain + plain_bias.float(), approximate="tanh")
    report(f"{name} gelu", relative(untile_rows(out, m, n, groups), gelu), LIMIT[kind])
    gate, up = (Weight(kind, code, n // 2, k, weight.group) for _ in range(2))
    both = Quantised(code, n, k, weight.group)
    gate.tiles(both, placement=1)
    up.tiles(both, placement=2)
    out = torch.zeros(groups * 8 * ceil(n // 2, 64) * 64, dtype=TYPES[kind], device="cuda")
    run(out, groups, 3, None, both)
    parts = [x.float() @ w.values.float().T for w in (gate, up)]
    gated = torch.nn.functional.silu(parts[0]) * parts[1]
    report(f"{name} gated", relative(untile_rows(out, m, n // 2, groups), gated), LIMIT[kind])
    joined = Quantised(code, n, k, weight.group)
    gate.tiles(joined)
    up.tiles(joined, first=n // 2)
    y = poisoned(m, n, dtype=torch.float32)
    run(y, n, 1, None, joined)
    report(f"{name} joined", relative(y, torch.cat(parts, 1)), 1e-5)


def check_experts(kind, code, rows, experts, per_token, hidden=160, inner=72, group=32, form=SYMMETRIC):
    ints = lambda v: torch.tensor(v, device="cuda", dtype=torch.int32)
    pairs = rows * per_token
    picked = torch.stack([torch.randperm(experts, device="cuda")[:per_token] for _ in range(rows)]).int().contiguous()
    x = randn(rows, hidden, kind=kind)
    xt, groups = tile_rows(K, x)
    own = [Weight(kind, code, inner, hidden, group, form) for _ in range(experts)]
    tiles = Quantised(code, inner, hidden, group, form, count=experts)
    for e, w in enumerate(own):
        w.tiles(tiles, at=e)
    first = None
    for tile_size in (16, 64):
        lists, order = ints([0] * (4 + 4 * (pairs // 16 + experts))), ints([-7] * pairs)
        K.launch("group_pairs", (1,), 1024, experts * 8, picked, pairs, experts, tile_size, lists, order)
        y = poisoned(pairs, inner, dtype=torch.float32)
        quant_experts_product(K, kind, tile_size, tiles, xt, y, groups, inner, 1, 0, lists, order, per_token, pairs, experts)
        first = y if first is None else first
        report(f"quant experts {own[0].label()} bits that depend on tiles of {tile_size}", differing(first, y), 0)
    expected = torch.stack([own[picked[p // per_token, p % per_token]].values.float() @ x[p // per_token].float()
                            for p in range(pairs)])
    report(f"quant experts {own[0].label()} rows{rows} {per_token} of {experts}", relative(first, expected), 1e-5)


def check_quantise(kind, code, limit, n=136, k=1000):
    """Rounding to nearest on the device: the error of the values, and codes within half a step."""
    plain = randn(n, k, kind=kind, scale=0.02)
    plain[0] = 0
    codes, scales = quantise(K, code, plain, kind == "bf16")
    weight = Weight(kind, code, n, k)
    weight.scales = scales
    weight.codes = codes.int() if BITS[code] == 8 else torch.stack([codes & 15, codes >> 4], 2).reshape(n, k).int()
    values = weight.widened().float()
    report(f"quantised {kind} {code}: error", relative(values, plain), limit)
    if code == "s8" and kind == "f16":  # values in bf16 are rounded by up to half a step again
        steps = scales.repeat_interleave(128, 1)[:, :k]
        report(f"quantised {kind} {code}: steps", ((values - plain.float()).abs() / steps.clamp(min=1e-9)).max().item(), 0.6)


def main():
    print(torch.cuda.get_device_name(), flush=True)
    for kind in TYPES:
        for code, group, form in [("u4", 128, SYMMETRIC), ("u4", 64, SYMMETRIC), ("u4", 32, SYMMETRIC), ("u4", 128, ZERO),
                                  ("u4", 32, OFFSET), ("s8", 128, SYMMETRIC), ("s8", 32, SYMMETRIC),
                                  ("s8", 16, SYMMETRIC), ("s8", 32, OFFSET),
                                  ("e4m3", 128, SYMMETRIC), ("e2m1", 32, SYMMETRIC)]:
            for shape in [(5, 200, 192, 1), (33, 384, 512, 2)] if SMALL else [(5, 200, 192, 1), (33, 384, 1280, 5), (300, 130, 72, 1)]:
                check_product(kind, code, group, form, *shape)
        if not SMALL:
            check_product(kind, "u4", 128, SYMMETRIC, 129, 640, 4096, 8)
            check_product(kind, "e4m3", 128, SYMMETRIC, 515, 1280, 2048, 2)
        for code in ("u4", "s8", "e4m3"):
            some = [quant_few(code, 37, 320, 1), quant_wgmma(code, 64, 1), quant_tiles(code, 256, 1), quant_tiles(code, 176, 1),
                    quant_mma(code, 64)]
            for c in some[:2] if SMALL else some:
                check_modes(kind, code, c)
            check_modes(kind, code, quant_few(code, 37, 320, 2, 3), splits=2)
            n, k = (512, 512) if SMALL else (5120, 2048)
            check_invariance(kind, code, n, k)
        check_invariance(kind, "s8", n, k, 16)
        check_invariance(kind, "s8", n, k, 32, OFFSET)
        for code, group, form in (("u4", 32, SYMMETRIC), ("e2m1", 32, SYMMETRIC), ("s8", 16, SYMMETRIC), ("s8", 32, OFFSET)):
            check_experts(kind, code, 9 if SMALL else 100, 6, 2, group=group, form=form)
        for code, limit in (("u4", 0.11), ("s8", 0.009), ("e4m3", 0.03)):
            check_quantise(kind, code, limit)
    print("failed: " + ", ".join(failures) if failures else "all checks passed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
