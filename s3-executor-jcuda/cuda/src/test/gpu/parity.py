#!/usr/bin/env python3
"""Random models and what Hugging Face transformers computes with them on a GPU, for TransformersParity.java.

    python3 parity.py OUT [MODEL_FOLDER...]

Writes a folder for each model: the model itself, prompts.json, and logits-{f32,f16,bf16}.bin, float32
[prompt][vocabulary] of each prompt's last position. Folders given are used as they are, beside the random ones.
"""
import json
import os
import random
import shutil
import sys

import torch
from transformers import AutoModelForCausalLM, GPTJConfig, GPTJForCausalLM, LlamaConfig, LlamaForCausalLM

LENGTHS = (1, 2, 15, 16, 17, 63, 64, 65, 130, 255, 256, 257, 300, 400)
TYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() == 1:
            parameter.data = noise * 0.1 + (1 if name.endswith("weight") else 0)
        else:
            parameter.data = noise if "embed" in name or "wte" in name else noise / parameter.shape[1] ** 0.5
    return model


def models():
    llama = dict(vocab_size=2000, hidden_size=512, intermediate_size=1376, num_hidden_layers=6,
                 num_attention_heads=8, max_position_embeddings=1024, eos_token_id=3, bos_token_id=None,
                 tie_word_embeddings=False)
    yield "llama-multi-head", LlamaForCausalLM(LlamaConfig(**llama, num_key_value_heads=8))
    yield "llama-grouped", LlamaForCausalLM(LlamaConfig(**llama, num_key_value_heads=2))
    yield "gpt-j", GPTJForCausalLM(GPTJConfig(
        vocab_size=2000, n_positions=1024, n_embd=512, n_layer=6, n_head=2, rotary_dim=64, eos_token_id=3,
        bos_token_id=None))


@torch.no_grad()
def reference(folder):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        vocabulary = json.load(file)["vocab_size"]
    draw = random.Random(1)
    prompts = [[draw.randrange(vocabulary) for _ in range(length)] for length in LENGTHS]
    with open(os.path.join(folder, "prompts.json"), "w", encoding="utf-8") as file:
        json.dump(prompts, file)
    for name, dtype in TYPES.items():
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager").cuda().eval()
        rows = [model(input_ids=torch.tensor([p], device="cuda"), use_cache=False).logits[0, -1].float().cpu()
                for p in prompts]
        with open(os.path.join(folder, f"logits-{name}.bin"), "wb") as file:
            file.write(torch.stack(rows).numpy().astype("<f4").tobytes())


def main():
    out = sys.argv[1]
    torch.backends.cuda.matmul.allow_tf32 = False
    for seed, (name, model) in enumerate(models()):
        folder = os.path.join(out, name)
        randomise(model, seed).half().save_pretrained(folder)
        reference(folder)
    for given in sys.argv[2:]:
        folder = os.path.join(out, os.path.basename(given.rstrip("/")))
        shutil.copytree(given, folder)
        reference(folder)


if __name__ == "__main__":
    main()
