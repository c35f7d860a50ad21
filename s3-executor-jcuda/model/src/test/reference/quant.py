#!/usr/bin/env python3
"""Writes small quantised folders, one for each way, with the weights that they decode to. Integers and scales are drawn,
then packed as each library packs them, and decoded from the drawn numbers (not from the packed ones) by the library's
formula, in single precision. Sources of the formulas: AutoGPTQ qlinear_cuda_old.py and GPTQModel for gptq and gptq_v2,
AutoAWQ packing_utils.py, bitsandbytes functional.py, compressed-tensors pack_quantized.py and forward.py, transformers
finegrained_fp8.py; MXFP4 is decoded by transformers' own integrations/mxfp4.py. Needs: torch, safetensors, transformers.

    quant.py --out src/test/resources/reference/quant
"""
import argparse
import json
import os

import torch
from safetensors.torch import save_file
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

OUT, IN = 24, 64
NAME = "model.layers.0.mlp.up_proj"
PLAIN = "model.norm.weight"
NF4 = [-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
       -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
       0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0]
FP4 = [0.0, 0.0052083333, 0.6666666667, 1.0, 0.3333333333, 0.5, 0.1666666667, 0.25,
       0.0, -0.0052083333, -0.6666666667, -1.0, -0.3333333333, -0.5, -0.1666666667, -0.25]


def integers(low, high, *shape):
    return torch.randint(low, high, shape)


def scales(*shape, dtype=torch.float16):
    return (torch.rand(*shape) * 0.02 + 0.001).to(dtype)


def pack(values, bits, dim):
    """Packs unsigned integers along a dimension into words, the first in the lowest bits."""
    each = 32 // bits
    values = values.transpose(dim, -1)
    values = torch.nn.functional.pad(values, (0, -values.shape[-1] % each))
    words = torch.zeros(*values.shape[:-1], values.shape[-1] // each, dtype=torch.int64)
    for i in range(each):
        words |= values[..., i::each] << (bits * i)
    words = torch.where(words >= 2**31, words - 2**32, words)
    return words.to(torch.int32).transpose(dim, -1).contiguous()


def gptq(bits, group, order=False, version="gptq"):
    groups = IN // group if group > 0 else 1
    weight, zero = integers(0, 2**bits, IN, OUT), integers(0, 2**bits, groups, OUT)
    scale = scales(groups, OUT)
    of = torch.arange(IN) // group if group > 0 else torch.zeros(IN, dtype=torch.int64)
    if order:
        of = of[torch.randperm(IN)]
    stored = (zero - 1) % 2**bits if version == "gptq" else zero
    decoded = scale.float()[of] * (weight - zero[of]).float()
    config = {"quant_method": "gptq", "bits": bits, "group_size": group, "desc_act": order, "sym": False,
              "checkpoint_format": version}
    tensors = {"qweight": pack(weight, bits, 0), "qzeros": pack(stored, bits, 1), "scales": scale,
               "g_idx": of.to(torch.int32)}
    return config, tensors, decoded.T


def awq():
    group, groups = 32, IN // 32
    order = torch.tensor([0, 2, 4, 6, 1, 3, 5, 7])  # AWQ's: place i of a word holds this output of eight
    weight, zero, scale = integers(0, 16, IN, OUT), integers(0, 16, groups, OUT), scales(groups, OUT)
    of = torch.arange(IN) // group
    shuffled = [values.reshape(values.shape[0], -1, 8)[:, :, order].reshape(values.shape) for values in (weight, zero)]
    config = {"quant_method": "awq", "bits": 4, "group_size": group, "version": "gemm", "zero_point": True}
    tensors = {"qweight": pack(shuffled[0], 4, 1), "qzeros": pack(shuffled[1], 4, 1), "scales": scale}
    return config, tensors, (scale.float()[of] * (weight - zero[of]).float()).T


def bitsandbytes_int8():
    weight, largest = integers(-127, 128, OUT, IN).to(torch.int8), torch.rand(OUT) + 0.1
    decoded = weight * largest.view(-1, 1) * 7.874015718698502e-3
    config = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    return config, {"weight": weight, "SCB": largest, "weight_format": torch.tensor(0, dtype=torch.uint8)}, decoded


def bitsandbytes_four(kind, table, nested):
    block = 64
    blocks = OUT * IN // block
    codes, table = integers(0, 16, OUT * IN), torch.tensor(table)
    state = {"quant_type": kind, "blocksize": block, "dtype": "float32", "shape": [OUT, IN]}
    tensors = {"weight": (codes[::2] << 4 | codes[1::2]).to(torch.uint8).reshape(-1, 1), "weight.quant_map": table}
    largest = torch.rand(blocks) + 0.1
    if nested:
        state.update(nested_blocksize=8, nested_dtype="float32", nested_offset=0.0421142578125)
        inner, outer = integers(0, 256, blocks), torch.rand(blocks // 8)
        inner_table = torch.linspace(-1, 1, 256)
        largest = inner_table[inner] * outer.repeat_interleave(8) + 0.0421142578125
        tensors.update({"weight.absmax": inner.to(torch.uint8), "weight.nested_absmax": outer,
                        "weight.nested_quant_map": inner_table})
    else:
        tensors["weight.absmax"] = largest
    text = torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8)
    tensors["weight.quant_state.bitsandbytes__" + kind] = text
    config = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": kind,
              "bnb_4bit_use_double_quant": nested, "bnb_4bit_quant_storage": "uint8"}
    return config, tensors, (table[codes] * largest.repeat_interleave(block)).reshape(OUT, IN)


def fp8(kind):
    weight = (torch.randn(OUT, IN) * 60).to(torch.float8_e5m2 if kind == "e5m2" else torch.float8_e4m3fn)
    config = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": None}
    tensors = {"weight": weight}
    if kind == "blocks":  # 24 rows in blocks of 16: the last is not whole
        config["weight_block_size"] = [16, 32]
        scale = scales(2, 2, dtype=torch.float32)
        tensors["weight_scale_inv"] = scale
        spread = scale.repeat_interleave(16, 0)[:OUT].repeat_interleave(32, 1)
    elif kind == "channel":
        config = {"quant_method": "fbgemm_fp8", "modules_to_not_convert": ["lm_head"]}
        tensors["weight_scale"] = spread = scales(OUT, 1, dtype=torch.float32)
    else:
        config["activation_scheme"] = "static"
        tensors["weight_scale"] = spread = scales(1, dtype=torch.bfloat16)[0]
        tensors["input_scale"] = torch.tensor(1.5)
    return config, tensors, weight.float() * spread.float()


def compressed(kind):
    config = {"quant_method": "compressed-tensors", "ignore": ["lm_head"], "quantization_status": "compressed"}
    weights = {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel"}
    if kind.startswith("pack"):
        bits, group = (8, 0) if kind == "pack8" else (4, 16)
        weights.update(num_bits=bits)
        half, groups = 2 ** (bits - 1), IN // group if group else 1
        if group:
            weights.update(strategy="group", group_size=group, symmetric=kind == "pack4")
        weight, scale = integers(-half, half, OUT, IN), scales(OUT, groups, dtype=torch.bfloat16)
        of = torch.arange(IN) // group if group else torch.zeros(IN, dtype=torch.int64)
        tensors = {"weight_packed": pack(weight + half, bits, 1), "weight_scale": scale,
                   "weight_shape": torch.tensor([OUT, IN])}
        zero = torch.zeros(OUT, groups, dtype=torch.int64)
        if kind == "pack4_zeros":
            of = of[torch.randperm(IN)]
            weights["actorder"] = "group"
            zero = integers(-half, half, OUT, groups)
            tensors["weight_zero_point"] = pack(zero + half, bits, 0)
            tensors["weight_g_idx"] = of.to(torch.int32)
        config["format"], decoded = "pack-quantized", (weight - zero[:, of]).float() * scale.float()[:, of]
    elif kind == "int8":
        weight, scale = integers(-128, 128, OUT, IN), scales(OUT, 1, dtype=torch.bfloat16)
        zero = integers(-10, 10, OUT, 1)
        tensors = {"weight": weight.to(torch.int8), "weight_scale": scale, "weight_zero_point": zero.to(torch.int8)}
        config["format"], decoded = "int-quantized", (weight - zero).float() * scale.float()
    else:
        weight, scale = (torch.randn(OUT, IN) * 60).to(torch.float8_e4m3fn), scales(OUT, 1, dtype=torch.bfloat16)
        weights.update(type="float")
        tensors = {"weight": weight, "weight_scale": scale}
        config["format"], decoded = "float-quantized", weight.float() * scale.float()
    config["config_groups"] = {"group_0": {"targets": ["Linear"], "weights": weights}}
    return config, tensors, decoded


def mxfp4(out):
    experts, rows, groups = 2, 32, 2
    tensors, decoded = {}, {}
    for stack in ("gate_up_proj", "down_proj"):
        blocks = integers(0, 256, experts, rows, groups, 16).to(torch.uint8)
        exponents = integers(118, 130, experts, rows, groups).to(torch.uint8)
        name = "model.layers.0.mlp.experts." + stack
        tensors.update({name + "_blocks": blocks, name + "_scales": exponents, name + "_bias": torch.rand(2, rows)})
        dense = convert_moe_packed_tensors(blocks, exponents, dtype=torch.float32)  # [expert][in][out]
        for expert in range(experts):
            own = dense[expert].T.contiguous()
            prefix = f"model.layers.0.mlp.experts.{expert}."
            parts = {"gate_proj": own[::2], "up_proj": own[1::2]} if stack == "gate_up_proj" else {"down_proj": own}
            decoded.update({prefix + part + ".weight": matrix.contiguous() for part, matrix in parts.items()})
    write(out, "mxfp4", {"quant_method": "mxfp4"}, tensors, decoded)


def write(out, name, config, tensors, decoded):
    folder = os.path.join(out, name)
    os.makedirs(folder, exist_ok=True)
    tensors[PLAIN] = torch.rand(IN)
    decoded[PLAIN] = tensors[PLAIN]
    save_file(tensors, os.path.join(folder, "model.safetensors"))
    save_file(decoded, os.path.join(folder, "decoded.safetensors"))
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump({"quantization_config": config}, file, indent=1)
        file.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    out = parser.parse_args().out
    torch.manual_seed(5)
    ways = {
        "gptq4": gptq(4, 16), "gptq4-order": gptq(4, 16, order=True), "gptq4-v2": gptq(4, 32, version="gptq_v2"),
        "gptq8": gptq(8, 32), "gptq8-whole": gptq(8, -1, version="gptq_v2"), "awq4": awq(),
        "bnb-int8": bitsandbytes_int8(), "bnb-nf4": bitsandbytes_four("nf4", NF4, False),
        "bnb-nf4-nested": bitsandbytes_four("nf4", NF4, True), "bnb-fp4": bitsandbytes_four("fp4", FP4, False),
        "fp8-blocks": fp8("blocks"), "fp8-channel": fp8("channel"), "fp8-tensor": fp8("tensor"),
        "fp8-e5m2": fp8("e5m2"), "ct-pack4": compressed("pack4"), "ct-pack4-zeros": compressed("pack4_zeros"),
        "ct-pack8": compressed("pack8"), "ct-int8": compressed("int8"), "ct-fp8": compressed("fp8"),
    }
    for name, (config, tensors, decoded) in ways.items():
        write(out, name, config, {f"{NAME}.{part}": tensor for part, tensor in tensors.items()},
              {NAME + ".weight": decoded.contiguous()})
    mxfp4(out)
    config, tensors, decoded = gptq(4, 32, order=True)
    write(out, "gptq4-act", config, {f"{NAME}.{part}": tensor for part, tensor in tensors.items()},
          {NAME + ".weight": decoded.contiguous()})
    print(len(ways) + 2, "folders")


if __name__ == "__main__":
    main()
