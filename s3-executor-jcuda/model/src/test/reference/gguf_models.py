#!/usr/bin/env python3
"""Writes small models of each architecture as llama.cpp's converter writes them: for each NAME.gguf there are
NAME.config.json, the model's own configuration, and NAME.tensors.json, the names and shapes of its own tensors. Weights
are a function of name and index (see value), which the test computes again. Vocabularies are not converted: tokens have
made-up names. Needs: torch, transformers 5, safetensors, and a checkout of llama.cpp (2026-06) for --llama-cpp.

    gguf_models.py --llama-cpp ~/llama.cpp --out src/test/resources/reference/gguf
"""
import argparse
import json
import os
import pathlib
import sys
import tempfile
import zlib

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file

SMALL = {"vocab_size": 48, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
         "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256, "eos_token_id": 3,
         "bos_token_id": 1, "pad_token_id": None, "rms_norm_eps": 1e-5}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64, "beta_fast": 16.0,
        "beta_slow": 2.0, "rope_theta": 50000.0}
MODELS = {
    "llama": {"model_type": "llama", "head_dim": 16, "tie_word_embeddings": True, "attention_bias": False,
              "rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
                                  "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}},
    "mixtral": {"model_type": "mixtral", "intermediate_size": 32, "num_local_experts": 4, "num_experts_per_tok": 2,
                "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0}},
    "qwen2": {"model_type": "qwen2", "rope_parameters": YARN},
    "qwen3": {"model_type": "qwen3", "head_dim": 16, "rope_parameters": {"rope_type": "default", "rope_theta": 1e6}},
    "qwen3moe": {"model_type": "qwen3_moe", "head_dim": 16, "moe_intermediate_size": 32, "num_experts": 3,
                 "num_experts_per_tok": 2, "norm_topk_prob": True, "decoder_sparse_step": 1, "mlp_only_layers": []},
    "gemma2": {"model_type": "gemma2", "head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 32,
               "attn_logit_softcapping": 40.0, "final_logit_softcapping": 20.0},
    "gemma3": {"model_type": "gemma3_text", "head_dim": 16, "num_hidden_layers": 7, "intermediate_size": 32, "num_attention_heads": 2,
               "num_key_value_heads": 1, "query_pre_attn_scalar": 16, "sliding_window": 32,
               "rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
                                   "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}},
    "phi3": {"model_type": "phi3", "num_attention_heads": 2, "num_key_value_heads": 1, "sliding_window": 128,
             "original_max_position_embeddings": 64,
             "rope_parameters": {"rope_type": "longrope", "rope_theta": 10000.0, "partial_rotary_factor": 0.75,
                                 "original_max_position_embeddings": 64,
                                 "long_factor": [1.0, 1.5, 2.0, 3.0, 4.0, 6.0],
                                 "short_factor": [1.0, 1.0, 1.25, 1.25, 1.5, 1.5]}},
    "smollm3": {"model_type": "smollm3", "num_hidden_layers": 4, "intermediate_size": 32, "no_rope_layer_interval": 4,
                "rope_parameters": {"rope_type": "default", "rope_theta": 2000000.0}},
    "olmo2": {"model_type": "olmo2"},
    "granite": {"model_type": "granite", "embedding_multiplier": 12.0, "attention_multiplier": 0.015625,
                "residual_multiplier": 0.22, "logits_scaling": 8.0, "tie_word_embeddings": True},
    "gpt-oss": {"model_type": "gpt_oss", "head_dim": 16, "num_local_experts": 2, "num_experts_per_tok": 2,
                "sliding_window": 32, "intermediate_size": 32,
                "rope_parameters": {"rope_type": "yarn", "factor": 32.0, "beta_fast": 32.0, "beta_slow": 1.0,
                                    "truncate": False, "original_max_position_embeddings": 64,
                                    "rope_theta": 150000.0}},
}


def numbers(name, count):
    return (zlib.crc32(name.encode()) + np.arange(count, dtype=np.uint64) * np.uint64(2654435761)) & np.uint64(0xffffffff)


def value(name, shape):
    """Eleven bits of a multiple of the index, from -0.5 on: exact in half precision."""
    high = (numbers(name, int(np.prod(shape))) >> np.uint64(21)).astype(np.int64) - 1024
    return torch.tensor(high.astype(np.float32) / 2048).reshape(shape)


def octets(name, shape):
    """Eight bits of the same; as exponents they are from 120 on."""
    high = (numbers(name, int(np.prod(shape))) >> np.uint64(24)).astype(np.uint8)
    return torch.tensor(high if name.endswith("_blocks") else 120 + high % 12, dtype=torch.uint8).reshape(shape)


def make_folder(name, folder):
    config = transformers.AutoConfig.for_model(**{**SMALL, **MODELS[name]})
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config)
    model.save_pretrained(folder)
    file = os.path.join(folder, "model.safetensors")
    tensors = {key: value(key, tensor.shape) for key, tensor in load_file(file).items()}
    if name == "gpt-oss":
        tensors = dict(pair for key in tensors for pair in packed(key, tensors[key]))
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, file, metadata={"format": "pt"})
    config_file = os.path.join(folder, "config.json")
    with open(config_file, encoding="utf-8") as json_file:
        written = json.load(json_file)
    if name == "gpt-oss":
        written["quantization_config"] = {"quant_method": "mxfp4"}
    with open(config_file, "w", encoding="utf-8") as json_file:
        json.dump(written, json_file, indent=1)
    vocabulary = {f"t{i}": i for i in range(SMALL["vocab_size"])}
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as json_file:
        json.dump({"model": {"vocab": vocabulary}, "added_tokens": []}, json_file)
    return written, {key: list(tensor.shape) for key, tensor in tensors.items()}


def packed(key, tensor):
    """Yields the blocks and exponents of an expert's matrix [expert][in][out] as [expert][out][in / 32]."""
    if not key.endswith(("experts.gate_up_proj", "experts.down_proj")):
        yield key, tensor
        return
    experts, width, rows = tensor.shape
    yield key + "_blocks", octets(key + "_blocks", (experts, rows, width // 32, 16))
    yield key + "_scales", octets(key + "_scales", (experts, rows, width // 32))


def write_vocabulary(model):
    tokens = [f"t{i}" for i in range(SMALL["vocab_size"])]
    model.gguf_writer.add_tokenizer_model("gpt2")
    model.gguf_writer.add_tokenizer_pre("default")
    model.gguf_writer.add_token_list(tokens)
    model.gguf_writer.add_token_types([1] * len(tokens))
    model.gguf_writer.add_bos_token_id(1)
    model.gguf_writer.add_eos_token_id(3)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llama-cpp", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    parser.add_argument("--keep", help="also keep the folders in this one")
    args = parser.parse_args()
    sys.path[:0] = [os.path.join(args.llama_cpp, "gguf-py"), args.llama_cpp]
    import gguf
    from conversion import get_model_class

    os.makedirs(args.out, exist_ok=True)
    for name in args.models:
        with tempfile.TemporaryDirectory() as temporary:
            folder = os.path.join(args.keep or temporary, name)
            os.makedirs(folder, exist_ok=True)
            config, shapes = make_folder(name, folder)
            kind = get_model_class(config["architectures"][0])
            kind.set_vocab = write_vocabulary
            with torch.inference_mode():
                kind(pathlib.Path(folder), gguf.LlamaFileType.MOSTLY_F16,
                     pathlib.Path(args.out, name + ".gguf"), eager=True).write()
        for ending, content in (("config", config), ("tensors", shapes)):
            with open(os.path.join(args.out, f"{name}.{ending}.json"), "w", encoding="utf-8") as file:
                json.dump(content, file, indent=1)
                file.write("\n")
        print(name, len(shapes), "tensors", flush=True)


if __name__ == "__main__":
    main()
