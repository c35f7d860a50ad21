#!/usr/bin/env python3
"""Writes the hidden states of a served model at the end of each prompt, for head.py.

    python features.py --model MODEL.gguf --prompts LOG.jsonl --layers 20,30 --out FEATURES.npz

MODEL is a GGUF file of the Llama family. Each prompt is the only message of a chat in the model's
template, up to the place where the answer starts. A layer's hidden state is what the next layer reads;
that of the last layer is taken after the model's last norm.
"""
import argparse
import time
from pathlib import Path

import numpy as np
import torch

import gguf
from export import sha256
from lengths import read_log

TOKENS_AT_ONCE = 65536  # bounds the memory


def chats(tokenizer, prompts):
    """Token ids of each prompt in the chat template."""
    texts = [tokenizer.apply_chat_template([{"role": "user", "content": prompt}], tokenize=False,
                                           add_generation_prompt=True) for prompt in prompts]
    return tokenizer(texts, add_special_tokens=False)["input_ids"]


def batches(encoded):
    """Indices of prompts of similar length, so many that a batch has about TOKENS_AT_ONCE tokens."""
    order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
    while order:
        size = max(1, TOKENS_AT_ONCE // len(encoded[order[-1]]))
        yield order[-size:]
        del order[-size:]


class LastStates:
    """Collects the hidden states of some layers at the last token of each sequence of a batch."""

    def __init__(self, model, layers):
        self.last, self.states = None, {}
        count = len(model.layers)
        for layer in layers:
            if not 1 <= layer <= count:
                raise SystemExit(f"--layers: the model has the layers 1 to {count}, not {layer}")
            module = model.norm if layer == count else model.layers[layer - 1]
            module.register_forward_hook(lambda _, inputs, output, layer=layer: self.keep(layer, output))

    def keep(self, layer, output):
        hidden = output[0] if isinstance(output, tuple) else output
        self.states[layer] = hidden[torch.arange(len(self.last), device=hidden.device), self.last].cpu().numpy()


@torch.no_grad()
def hidden_states(model, encoded, layers):
    """Returns an array [prompt, layer, width] in half precision."""
    device = model.embed_tokens.weight.device
    collected = LastStates(model, layers)
    result = np.zeros((len(encoded), len(layers), model.config.hidden_size), np.float16)
    done, started = 0, time.time()
    for chosen in batches(encoded):
        width = max(len(encoded[i]) for i in chosen)
        ids = torch.tensor([encoded[i] + [0] * (width - len(encoded[i])) for i in chosen], device=device)
        collected.last = torch.tensor([len(encoded[i]) - 1 for i in chosen], device=device)
        model(input_ids=ids, use_cache=False)  # causal: what follows a prompt's end does not change it
        result[chosen] = np.stack([collected.states[layer] for layer in layers], axis=1)
        done += len(chosen)
        print(f"{done} of {len(encoded)} prompts read in {time.time() - started:.0f} s", flush=True)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=Path, help="GGUF file of the served model")
    parser.add_argument("--prompts", required=True, type=Path, help="the log that the head is trained on")
    parser.add_argument("--layers", default="20,30", help="layers to keep, from 1 (default: %(default)s)")
    parser.add_argument("--out", required=True, type=Path, help="file to write")
    args = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = True
    device = "cuda" if torch.cuda.is_available() else "cpu"
    file = gguf.read(args.model)
    rows = read_log(args.prompts)
    encoded = chats(gguf.tokenizer(file), [row.prompt for row in rows])
    print(f"{sum(map(len, encoded))} tokens in {len(encoded)} prompts", flush=True)
    layers = [int(layer) for layer in args.layers.split(",")]
    states = hidden_states(gguf.model(file).to(device), encoded, layers)
    np.savez(args.out, ids=np.array([row.id() for row in rows]), layers=layers, states=states,
             model=sha256(args.model))


if __name__ == "__main__":
    main()
