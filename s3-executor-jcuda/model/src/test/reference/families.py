#!/usr/bin/env python3
"""Small random models of every family, with every feature of each, and what Hugging Face transformers computes with them.

    python3 families.py --tiny OUT [NAME...]    fixtures of the CPU's tests, as reference.py makes them, some 250 KB each
    python3 families.py OUT [NAME...]           larger ones for FamilyParity.java, made and computed on a GPU

A folder of the larger ones holds the model, reference.json and steps-{f32,f16,bf16}.bin. reference.json has `prompts`
(token ids), `greedy` (ids that the fp32 model chooses after each prompt), and `context` (positions to read the model
for). The others are float32 [prompt][step][vocabulary]: the logits before each greedy token, in fp32 and as transformers
computes them in the two 16-bit types. Prompts are longer than the windows. Weights are numbers that fp16 and bf16 both
have, so that a type's error is that of its arithmetic.
"""
import argparse
import json
import os
import random
import shutil

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from reference import LENGTHS, SMALLEST_GAP, compute, number, write

LARGE_LENGTHS = (1, 2, 15, 16, 17, 63, 65, 130, 255, 257, 300, 513)
LARGE_STEPS = 24
TYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def rope(kind, theta=10000.0, **more):
    return {"rope_type": kind, "rope_theta": theta, **more}


def longrope(pairs, original, theta=10000.0, **more):
    short = [1.0 + 0.1 * (i % 5) for i in range(pairs)]
    longer = [1.0 + 0.5 * i for i in range(pairs)]
    return rope("longrope", theta, short_factor=short, long_factor=longer, original_max_position_embeddings=original, **more)


def rows(tiny):
    """Name to model_type and configuration; the same features in both sizes. `context` and `shortest` are not of the model."""
    head = 16 if tiny else 64
    wide = 32 if tiny else 256
    window = 9 if tiny else 100
    base = dict(vocab_size=256 if tiny else 1000, hidden_size=64 if tiny else 512, intermediate_size=96 if tiny else 1376,
                num_hidden_layers=2 if tiny else 4, num_attention_heads=4 if tiny else 8,
                num_key_value_heads=2, max_position_embeddings=512 if tiny else 2048, bos_token_id=None, eos_token_id=3,
                pad_token_id=None, tie_word_embeddings=False)
    own = dict(base, head_dim=head)
    experts = dict(own, num_experts_per_tok=2 if tiny else 4, intermediate_size=48 if tiny else 352)
    count = 4 if tiny else 16
    layers = base["num_hidden_layers"]
    kinds = ["sliding_attention" if i % 2 == 0 else "full_attention" for i in range(layers)]
    llama3 = rope("llama3", 500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                  original_max_position_embeddings=64)
    calm = {} if tiny else {"attention_factor": 1.1}  # by default so much that attention makes any rounding large
    yarn = rope("yarn", factor=4.0, original_max_position_embeddings=64)
    return {
        "llama": ("llama", dict(own, attention_bias=True, mlp_bias=True, rope_parameters=llama3)),
        "llama-linear": ("llama", dict(own, tie_word_embeddings=True, rope_parameters=rope("linear", factor=4.0))),
        "llama-dynamic": ("llama", dict(own, tie_word_embeddings=True, rope_parameters=rope("dynamic", factor=2.0))),
        "llama-yarn": ("llama", dict(own, tie_word_embeddings=True, rope_parameters=yarn)),
        "mistral": ("mistral", dict(base, head_dim=2 * head, sliding_window=window, rope_parameters=rope("default"))),
        "qwen2": ("qwen2", dict(base, use_sliding_window=True, sliding_window=window, max_window_layers=1,
                                rope_parameters=rope("default", 1e6))),
        "qwen3": ("qwen3", dict(base, head_dim=2 * head, attention_bias=True, use_sliding_window=True,
                                sliding_window=window, max_window_layers=1, rope_parameters=rope("default", 1e6))),
        "gemma2": ("gemma2", dict(base, head_dim=wide, query_pre_attn_scalar=wide - 8, attn_logit_softcapping=5.0,
                                  final_logit_softcapping=8.0, sliding_window=window, tie_word_embeddings=True,
                                  layer_types=kinds, rope_parameters=rope("default"))),
        "gemma3": ("gemma3_text", dict(
            base, num_hidden_layers=3 if tiny else 6, intermediate_size=64 if tiny else 1376, head_dim=wide,
            query_pre_attn_scalar=wide - 8, sliding_window=window, tie_word_embeddings=True,
            layer_types=(["sliding_attention"] * 2 + ["full_attention"]) * (1 if tiny else 2),
            rope_parameters={"full_attention": rope("linear", 1e6, factor=8.0),
                             "sliding_attention": rope("default", 1e4)})),
        "phi3": ("phi3", dict(base, hidden_size=64 if tiny else 768, sliding_window=window + 40,
                              original_max_position_embeddings=256 if tiny else 1024,
                              rope_parameters=longrope(6 if tiny else 36, 256 if tiny else 1024,
                                                       partial_rotary_factor=0.75)), 256 if tiny else 1024),
        "phi3-long": ("phi3", dict(base, original_max_position_embeddings=16, tie_word_embeddings=True,
                                   rope_parameters=longrope(6 if tiny else 24, 16, partial_rotary_factor=0.75, **calm)), 0, 17),
        "smollm3": ("smollm3", dict(base, num_hidden_layers=4, intermediate_size=80 if tiny else 1376,
                                    no_rope_layer_interval=2, use_sliding_window=True, sliding_window=window,
                                    tie_word_embeddings=True, mlp_bias=True, attention_bias=True,
                                    rope_parameters=rope("default", 2e6))),
        "olmo2": ("olmo2", dict(base, attention_bias=True, rope_parameters=rope("default", 5e5))),
        "granite": ("granite", dict(base, attention_bias=True, mlp_bias=True, attention_multiplier=0.2,
                                    embedding_multiplier=6.0, residual_multiplier=0.4, logits_scaling=3.0,
                                    rope_parameters=rope("default"))),
        "gptj": ("gptj", dict(vocab_size=base["vocab_size"], n_positions=base["max_position_embeddings"],
                              n_embd=base["hidden_size"], n_layer=layers, n_head=4 if tiny else 2,
                              rotary_dim=8 if tiny else 64, n_inner=None, bos_token_id=None, eos_token_id=3,
                              tie_word_embeddings=False)),
        "mixtral": ("mixtral", dict(experts, num_local_experts=count, sliding_window=window,
                                    rope_parameters=rope("default", 1e6))),
        "qwen3-moe": ("qwen3_moe", dict(
            base, head_dim=head, num_experts=count, num_experts_per_tok=experts["num_experts_per_tok"],
            moe_intermediate_size=experts["intermediate_size"],
            norm_topk_prob=True, mlp_only_layers=[1], decoder_sparse_step=1, attention_bias=True,
            use_sliding_window=True, sliding_window=window, max_window_layers=0, rope_parameters=rope("default", 1e6))),
        "qwen3-moe-plain": ("qwen3_moe", dict(
            base, head_dim=head, num_experts=count, num_experts_per_tok=experts["num_experts_per_tok"],
            moe_intermediate_size=experts["intermediate_size"], norm_topk_prob=False, mlp_only_layers=[],
            tie_word_embeddings=tiny, decoder_sparse_step=1, use_sliding_window=False,
            rope_parameters=rope("default", 1e6))),
        "gpt-oss": ("gpt_oss", dict(experts, num_local_experts=count, sliding_window=window, attention_bias=True,
                                    rope_parameters=rope("yarn", 150000.0, factor=8.0, beta_fast=32.0, beta_slow=1.0,
                                                         truncate=False, original_max_position_embeddings=64))),
    }


def randomise(model, seed, one_plus):
    """Weights and biases far enough from zero that a missing or swapped one shows in the logits."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("weight") and parameter.dim() == 1:
            value = noise * 0.2 + (0 if one_plus else 1)
        elif name.endswith("sinks"):
            value = noise + 1
        elif "bias" in name:
            value = noise * 0.2
        elif "embed" in name or "wte" in name:
            value = noise / (parameter.shape[1] ** 0.5 if model.config.tie_word_embeddings else 1)
        else:
            transposed = model.config.model_type == "gpt_oss" and parameter.dim() == 3
            value = noise / parameter.shape[1 if transposed else -1] ** 0.5
        parameter.data = value
    route(model, generator)
    for parameter in model.parameters():
        parameter.data = parameter.data.bfloat16().half()


def route(model, generator):
    """
    Makes experts' logits differ by far more than rounding: otherwise a 16-bit type chooses other experts where two are
    near, and its logits say nothing. The first numbers of the residual stream, one for each expert, are levels in an
    order of each token's own that no layer changes; each layer's routers read them, in an order of the layer's own.
    """
    routers = [(n, p) for n, p in sorted(model.named_parameters())
               if n.endswith(("mlp.gate.weight", "mlp.router.weight", "block_sparse_moe.gate.weight"))]
    if not routers:
        return
    experts = routers[0][1].shape[0]
    embedding = model.get_input_embeddings().weight.data
    size = embedding.std()
    for token in range(embedding.shape[0]):
        order = torch.randperm(experts, generator=generator).float()
        embedding[token, :experts] = size * (2 * order / (experts - 1) - 1) * 2
    for name, parameter in model.named_parameters():
        if name.endswith(("o_proj.weight", "o_proj.bias")):
            parameter.data[:experts] = 0
        elif name.endswith(("down_proj", "down_proj.weight")):  # [expert][out][in], gpt-oss [expert][in][out]
            if model.config.model_type == "gpt_oss":
                parameter.data[..., :experts] = 0
            else:
                parameter.data[..., :experts, :] = 0
        elif name.endswith("down_proj_bias"):
            parameter.data[..., :experts] = 0
        elif name.endswith("layernorm.weight"):
            parameter.data[:experts] = 1
    for _, parameter in routers:
        parameter.data *= 0.05
        order = torch.randperm(experts, generator=generator)
        parameter.data[torch.arange(experts), order] = 1.5 * experts**0.5


def prompts_of(seed, lengths, vocabulary):
    draw = random.Random(seed)
    return [[draw.randrange(vocabulary) for _ in range(length)] for length in lengths]


def make(folder, model_type, values, seed):
    shutil.rmtree(folder, ignore_errors=True)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(model_type, **values), dtype=torch.float32)
    randomise(model, seed, model_type.startswith("gemma"))
    model.half().save_pretrained(folder)
    generation = os.path.join(folder, "generation_config.json")
    if os.path.exists(generation):
        os.remove(generation)


def make_tiny(out, name, model_type, values, context=0, shortest=1):
    folder = os.path.join(out, name)
    for seed in range(1, 200):
        make(folder, model_type, values, seed)
        prompts = prompts_of(seed, [max(shortest, length) for length in LENGTHS], values["vocab_size"])
        logits, greedy, gaps = compute(folder, prompts)
        if min(gaps) > SMALLEST_GAP:
            break
    else:
        raise SystemExit(f"{name}: no seed without near-ties")
    write(os.path.join(folder, "expected.json"), {
        "prompts": prompts, "logits": [[number(x) for x in row.tolist()] for row in logits],
        "greedy": greedy, "min_gap": [number(x) for x in gaps], "seed": seed, "context": context})
    print(name, "seed", seed, "gaps", [round(gap, 4) for gap in gaps], "deviation", round(torch.stack(logits).std().item(), 3),
          "bytes", sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder)), flush=True)


@torch.no_grad()
def make_large(out, name, model_type, values, context=0, shortest=1):
    folder = os.path.join(out, name)
    make(folder, model_type, values, 1)
    prompts = prompts_of(1, [max(shortest, length) for length in LARGE_LENGTHS], values["vocab_size"])
    greedy = []
    for kind, dtype in TYPES.items():
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager").cuda().eval()
        steps = []
        for i, prompt in enumerate(prompts):
            if kind == "f32":
                greedy.append(follow(model, prompt))
            ids = torch.tensor([prompt + greedy[i][:-1]], device="cuda")
            steps.append(model(input_ids=ids, use_cache=False).logits[0, len(prompt) - 1:].float().cpu())
        with open(os.path.join(folder, f"steps-{kind}.bin"), "wb") as file:
            file.write(torch.stack(steps).numpy().astype("<f4").tobytes())
    with open(os.path.join(folder, "reference.json"), "w", encoding="utf-8") as file:
        json.dump({"prompts": prompts, "greedy": greedy, "context": context}, file)
    print(name, "deviation", round(torch.stack(steps).std().item(), 3), flush=True)


def follow(model, prompt):
    """Greedy tokens, with the keys and values of earlier positions kept."""
    ids, cache, chosen = torch.tensor([prompt], device="cuda"), None, []
    for _ in range(LARGE_STEPS):
        answer = model(input_ids=ids, past_key_values=cache, use_cache=True)
        cache = answer.past_key_values
        chosen.append(int(answer.logits[0, -1].argmax()))
        ids = torch.tensor([chosen[-1:]], device="cuda")
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("out")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    if args.tiny:
        torch.set_num_threads(1)
    table = rows(args.tiny)
    for name in args.names or table:
        (make_tiny if args.tiny else make_large)(args.out, name, *table[name])


if __name__ == "__main__":
    main()
