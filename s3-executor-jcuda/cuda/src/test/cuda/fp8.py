"""Checks products with both operands in 8 bits against exact ones, and times them beside 16 bits, coded weights and torch.

Usage: fp8.py s3fp8.fatbin,s3kernels.fatbin check|small|bench|configurations   (small: shapes for compute-sanitizer)
S3_SHAPES and S3_ROWS as in bench.py.
"""

import sys

import torch

from gpu import *

# ---- launches, as in Java

TILE_BYTES = 128 * 128 + 128 * 4
ROWS = (16, 32, 64, 128, 192, 256)
E4M3 = torch.float8_e4m3fn


def fp8_splits(n, k):
    """Segments of the sum over k: a property of the weight."""
    return 2 if ceil(n, 128) <= 60 and ceil(k, 128) >= 64 else 1


def fp8_stage(rows):
    return ceil(rows * 132 + TILE_BYTES, 1024) * 1024


def fp8_launch(rows, m, n, splits, multiprocessors=132):
    """Name, rows of a block, threads, stages, shared bytes, segments."""
    blocks = ceil(m, rows) * ceil(n, 128) * splits
    most = 3 if rows <= 32 else 2 if rows == 64 else 1
    resident = max(1, min(most, ceil(blocks, multiprocessors)))
    stages = (227 // resident - 2) * 1024 // fp8_stage(rows)
    shared = stages * (fp8_stage(rows) + 16) + 1024
    return f"n{rows}_c{splits}", rows, 384 if rows > 128 else 288, stages, shared, splits


def fp8_configurations(m, n, splits):
    """All that give the bits of this number of segments."""
    return [fp8_launch(rows, m, n, splits) for rows in ROWS]


def fp8_configuration(m, n, splits, multiprocessors=132):
    """The smallest N that holds m; for many rows the one whose blocks take the least time, of equals the largest."""
    rows = next((rows for rows in (16, 32, 64, 128) if m <= rows), None)
    if rows is None:
        blocks = lambda rows: ceil(m, rows) * ceil(n, 128) * splits
        rows = -min((ceil(blocks(rows), multiprocessors) * (48 + rows), -rows) for rows in (128, 192, 256))[1]
    return fp8_launch(rows, m, n, splits)


class Fp8Weight:
    """A weight [n][k] of codes and scales [n][ceil(k / 128)]."""

    def __init__(self, n, k):
        self.n, self.k = n, k
        self.tiles = torch.zeros(ceil(n, 128) * ceil(k, 128) * TILE_BYTES, dtype=torch.uint8, device="cuda")

    def load(self, kernels, codes, scales, first=0, placement=0):
        found = torch.zeros(1, dtype=torch.int32, device="cuda")
        rows = codes.shape[0]
        kernels.launch("tile_fp8", (2048,), 256, 0, codes, self.tiles, rows, self.k, first, placement, found)
        kernels.launch("tile_fp8_scales", (2048,), 256, 0, scales, self.tiles, rows, self.k, first, placement, found)
        if found.item():
            raise RuntimeError("a scale or a code is not finite")
        return self


class Fp8Rows:
    """Room for activations in 8 bits."""

    def __init__(self, k, groups):
        self.k, self.groups = k, groups
        self.codes = torch.full((ceil(k, 128) * groups * 1024,), 0x7F, dtype=torch.uint8, device="cuda")
        self.scales = torch.full((ceil(k, 128) * groups * 8,), float("nan"), device="cuda")

    def quantise(self, kernels, kind, tiles, rows, grouped=0, given=0.0, most=float("inf")):
        kernels.launch(f"round_rows_{kind}", (rows,), 256, 0, tiles, self.codes, self.scales, self.k, self.groups, grouped,
                       float(given), float(most))
        return self

    def untiled(self, rows):
        """Codes [rows][k] and their scales."""
        t = self.codes.view(-1, self.groups, 8, 8, 16)
        turn = torch.arange(8, device="cuda")
        piece = turn[None, :] ^ turn[:, None]
        t = torch.gather(t, 3, piece[None, None, :, :, None].expand_as(t))
        return t.permute(1, 2, 0, 3, 4).reshape(self.groups * 8, -1)[:rows, : self.k]


def fp8_gemm(kernels, kind, w, x, y, m, stride, mode=0, bias=None, splits=None, configuration=None, activation=0, factor=1.0,
             cap=0.0, grouped=0):
    splits = splits or fp8_splits(w.n, w.k)
    name, rows, threads, stages, shared, first = configuration or fp8_configuration(m, w.n, splits)
    kernels.launch(f"fp8_gemm_{kind}_{name}", (first, ceil(m, rows), ceil(w.n, 128)), threads, shared, w.tiles, x.codes, y, bias,
                   m, w.n, w.k, x.groups, stride, mode, splits, activation, factor, cap, x.scales, grouped, stages)


# ---- checks


def checks():
    import check
    from check import K, SMALL, differing, failures, poisoned, randn, relative, report

    def random_weight(n, k):
        plain = randn(n, k, scale=k**-0.5)
        padded = torch.nn.functional.pad(plain, (0, -k % 128)).view(n, -1, 128)
        scales = (padded.abs().amax(2) / 448).contiguous()
        codes = (padded / scales[:, :, None].clamp(min=1e-30)).to(E4M3).view(n, -1)[:, :k].contiguous()
        exact = codes.double() * scales.double().repeat_interleave(128, 1)[:, :k]
        return Fp8Weight(n, k).load(K, codes.view(torch.uint8), scales), exact

    most_code = torch.tensor(448.0, device="cuda")  # torch multiplies with the reciprocal of a number

    def expected_codes(x, grouped, given):
        x = x.float()
        if given > 0:
            scale = torch.full((x.shape[0], 1), given, device="cuda")
        elif grouped:
            scale = torch.nn.functional.pad(x, (0, -x.shape[1] % 128)).view(x.shape[0], -1, 128).abs().amax(2) / most_code
        else:
            scale = x.abs().amax(1, keepdim=True) / most_code
        scale = scale.clamp(min=2.0**-100)
        spread = scale.repeat_interleave(128, 1)[:, : x.shape[1]] if grouped else scale
        return (x * (1 / spread)).clamp(-448, 448).to(E4M3), spread.expand_as(x)

    def quantised(kind, m, k, grouped=0, given=0.0, x=None):
        x = randn(m, k, kind=kind) if x is None else x
        xt, groups = tile_rows(K, x)
        return x, Fp8Rows(k, groups).quantise(K, kind, xt, m, grouped, given)

    def check_rows(kind, m, k, grouped, given):
        x = randn(m, k, kind=kind)
        x[0] = 0
        if m > 2:
            x[2, k // 2] = 300.0
        _, rows = quantised(kind, m, k, grouped, given, x)
        codes, spread = expected_codes(x, grouped, given)
        wrong = (rows.untiled(m) != codes.view(torch.uint8)).sum().item()
        report(f"rows {kind} m{m} k{k} grouped{grouped} given{given}: codes that differ", wrong, 0)
        scales = rows.scales.view(-1, rows.groups * 8)[:, :m].T if grouped else rows.scales[:m, None]
        own = spread[:, ::128] if grouped else spread[:, :1]
        report("     scales", differing(scales[:, : own.shape[1]].contiguous(), own.contiguous()), 0)

    def check_nan(kind):
        x = randn(3, 256, kind=kind)
        x[0, 7], x[1, 9] = float("nan"), float("inf")
        w, _ = random_weight(128, 256)
        for grouped in (0, 1):
            _, rows = quantised(kind, 3, 256, grouped, 0.0, x)
            y = poisoned(3, 128, dtype=torch.float32)
            fp8_gemm(K, kind, w, rows, y, 3, 128, mode=1, grouped=grouped)
            bad = 0 if y[:2].isnan().all() and y[2].isfinite().all() else 1
            report(f"rows {kind} with a NaN and an infinity, grouped{grouped}", bad, 0)

    def check_norm(kind, m, width, grouped, layer):
        """The bits of the norm's own kernel, rounded."""
        stream, weight, bias = randn(m, width), randn(width) + 1, randn(width)
        groups = ceil(m, 8)
        tiles = torch.zeros(groups * 8 * ceil(width, 64) * 64, dtype=TYPES[kind], device="cuda")
        scale = [weight, bias] if layer else [weight]
        name = "layer_norm" if layer else "rms_norm"
        K.launch(f"{name}_{kind}", (m,), 1024, 0, stream, None, None, *scale, tiles, width, groups, 1e-5)
        expected = Fp8Rows(width, groups).quantise(K, kind, tiles, m, grouped)
        own = Fp8Rows(width, groups)
        K.launch(f"{name}_fp8_{kind}", (m,), 1024, 2 * width, stream, *scale, 1e-5, own.codes, own.scales, width, groups, grouped,
                 0.0, float("inf"))
        wrong = (own.untiled(m) != expected.untiled(m)).sum().item()
        count = ceil(width, 128) if grouped else 1
        scales = [r.scales.view(-1, groups * 8)[:count, :m].contiguous() for r in (own, expected)]
        report(f"{name} {kind} m{m} width{width} grouped{grouped}: codes that differ", wrong + differing(*scales), 0)

    def check_product(kind, m, n, k, splits, grouped):
        w, exact = random_weight(n, k)
        x, rows = quantised(kind, m, k, grouped)
        codes, spread = expected_codes(x, grouped, 0)
        expected = (codes.double() * spread.double()) @ exact.T
        worst, bits, first, most = 0, 0, None, 0
        for c in fp8_configurations(m, n, splits):
            y = poisoned(m, n, dtype=torch.float32)
            fp8_gemm(K, kind, w, rows, y, m, n, mode=1, splits=splits, configuration=c, grouped=grouped)
            error = relative(y, expected)
            worst = max(worst, error) if error == error else float("nan")
            most = max(most, ((y - expected).abs().max() / expected.std()).item())
            first = y if first is None else first
            if differing(first, y):
                print(f"     {c[0]}: {differing(first, y)} bits, error {error:.3g}", flush=True)
            bits += differing(first, y)
        name = f"fp8 {kind} m{m} n{n} k{k} splits{splits} grouped{grouped}"
        report(f"{name} (most {most:.3g} deviations)", worst, 5e-4)
        report(f"{name} bits that differ between configurations", bits, 0)
        plain = x.double() @ exact.T
        print(f"     the rows' own rounding: {relative(expected, plain):.3g}", flush=True)

    def check_invariance(kind, n, k, grouped):
        big = 300 if SMALL else 1030
        w, _ = random_weight(n, k)
        x = randn(big, k, kind=kind)
        whole, bits = None, 0
        for m in (big, 1, 7, 16, 33, 64, 100, 128, 200, 257):
            _, rows = quantised(kind, m, k, grouped, 0.0, x[-m:].contiguous())
            y = poisoned(m, n, dtype=torch.float32)
            fp8_gemm(K, kind, w, rows, y, m, n, mode=1, grouped=grouped)
            whole = y if whole is None else whole
            bits += differing(y, whole[-m:])
        report(f"fp8 {kind} n{n} k{k} grouped{grouped} bits that depend on m", bits, 0)

    def check_modes(kind, m=37, n=320, k=192):
        w, exact = random_weight(n, k)
        bias = randn(n, kind=kind)
        x, rows = quantised(kind, m, k)
        codes, spread = expected_codes(x, 0, 0)
        values = codes.double() * spread.double()
        plain = values @ exact.T
        limit = check.LIMIT[kind]
        y = poisoned(m, n, dtype=TYPES[kind])
        fp8_gemm(K, kind, w, rows, y, m, n, mode=0, bias=bias)
        report(f"fp8 {kind} rows with bias", relative(y, plain + bias.double()), limit)
        stream = randn(m, n)
        added = stream + 0.3 * plain
        fp8_gemm(K, kind, w, rows, stream, m, n, mode=2, factor=0.3)
        report(f"fp8 {kind} added times a factor", relative(stream, added), 5e-4)
        out = torch.zeros(rows.groups * 8 * n, dtype=TYPES[kind], device="cuda")
        fp8_gemm(K, kind, w, rows, out, m, rows.groups, mode=4, bias=bias, activation=1)
        gelu = torch.nn.functional.gelu(plain + bias.double(), approximate="tanh")
        report(f"fp8 {kind} gelu", relative(untile_rows(out, m, n, rows.groups), gelu), limit)
        both = Fp8Weight(n, k)
        parts = []
        for placement in (1, 2):
            plain_part = randn(n // 2, k, scale=k**-0.5)
            scale = (plain_part.abs().amax(1, keepdim=True) / 448).expand(-1, ceil(k, 128)).contiguous()
            own = (plain_part / scale[:, :1]).to(E4M3)
            both.load(K, own.view(torch.uint8), scale, placement=placement)
            parts.append(values @ (own.double() * scale[:, :1].double()).T)
        out = torch.zeros(rows.groups * 8 * ceil(n // 2, 64) * 64, dtype=TYPES[kind], device="cuda")
        fp8_gemm(K, kind, both, rows, out, m, rows.groups, mode=3)
        gated = torch.nn.functional.silu(parts[0]) * parts[1]
        report(f"fp8 {kind} gated", relative(untile_rows(out, m, n // 2, rows.groups), gated), limit)

    print(torch.cuda.get_device_name(), flush=True)
    for kind in TYPES:
        for grouped, given in ((0, 0.0), (1, 0.0), (0, 0.01)):
            check_rows(kind, 5, 200, grouped, given)
            check_rows(kind, 33, 1024, grouped, given)
            if not SMALL:
                check_rows(kind, 130, 13824, grouped, given)
        check_nan(kind)
        for grouped in (0, 1):
            for layer in (False, True):
                check_norm(kind, 5, 264, grouped, layer)
                if not SMALL:
                    check_norm(kind, 33, 20480, grouped, layer)
            check_product(kind, 5, 200, 192, 1, grouped)
            check_product(kind, 33, 384, 512, 2, grouped)
            if not SMALL:
                check_product(kind, 300, 130, 72, 1, grouped)
                check_product(kind, 515, 1280, 4096, 2, grouped)
                check_product(kind, 260, 15360, 5120, 1, grouped)
            check_invariance(kind, 512 if SMALL else 5120, 512 if SMALL else 2048, grouped)
            if not SMALL:
                check_invariance(kind, 15360, 1024, grouped)
                check_invariance(kind, 1024, 8200, grouped)
        check_modes(kind)
    print("failed: " + ", ".join(failures) if failures else "all checks passed")
    return 1 if failures else 0


# ---- timings


def times():
    import bench
    from bench import K, QuantProduct

    class Both(QuantProduct):
        """The same weights with both operands in 8 bits."""

        def __init__(self, n, k, most):
            super().__init__(n, k)
            self.x = torch.randn(most, k, device="cuda", dtype=torch.float16)
            self.quantised("e4m3")
            self.count = max(8, int(150e6 // (n * k)))
            scale = torch.full((n, ceil(k, 128)), 1 / 448, device="cuda")
            codes = [(torch.randn(n, k, device="cuda") * 60).to(E4M3) for _ in range(2)]
            self.own = [Fp8Weight(n, k).load(K, codes[i % 2].view(torch.uint8), scale) for i in range(self.count)]
            self.torch_codes = [codes[i % 2].clone() for i in range(self.count)]
            self.torch_scale = torch.full((1, n), 1 / 448, device="cuda")

        def rows(self, m):
            xt, groups = tile_rows(K, self.x[:m].contiguous())
            return xt, Fp8Rows(self.k, groups).quantise(K, "f16", xt, m)

        def ours_fp8(self, m, configuration=None, splits=None, grouped=0):
            xt, rows = self.rows(m)
            rows.quantise(K, "f16", xt, m, grouped)
            y = torch.empty(m, self.n, device="cuda", dtype=torch.float16)
            return time_graph([lambda w=w: fp8_gemm(K, "f16", w, rows, y, m, self.n, splits=splits, grouped=grouped,
                                                    configuration=configuration) for w in self.own] * 2)

        def quantiser(self, m):
            xt, rows = self.rows(m)
            return time_graph([lambda: rows.quantise(K, "f16", xt, m) for _ in range(16)])

        def torch_fp8(self, m):
            padded = max(m, 16)
            codes = (torch.randn(padded, self.k, device="cuda") * 60).to(E4M3)
            scale = torch.ones(padded, 1, device="cuda")
            calls = [lambda w=w: torch._scaled_mm(codes, w.T, scale, self.torch_scale, out_dtype=torch.bfloat16)
                     for w in self.torch_codes]
            try:
                return time_graph(calls * 2)
            except Exception as e:  # noqa: BLE001 (torch refuses some shapes)
                print(f"torch: {e}", flush=True)
                return float("nan")

    rows = bench.ROWS
    for n, k in bench.SHAPES:
        product = Both(n, k, max(rows))
        for m in rows:
            if "configurations" in sys.argv:
                line = []
                for splits in (1, 2):
                    for c in fp8_configurations(m, n, splits):
                        if min(m, 128) <= c[1] < 4 * max(m, 16):
                            line.append((product.ours_fp8(m, c, splits), c[0]))
                line.sort()
                print(f"{n}x{k} m{m} | " + " ".join(f"{name}:{t * 1e6:.1f}" for t, name in line[:9]), flush=True)
                continue
            fp8, groups, wide = product.ours_fp8(m), product.ours_fp8(m, grouped=1), product.ours(m)
            coded, cublas, scaled = product.ours_quantised(m), product.cublas(m), product.torch_fp8(m)
            print(f"{n}x{k} m{m} us: fp8 {fp8 * 1e6:.1f} groups {groups * 1e6:.1f} rows {product.quantiser(m) * 1e6:.1f} | coded weights "
                  f"{coded * 1e6:.1f} fp16 {wide * 1e6:.1f} cuBLAS {cublas * 1e6:.1f} scaled_mm {scaled * 1e6:.1f} | "
                  f"{2 * m * n * k / fp8 / 1e12:.0f} TFLOP/s, fp16 / fp8 {wide / fp8:.2f}, scaled_mm / fp8 {scaled / fp8:.2f}", flush=True)
        del product
        torch.cuda.empty_cache()


if __name__ == "__main__":
    sys.exit(checks() if sys.argv[2] in ("check", "small") else times())
