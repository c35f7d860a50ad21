#!/usr/bin/env python3
"""Answers prompts with a served model and logs how long each answer was.

    python answers.py --model FOLDER --prompts PROMPTS.jsonl --out LOG.jsonl

FOLDER is a Hugging Face folder of the Llama family; every row of PROMPTS.jsonl has a "prompt", and may
have a "source", the kind of the prompt. Each row of the log is {"prompt", "kind", "output_tokens",
"finished"}. Answers are greedy and counted as the engine counts them: a stop token is part of the output,
and an answer that reaches the limit without one is not finished. Prompts that leave no room for the limit
are left out, as the engine refuses them.
"""
import argparse
import json
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM


def read_prompts(path):
    """Returns the kinds by prompt."""
    with open(path, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    return {row["prompt"]: row.get("source", "") for row in rows}


def stop_tokens(model):
    stop = model.generation_config.eos_token_id
    return set(stop if isinstance(stop, list) else [stop])


def left_padded(encoded, device):
    width = max(map(len, encoded))
    ids = torch.tensor([[0] * (width - len(row)) + row for row in encoded], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in encoded], device=device)
    return ids, mask


def count(tokens, stop):
    """Returns (number of tokens up to the first stop token, whether there is one)."""
    for i, token in enumerate(tokens):
        if token in stop:
            return i + 1, True
    return len(tokens), False


@torch.no_grad()
def answer_lengths(model, encoded, limit):
    """Yields (tokens, finished) of the greedy answer to each encoded prompt of a batch."""
    ids, mask = left_padded(encoded, model.device)
    stop = stop_tokens(model)
    output = model.generate(input_ids=ids, attention_mask=mask, do_sample=False, max_new_tokens=limit,
                            pad_token_id=min(stop))
    for line in output[:, ids.shape[1]:].tolist():
        # A batch stops early when all its answers have ended, so a row without a stop is full.
        yield count(line, stop)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=Path, help="folder of the served model")
    parser.add_argument("--prompts", required=True, type=Path, help="JSON lines with a prompt each")
    parser.add_argument("--out", required=True, type=Path, help="the log to write")
    parser.add_argument("--limit", type=int, default=256, help="most new tokens (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=4096, help="prompts at once (default: %(default)s)")
    args = parser.parse_args()

    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = Tokenizer.from_file(str(args.model / "tokenizer.json"))
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).to(device).eval()
    kinds = read_prompts(args.prompts)
    prompts = list(kinds)
    encoded = [encoding.ids for encoding in tokenizer.encode_batch(prompts)]
    room = model.config.max_position_embeddings - args.limit
    order = sorted((i for i in range(len(prompts)) if len(encoded[i]) <= room), key=lambda i: len(encoded[i]))
    if len(order) < len(prompts):
        print(f"{len(prompts) - len(order)} prompts are longer than {room} tokens and left out", flush=True)

    lengths, started = {}, time.time()
    for start in range(0, len(order), args.batch):
        batch = order[start:start + args.batch]
        lengths.update(zip(batch, answer_lengths(model, [encoded[i] for i in batch], args.limit)))
        print(f"{len(lengths)} of {len(order)} answered in {time.time() - started:.0f} s", flush=True)
    with open(args.out, "w", encoding="utf-8") as log:
        for i in sorted(lengths):
            row = {"prompt": prompts[i], "kind": kinds[prompts[i]], "output_tokens": lengths[i][0],
                   "finished": lengths[i][1]}
            log.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
