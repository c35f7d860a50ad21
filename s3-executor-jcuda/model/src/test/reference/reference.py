#!/usr/bin/env python3
"""Makes the reference fixtures: tiny random models and what Hugging Face transformers computes with them.

    python3 reference.py --small-model DIR --prompts prompts.jsonl --out fixtures

For each model there is an expected.json: `prompts` (token ids), `logits` (of the last position of
each prompt), `greedy` (32 greedy token ids per prompt, never stopped at an end token) and
`min_gap` (the smallest distance between the best and the second-best logit met on the way, so that
a port knows no near-tie decides a token). Everything is computed in float32 on the CPU, one prompt
at a time, without a key-value cache; weights are widened from the type they are stored in.

The small model's own weights are not copied; its expected.json keeps the first 64 logits and the
20 largest (`logits_first64`, `logits_top20`).
"""
import argparse
import glob
import json
import os
import random
import shutil

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, GPTJConfig, GPTJForCausalLM, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

STEPS = 32
SMALLEST_GAP = 2e-3
LENGTHS = (1, 7, 23, 60)


def number(value):
    """The shortest decimal that still names this float32."""
    return float(f"{value:.9g}")


@torch.no_grad()
def compute(folder, prompts):
    """Last-position logits, greedy continuations and smallest gaps of the model in the folder."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    logits, greedy, gaps = [], [], []
    for prompt in prompts:
        ids, first, gap = list(prompt), None, float("inf")
        for _ in range(STEPS):
            last = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]
            first = last if first is None else first
            top = torch.topk(last, 2)
            gap = min(gap, (top.values[0] - top.values[1]).item())
            ids.append(int(top.indices[0]))
        logits.append(first)
        greedy.append(ids[len(prompt):])
        gaps.append(gap)
    return logits, greedy, gaps


def write(path, value):
    with open(path, "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()) + "\n}\n")


def randomise(model, seed):
    """Weights and biases far enough from zero that a missing or swapped one shows in the logits."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        scale = name.endswith("weight") and ("norm" in name or ".ln_" in name)
        parameter.data = 1 + 0.1 * noise if scale else 0.2 * noise


def tiny_model(name, seed):
    common = dict(vocab_size=256, hidden_size=64, intermediate_size=160, max_position_embeddings=512,
                  bos_token_id=None, eos_token_id=3, pad_token_id=None)
    if name == "llama-mha":
        model, dtype = LlamaForCausalLM(LlamaConfig(
            **common, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4, rms_norm_eps=1e-5,
            tie_word_embeddings=False, rope_parameters={"rope_type": "default", "rope_theta": 10000.0})), torch.float32
    elif name == "llama-gqa":
        model, dtype = LlamaForCausalLM(LlamaConfig(
            **common, num_hidden_layers=3, num_attention_heads=8, num_key_value_heads=2, head_dim=16,
            rms_norm_eps=1e-6, tie_word_embeddings=True,
            rope_parameters={"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
                             "high_freq_factor": 4.0, "original_max_position_embeddings": 64})), torch.bfloat16
    elif name == "gptj":
        model, dtype = GPTJForCausalLM(GPTJConfig(
            vocab_size=256, n_positions=512, n_embd=64, n_layer=2, n_head=4, rotary_dim=8, n_inner=None,
            bos_token_id=None, eos_token_id=3, tie_word_embeddings=False)), torch.float16
    else:
        model, dtype = Qwen2ForCausalLM(Qwen2Config(
            **common, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-6,
            tie_word_embeddings=True, use_sliding_window=False,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0})), torch.float16
    randomise(model, seed)
    return model.to(dtype)


def older_config(config):
    """The same config.json as transformers 4 wrote it."""
    config = dict(config)
    if "rope_parameters" in config:
        rope = dict(config.pop("rope_parameters"))
        config["rope_theta"] = rope.pop("rope_theta")
        config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    config["torch_dtype"] = config.pop("dtype")
    return config


def make_tiny(name, out):
    folder = os.path.join(out, name)
    for seed in range(1, 200):
        shutil.rmtree(folder, ignore_errors=True)
        model = tiny_model(name, seed)
        model.save_pretrained(folder, max_shard_size="120KB" if name == "qwen2" else "5GB")
        if os.path.exists(os.path.join(folder, "generation_config.json")):
            os.remove(os.path.join(folder, "generation_config.json"))
        draw = random.Random(seed)
        prompts = [[draw.randrange(256) for _ in range(length)] for length in LENGTHS]
        logits, greedy, gaps = compute(folder, prompts)
        if min(gaps) > SMALLEST_GAP:
            break
    else:
        raise SystemExit(f"{name}: no seed without near-ties")
    shards = glob.glob(os.path.join(folder, "*.safetensors"))
    assert len(shards) == (2 if name == "qwen2" else 1), shards
    write(os.path.join(folder, "expected.json"), {
        "prompts": prompts, "logits": [[number(x) for x in row.tolist()] for row in logits],
        "greedy": greedy, "min_gap": [number(x) for x in gaps], "seed": seed})

    # config.json stays as this transformers writes it; config.v4.json says the same in the older layout.
    config_path = os.path.join(folder, "config.json")
    with open(config_path, encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(folder, "config.v4.json"), "w", encoding="utf-8") as file:
        file.write(json.dumps(older_config(json.loads(text)), indent=2) + "\n")
    shutil.copy(os.path.join(folder, "config.v4.json"), config_path)
    again, greedy_again, _ = compute(folder, prompts)
    assert greedy_again == greedy and all(torch.equal(a, b) for a, b in zip(again, logits))
    with open(config_path, "w", encoding="utf-8") as file:
        file.write(text)
    print(name, "seed", seed, "gaps", [round(gap, 5) for gap in gaps], "distinct greedy",
          [len(set(row)) for row in greedy], flush=True)


def make_small(model_folder, prompts_path, out):
    tokenizer = Tokenizer.from_file(os.path.join(model_folder, "tokenizer.json"))
    with open(prompts_path, encoding="utf-8") as lines:
        candidates = [tokenizer.encode(json.loads(line)["prompt"]).ids for line in lines]
    candidates = [ids for ids in candidates if len(ids) <= 60]
    kept = []
    for prompt in [[1]] + candidates:
        logits, greedy, gaps = compute(model_folder, [prompt])
        if gaps[0] > SMALLEST_GAP:
            kept.append((prompt, logits[0], greedy[0], gaps[0]))
        if len(kept) == 4:
            break
    folder = os.path.join(out, "small-model")
    os.makedirs(folder, exist_ok=True)
    tops = [torch.topk(row, 20) for _, row, _, _ in kept]
    write(os.path.join(folder, "expected.json"), {
        "prompts": [prompt for prompt, _, _, _ in kept],
        "logits_first64": [[number(x) for x in row[:64].tolist()] for _, row, _, _ in kept],
        "logits_top20": [{"ids": top.indices.tolist(), "values": [number(x) for x in top.values.tolist()]}
                         for top in tops],
        "greedy": [greedy for _, _, greedy, _ in kept],
        "min_gap": [number(gap) for _, _, _, gap in kept],
        # The tokenizer's reference: texts and their ids, the chat template's tokens included.
        "encodings": [{"text": text, "ids": tokenizer.encode(text).ids,
                       "plain_ids": tokenizer.encode(text, add_special_tokens=False).ids,
                       "decoded": tokenizer.decode(tokenizer.encode(text).ids)} for text in TEXTS]})
    print("small-model lengths", [len(row[0]) for row in kept], "gaps", [round(row[3], 5) for row in kept], flush=True)


TEXTS = [
    "", "Hello", " hello  world ", "Tom has 1234 apples and 5.75 pears.", "def f(x):\n    return x ** 2\n",
    "it's we're I'LL don't", "caf\u00e9 na\u00efve \u00fcber", "\u4f60\u597d\uff0c\u4e16\u754c",
    "\U0001f600 smile \U0001f468\u200d\U0001f469\u200d\U0001f467", "tab\tand\r\nnewline\n\n\nend   ",
    "\u0661\u0662\u0663 \u00bd \u2167", "a<|end|>b <|user|>", "\u00a0nbsp\u2003em", "$<<3*4=12>>12 #### 12",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--models", nargs="*", default=["llama-mha", "llama-gqa", "qwen2", "gptj"])
    parser.add_argument("--small-model", help="folder of the small model")
    parser.add_argument("--prompts", help="its prompts.jsonl")
    args = parser.parse_args()
    torch.set_num_threads(1)
    os.makedirs(args.out, exist_ok=True)
    for name in args.models:
        make_tiny(name, args.out)
    if args.small_model:
        make_small(args.small_model, args.prompts, args.out)


if __name__ == "__main__":
    main()
