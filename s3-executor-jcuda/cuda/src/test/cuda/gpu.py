"""Loads the fatbin through the driver API, as the Java side does, and launches kernels on torch's stream."""

import ctypes
import statistics
import sys

import torch

DRIVER = ctypes.CDLL("libcuda.so.1")
SHARED_LIMIT = 8  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
TYPES = {"f16": torch.float16, "bf16": torch.bfloat16}


def check(code):
    if code != 0:
        text = ctypes.c_char_p()
        DRIVER.cuGetErrorString(code, ctypes.byref(text))
        raise RuntimeError(f"driver error {code}: {text.value}")


class Kernels:
    def __init__(self, paths):
        """Loads fatbins or cubins, their paths separated by commas; a kernel is that of the first which has it."""
        torch.zeros(1, device="cuda")  # makes torch's context current
        self.modules = []
        for path in paths.split(","):
            with open(path, "rb") as file:
                image = file.read()
            module = ctypes.c_void_p()
            check(DRIVER.cuModuleLoadData(ctypes.byref(module), image))
            self.modules.append(module)
        self.functions = {}

    def function(self, name):
        for module in self.modules:
            if name in self.functions:
                break
            function = ctypes.c_void_p()
            if DRIVER.cuModuleGetFunction(ctypes.byref(function), module, name.encode()) == 0:
                self.functions[name] = [function, 0]
        if name not in self.functions:
            raise RuntimeError(f"no kernel {name}")
        return self.functions[name]

    def launch(self, name, grid, block, shared, *arguments):
        """Tensors become pointers, None null, ints and floats 32-bit numbers; give others as ctypes values."""
        entry = self.function(name)
        if shared > entry[1]:
            check(DRIVER.cuFuncSetAttribute(entry[0], SHARED_LIMIT, shared))
            entry[1] = shared
        values = []
        for a in arguments:
            if a is None or isinstance(a, torch.Tensor):
                values.append(ctypes.c_void_p(0 if a is None else a.data_ptr()))
            elif isinstance(a, float):
                values.append(ctypes.c_float(a))
            elif isinstance(a, int):
                values.append(ctypes.c_int(a))
            else:
                values.append(a)
        pointers = (ctypes.c_void_p * len(values))(*[ctypes.addressof(v) for v in values])
        grid = tuple(grid) + (1,) * (3 - len(grid))
        stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
        check(DRIVER.cuLaunchKernel(entry[0], *grid, block, 1, 1, shared, stream, pointers, None))


def time_graph(calls, repeats=7, before=lambda: None):
    """Median seconds a call: all calls captured in one graph, each on its own data; before comes ahead of each replay."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        calls[0]()
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            for call in calls:
                call()
        before()
        graph.replay()
        torch.cuda.synchronize()
        times = []
        for _ in range(repeats):
            before()
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record(stream)
            graph.replay()
            end.record(stream)
            torch.cuda.synchronize()
            times.append(start.elapsed_time(end) / 1e3 / len(calls))
    return statistics.median(times)


# ---- layouts


def ceil(a, b):
    return (a + b - 1) // b


def retile(kernels, w, placement=0, out=None, first=0, rows=None, to=None):
    """Row-major [n][k] to weight tiles."""
    n, k = w.shape
    kind = {torch.float16: "f16", torch.bfloat16: "bf16", torch.float32: "f32"}
    to = to or kind[w.dtype]
    if out is None:
        out = torch.zeros(ceil(rows or n, 64) * ceil(k, 64) * 4096, dtype=TYPES[to], device="cuda")
    kernels.launch(f"retile_{kind[w.dtype]}_{to}", (2048,), 256, 0, w, out, n, k, first, placement)
    return out


def tile_rows(kernels, x, capacity=None):
    """Row-major [rows][k] to activation tiles; returns the tiles and the row groups."""
    rows, k = x.shape
    groups = ceil(capacity or rows, 8)
    out = torch.zeros(groups * 8 * ceil(k, 64) * 64, dtype=x.dtype, device="cuda")
    name = "f16" if x.dtype == torch.float16 else "bf16"
    kernels.launch(f"tile_rows_{name}", (2048,), 256, 0, x, out, rows, k, groups)
    return out, groups


def untile_rows(tiles, rows, k, groups):
    """Activation tiles back to [rows][k]."""
    t = tiles.view(-1, groups, 8, 8, 8)  # column tile, group, row, piece, element
    turn = torch.arange(8, device="cuda")
    piece = turn[None, :] ^ turn[:, None]  # [row][piece]
    t = torch.gather(t, 3, piece[None, None, :, :, None].expand_as(t))
    return t.permute(1, 2, 0, 3, 4).reshape(groups * 8, -1)[:rows, :k]


# ---- matrix products: what Java will choose is chosen here

SPLITS = (1, 2, 4, 8)
STAGES = {(2, 16): 6, (2, 32): 5, (2, 64): 4, (3, 64): 6, (3, 128): 5}
MANY_STAGES = {16: 4, 32: 3, 64: 3}
LARGE = [(64, n, 1) for n in (64, 80, 112)] + [(128, n, 1) for n in (64, 80, 96, 112, 128, 144, 160, 192, 224, 240, 256)] + [
    (128, n, 2) for n in (160, 192, 240)]  # rows and columns of a tile for many rows, and blocks of a cluster
SEGMENTED_COLUMNS = 192  # of such a tile with more segments than one, at most
MULTIPROCESSORS = 132


def splits_of(n, k):
    """Segments of the sum over k: a property of the weight, never of the batch."""
    tiles, columns = ceil(n, 128), ceil(k, 64)
    splits = 1 if tiles >= 90 else 2 if tiles >= (48 if columns < 64 else 60) else 4 if tiles >= 24 else 8
    while splits > 1 and columns < 4 * splits:
        splits //= 2
    return splits


def gemm_shared(r, n, stages):
    return stages * (r * 8192 + n * 128) + stages * 16 + 1024


def gemm_configuration(m, n, k, splits):
    """Name suffix, columns and rows of a block, threads, shared bytes, first grid dimension; -1, -2: blocks share the tiles."""
    tiles = ceil(n, 128)
    if splits == 8 and 64 < m <= 128 and ceil(n, 192) * 8 <= 120:
        return clustered(3, 128, 8)
    if m > 64:
        some = [tile for tile in larges(splits) if (tile[0] == 128 if m > 128 else tile[2] == 1)]
        return large(*min(some, key=lambda tile: large_cost(m, n, *tile)))
    rows = next(r for r in (16, 32, 64) if m <= r)
    if splits == 1:
        if 264 < tiles <= 396 or rows == 16 and 132 < tiles <= 264:  # one wave, if so many blocks share a multiprocessor
            return many(rows)
        return deep() if rows == 64 and tiles <= 132 else clustered(2, rows, 1)
    blocks = tiles * splits
    if rows == 16 and blocks <= 132 or rows == 64 and blocks <= (132 if splits == 2 else 120):
        return clustered(2, rows, splits)
    if rows == 64 and ceil(n, 192) * splits <= 120:  # these blocks need a multiprocessor each
        return clustered(3, 64, splits)
    return clustered(2, max(rows, 32), splits)


def clustered(r, rows, splits):
    return f"r{r}_n{rows}_c{splits}", 64 * r, rows, 128 * r + 32, gemm_shared(r, rows, STAGES[r, rows]), splits


def deep():
    return "r2_n64_deep", 128, 64, 288, gemm_shared(2, 64, 9), 1


def many(rows):
    return f"r2_n{rows}_many", 128, rows, 288, gemm_shared(2, rows, MANY_STAGES[rows]), 1


def large_cost(m, n, rows, columns, pair):
    """What the tiles of many rows take one after another, relatively."""
    waves = ceil(ceil(m, rows * pair) * pair * ceil(n, columns), MULTIPROCESSORS)
    return waves * (32 + columns) * (15 if rows == 64 else 19 if pair == 2 else 20)


def larges(splits):
    return [tile for tile in LARGE if splits == 1 or tile[1] <= SEGMENTED_COLUMNS]


def large(rows, columns, pair):
    stage = (rows + columns) * 128
    stages = (226 * 1024 - 256 - rows * 160) // (stage + 16)
    name = f"m{rows}_n{columns}" + ("_pair" if pair == 2 else "")
    return name, columns, rows, 2 * rows + 128, stages * (stage + 16) + rows * 160 + 1024, -pair


def configurations(splits):
    """All for Hopper that give the bits of this number of segments."""
    some = [clustered(r, rows, splits) for r, rows in STAGES if r != 3 or splits > (1 if rows == 64 else 4)]
    if splits == 1:
        some += [deep()] + [many(rows) for rows in MANY_STAGES]
    return some + [large(*tile) for tile in larges(splits)]


def mma(rows):
    columns = 128 if rows == 128 else 64
    stages = {16: 6, 64: 5, 128: 3}[rows]
    return f"mma_n{rows}", columns, rows, 256 if rows == 128 else 128, stages * (columns + rows) * 128, 1


def gemm(kernels, kind, w, x, y, m, n, k, groups, stride, mode=0, bias=None, splits=None, configuration=None,
         activation=0, factor=1.0, cap=0.0):
    splits = splits or splits_of(n, k)
    name, columns, rows, threads, shared, first = configuration or gemm_configuration(m, n, k, splits)
    down, across = ceil(m, rows), ceil(n, columns)
    pair = -first  # of tiles for many rows: so many blocks have a tile of rows each, beside each other
    grid = (first, down, across) if first > 0 else (pair * min(MULTIPROCESSORS // pair, ceil(down, pair) * across),)
    kernels.launch(f"gemm_{kind}_{name}", grid, threads, shared, w, x, y, bias, m, n, k, groups, stride, mode, splits,
                   activation, factor, cap)


# ---- products with weights in 4 and 8 bits

CODES = {"u4": 0, "s8": 1, "e4m3": 2, "e2m1": 3}
BITS = {"u4": 4, "s8": 8, "e4m3": 8, "e2m1": 4}
SYMMETRIC, ZERO, OFFSET = 0, 1, 2


class Quantised:
    """A weight [n][k] in tiles of codes: room for it, and what kernels need to know."""

    def __init__(self, code, n, k, group=128, form=SYMMETRIC, count=1):
        self.code, self.n, self.k = code, n, k
        self.groups = 128 // group
        self.scales = self.groups | form << 4
        self.tile_bytes = 2048 * BITS[code] + self.groups * 128 * (2 if form == SYMMETRIC else 4)
        self.bytes = ceil(n, 128) * ceil(k, 128) * self.tile_bytes
        self.tiles = torch.zeros(self.bytes * count, dtype=torch.uint8, device="cuda")

    def load(self, kernels, kind, codes, scales, seconds=None, first=0, placement=0, at=0):
        """Row-major codes (two in a byte for 4 bits) and scales, and zeros or offsets, as floats [rows][groups]."""
        rows = scales.shape[0]
        tiles = self.tiles[self.bytes * at:]
        found = torch.zeros(1, dtype=torch.int32, device="cuda")
        kernels.launch(f"tile_codes_{BITS[self.code]}", (2048,), 256, 0, codes, tiles, rows, self.k, first, placement,
                       self.scales, found if self.code == "e4m3" else None)
        kernels.launch(f"tile_scales_{kind}", (2048,), 256, 0, scales, seconds, tiles, rows, self.k, first, placement,
                       self.scales, CODES[self.code], found)
        if found.item():
            raise RuntimeError("a scale or a code is not finite")
        return self


def quantise(kernels, code, w, bf16=False):
    """Codes and scales of plain numbers [n][k], rounded to nearest in groups of 128."""
    n, k = w.shape
    codes = torch.zeros(n, k * BITS[code] // 8, dtype=torch.uint8, device="cuda")
    scales = torch.full((n, ceil(k, 128)), float("nan"), device="cuda")
    source = {torch.float16: "f16", torch.bfloat16: "bf16", torch.float32: "f32"}[w.dtype]
    kernels.launch(f"quantize_{code}_{source}", (2048,), 256, 0, w, codes, scales, n, k, int(bf16))
    return codes, scales


FEW_ROWS, FEW_UNITS = 32, {1: 15, 2: 7}  # most rows of the kernel for few; units of 16 columns of a block by blocks a multiprocessor
QUANT_ROWS = (64, 128)
QUANT_TILE_ROWS = (256, 176, 128, 96)  # of tiles that blocks share
QUANT_SPLITS = (8, 5, 2, 1)


def quant_splits(n, k):
    """Segments of the sum over k, of whole tiles of 128 columns: a property of the weight."""
    columns, tiles = ceil(n, 128), ceil(k, 128)
    most = 1 if columns >= 160 else 2 if columns >= 60 else 5 if columns >= 24 else 8
    return next(s for s in QUANT_SPLITS if s <= most and (s == 1 or tiles >= 2 * s))


def quant_stage(code, rows, tiles=1):
    return rows * 256 + tiles * (10240 if BITS[code] == 4 else 18432)


def quant_wgmma(code, rows, clusters):
    """Name suffix, columns and rows of a block, threads, shared bytes, first grid dimension."""
    blocks = 3 if rows == 16 else 1
    tiles = 2 if rows in (64, 128) else 1
    stage = quant_stage(code, rows, tiles)
    stages = (227 // blocks - 2) * 1024 // stage
    threads = {64: 544, 128: 384}.get(rows, 288)
    return f"{code}_n{rows}_c{clusters}", 128 * tiles, rows, threads, stages * stage + stages * 16 + 1024, clusters


def quant_tiles(code, rows, splits):
    """A launch whose blocks share tiles of so many rows."""
    whole = rows == 256 and splits == 1
    joined = rows < 256  # codes and x in one ring
    sums = 20480 if joined else 40960 if whole else 65536  # bytes in shared memory
    code_stages = 0 if joined else 3 if whole or BITS[code] == 4 else 2
    stage = quant_stage(code, rows) if joined else rows * 128
    rest = code_stages * quant_stage(code, 0) + sums
    stages = (226 * 1024 - 512 - rest) // stage
    shared = stages * stage + rest + (stages + code_stages) * 16 + 1024
    return f"{code}_n{rows}_{'whole' if whole else 'tiles'}", 128, rows, 384, shared, 0


def quant_few(code, m, n, splits, clusters=None):
    """The kernel for few rows: (name suffix, columns, rows, threads, shared bytes, first and third grid dimension)."""
    units, blocks = ceil(n, 16), 1 if splits <= 2 else 2  # on a multiprocessor
    warps = FEW_UNITS[blocks]
    most = blocks * (MULTIPROCESSORS if splits <= 2 else MULTIPROCESSORS - MULTIPROCESSORS // 8) // splits
    clusters = clusters or min(units, most if splits == 1 else max(most, ceil(units, warps if blocks == 2 and m > 16 else 2 * warps)))
    return f"{code}_few_c{splits}", 16, FEW_ROWS, 32 * (warps + 1), 227 // blocks * 1024, splits, clusters


def quant_mma(code, rows):
    stages = 4 if rows == 16 else 3 if BITS[code] == 4 else 2
    return f"{code}_mma_n{rows}", 128, rows, 256, stages * quant_stage(code, rows), 1


def quant_large(code, m, n, splits):
    """The launch for more rows than a cluster takes whose blocks take the least time, wave after wave."""
    waves = lambda rows: ceil(ceil(m, rows) * ceil(n, 128), MULTIPROCESSORS)
    return quant_tiles(code, min(QUANT_TILE_ROWS, key=lambda rows: waves(rows) * (28 + rows)), splits)


def quant_configuration(code, m, n, splits):
    if m <= 8 and BITS[code] == 8:
        return quant_wgmma(code, 16, splits)
    if m <= FEW_ROWS:
        return quant_few(code, m, n, splits)
    for rows in QUANT_ROWS:
        if m <= rows:
            return quant_wgmma(code, rows, splits)
    return quant_large(code, m, n, splits)


def quant_configurations(code, m, n, splits):
    """All for Hopper that give the bits of this number of segments."""
    rows = ((16,) if BITS[code] == 8 else ()) + QUANT_ROWS
    return ([quant_few(code, m, n, splits)] + [quant_wgmma(code, r, splits) for r in rows]
            + [quant_tiles(code, r, splits) for r in QUANT_TILE_ROWS])


def quant_gemm(kernels, kind, w, x, y, m, groups, stride, mode=0, bias=None, splits=None, configuration=None, activation=0,
               factor=1.0, cap=0.0):
    splits = splits or quant_splits(w.n, w.k)
    name, columns, rows, threads, shared, first, *third = configuration or quant_configuration(w.code, m, w.n, splits)
    down, across = ceil(m, rows), ceil(w.n, columns)
    grid = (first, down, third[0] if third else across) if first else (min(MULTIPROCESSORS, down * across),)
    kernels.launch(f"gemm_{kind}_{name}", grid, threads, shared, w.tiles, x, y, bias, m, w.n, w.k, groups, stride, mode,
                   splits, activation, factor, cap, w.scales)


def quant_experts_product(kernels, kind, rows, w, x, y, groups, stride, mode, activation, tiles, pairs, divisor, count,
                          experts, bias=None):
    _, _, _, threads, shared, _ = quant_mma(w.code, rows)
    grid = (1, most_tiles(count, experts, rows), ceil(w.n, 128))
    kernels.launch(f"experts_{kind}_{w.code}_n{rows}", grid, threads, shared, w.tiles, x, y, bias, w.n, w.k, groups,
                   stride, mode, activation, tiles, pairs, divisor, w.scales)


# ---- experts


def most_tiles(pairs, experts, rows):
    """Blocks in the direction of the pairs: the tiles that there are at most."""
    return min(pairs, pairs // rows + experts)


def experts_product(kernels, kind, rows, w, x, y, n, k, groups, stride, mode, activation, tiles, pairs, divisor, count,
                    experts, bias=None):
    _, columns, _, threads, shared, _ = mma(rows)
    kernels.launch(f"experts_{kind}_n{rows}", (1, most_tiles(count, experts, rows), ceil(n, columns)), threads, shared,
                   w, x, y, bias, n, k, groups, stride, mode, activation, tiles, pairs, divisor)


# ---- attention


UNBOUNDED = (0.0, 0, None)  # cap on scores, window, sinks


def decode_shared(d, coded=False):
    units = 2 * (128 * (d + 16) + 512) if coded else 512 * (d + 8)
    return units + max(32 * (d + 8), 2304) + 400


def head_bytes(d):
    """Bytes of the 16 slots of a head in 8 bits: codes, then scales."""
    return 16 * (d + 4)


def attention_decode(kernels, kind, d, q, pool, positions, sequences, starts, tables, rows, sums, states, counters, out,
                     groups, layer, layers, heads, kv_heads, count, parts, blocks=None, bounds=None):
    coded = pool.dtype == torch.uint8
    kernels.launch(f"attention_decode_{kind}{'_kv8' if coded else ''}_d{d}{'_bounded' if bounds and not coded else ''}",
                   (kv_heads, count, blocks or decode_blocks(kv_heads, count, parts, coded)),
                   128, decode_shared(d, coded), q, pool, positions, sequences, starts, tables, rows, sums, states, counters,
                   out, q.shape[1], groups, layer, layers, heads, kv_heads, parts, d**-0.5, *(bounds or UNBOUNDED))


def decode_blocks(kv_heads, count, parts, coded):
    """Blocks that share a row's parts: as many as fit at once, but each has four parts at most, for rows of unlike lengths."""
    pairs = kv_heads * count
    return max(min(parts, 396 // pairs), 1 if coded and pairs >= 4 * 396 else ceil(parts, 4))


def norm_threads(width):
    """Threads of a norm's block: whole warps, as many as read anything; a thread reads eight values at once."""
    return min(1024, ceil(width, 256) * 32)


def rotate_blocks(rows, heads, kv_heads):
    """Blocks that share a row's heads: enough to fill the GPU."""
    return max(1, min(heads + 2 * kv_heads, 264 // rows, 16))


def prefill_shared(d, coded=False):
    stages, queries = (1, 64) if d > 128 else (2, 1)
    if coded:
        return stages * (128 * (d + 16) + 512) + 2 * queries * (d + 8) + 256 * d
    return 2 * (2 * 64 * stages + queries) * (d + 8) + 256 * d


def wide_prefill_shared(d, coded=False):
    return 1280 * d + 1088 + (256 * (d + 4) + 2112 if coded else 0)


def attention_prefill(kernels, kind, d, q, pool, positions, sequences, starts, tables, firsts, counts, out, groups, layer,
                      layers, heads, kv_heads, longest, bounds=None, wide=None, grid=None):
    """wide: with wgmma, by default where there is such a kernel; grid: its first dimension."""
    coded = pool.dtype == torch.uint8
    wide = d in (64, 128) if wide is None else wide
    name = f"attention_prefill_{kind}{'_kv8' if coded else ''}_d{d}{'_bounded' if bounds and not coded else ''}"
    rows, chunks = longest * (heads // kv_heads), len(counts)
    arguments = (q, pool, positions, sequences, starts, tables, firsts, counts, out, q.shape[1], groups, layer, layers, heads,
                 kv_heads, d**-0.5, *(bounds or UNBOUNDED))
    if wide:
        blocks = grid or min(MULTIPROCESSORS, ceil(rows, 128) * kv_heads)
        kernels.launch(f"{name}_wgmma", (blocks, 1, chunks), 384, wide_prefill_shared(d, coded), *arguments)
    else:
        kernels.launch(name, (grid or ceil(rows, 64), kv_heads, chunks), 128, prefill_shared(d, coded), *arguments)


if __name__ == "__main__":
    sys.exit("a module of check.py and bench.py")
