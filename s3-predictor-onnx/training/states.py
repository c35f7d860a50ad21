#!/usr/bin/env python3
"""Samples answers of a served model and keeps hidden states while they grow, for remaining.py.

    python states.py --model MODEL.gguf --prompts PROMPTS.jsonl --layer 20 --out STATES.npz

MODEL is a GGUF file or a Hugging Face folder of the Llama family; the prompts of a GGUF file are put into its
chat template, those of a folder are read as they are. PROMPTS has rows with a "prompt", and with a "kind" or
"source" and a "split" if there is one; a log for train.py will do. The
state is what the layer after the chosen one reads, for the latest token: at the prompt's end, and after each
further so many tokens. STATES has ids, kinds, splits, lengths and finished of the answers, and for each point
its answer, the number of tokens made, and the state in half precision.
"""
import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from decoder import ROOM, Decoder
from export import sha256
from lengths import SPLITS, Row, prompt_id, split_of
from sampled import read_lines

CANDIDATES = 256  # of which a token is drawn
END_OF_TEXT = "<|endoftext|>"  # ends an answer too, where a vocabulary has it


def load(path, device):
    """Returns (model, function that encodes prompts, stop tokens, file that names the model)."""
    if path.is_file():
        import features
        import gguf
        file = gguf.read(path)
        tokenizer = gguf.tokenizer(file)
        tokens = file.metadata["tokenizer.ggml.tokens"]
        stop = [file.metadata["tokenizer.ggml.eos_token_id"]] + [i for i, t in enumerate(tokens) if t == END_OF_TEXT]
        return gguf.model(file).to(device), lambda prompts: features.chats(tokenizer, prompts), stop, path
    from transformers import AutoModelForCausalLM
    whole = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).to(device).eval()
    tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
    stop = json.loads((path / "generation_config.json").read_text())["eos_token_id"]
    encode = lambda prompts: [encoding.ids for encoding in tokenizer.encode_batch(prompts)]
    return whole.model, encode, stop if isinstance(stop, list) else [stop], path / "model.safetensors"


def read_prompts(path):
    rows = {line["prompt"]: line for line in read_lines(path)}
    return [Row(prompt, line.get("kind", line.get("source", "")), split=line.get("split", split_of(prompt)))
            for prompt, line in rows.items()]


def draw(logits, temperature, top_p):
    """Draws a token of each row: the best one at temperature 0, else from the nucleus."""
    if temperature == 0:
        return logits.argmax(1)
    logits = logits / temperature
    best, tokens = logits.topk(min(CANDIDATES, logits.shape[1]))
    shares = (best - logits.logsumexp(1, keepdim=True)).exp()
    shares[shares.cumsum(1) - shares >= top_p] = 0
    return tokens.gather(1, torch.multinomial(shares, 1))[:, 0]


class Wave:
    """Answers to some prompts, which are sampled side by side."""

    def __init__(self, decoder, stop, args):
        self.decoder, self.args = decoder, args
        self.stop = torch.tensor(stop, device=decoder.device)
        self.points = []  # (answers, tokens made, states)

    def run(self, encoded):
        """Returns (lengths, finished) of the answers."""
        device = self.decoder.device
        lengths = torch.zeros(len(encoded), dtype=torch.long, device=device)
        alive = torch.arange(len(encoded), device=device)
        logits, states = self.decoder.start(encoded)
        for made in range(self.args.limit):
            if made % ROOM == 0 and made > 0:  # those that have ended leave
                rows = torch.nonzero(lengths[alive] == 0)[:, 0]
                if len(rows) == 0:
                    break
                self.decoder.keep(rows, made)
                alive, tokens = alive[rows], tokens[rows]
            if made > 0:
                logits, states = self.decoder.step(tokens, made)
            if made % self.args.every == 0:
                rows = torch.nonzero(lengths[alive] == 0)[:, 0]
                self.points.append((alive[rows], made, states[rows].half()))
            tokens = draw(logits, self.args.temperature, self.args.top_p)
            ended = torch.isin(tokens, self.stop) & (lengths[alive] == 0)
            lengths[alive] = torch.where(ended, made + 1, lengths[alive])
        finished = lengths > 0
        return torch.where(finished, lengths, self.args.limit), finished

    def arrays(self):
        answers = torch.cat([answers for answers, _, _ in self.points])
        made = torch.cat([torch.full_like(answers, made) for answers, made, _ in self.points])
        return answers, made, torch.cat([states for _, _, states in self.points])


def chosen_rows(rows, encoded, args):
    """Indices of the prompts to answer, in waves; prompts that were kept apart come first."""
    random = np.random.default_rng(args.seed)
    fit = [i for i in range(len(rows)) if len(encoded[i]) <= args.prompt_tokens]
    print(f"{len(fit)} of {len(rows)} prompts have at most {args.prompt_tokens} tokens", flush=True)
    order = []
    for split in [one for one in args.splits if one != "train"]:
        mine = [i for i in fit if rows[i].split == split]
        random.shuffle(mine)
        order += [i for i in mine[:args.unseen] for _ in range(args.unseen_samples)]
    train = [i for i in fit if rows[i].split == "train" and "train" in args.splits]
    for _ in range(args.samples):
        random.shuffle(train)
        order += train
    return [order[at:at + args.batch] for at in range(0, len(order), args.batch)]


def sample(args, device):
    """Answers prompts until they are used up or the time is; returns the arrays of the file."""
    begin = time.time()
    llama, encode, stop, weights = load(args.model, device)
    rows = read_prompts(args.prompts)
    encoded = encode([row.prompt for row in rows])
    decoder = Decoder(llama, args.layer)
    answered, lengths, finished, points, longest = [], [], [], [], 0.0
    for wave in chosen_rows(rows, encoded, args):
        started = time.time()
        if started - begin + longest > args.seconds:
            break
        one = Wave(decoder, stop, args)
        length, done = one.run([encoded[i] for i in wave])
        answers, made, states = one.arrays()
        points.append((answers.cpu().numpy() + len(answered), made.cpu().numpy(), states.cpu().numpy()))
        answered += wave
        lengths.append(length.cpu().numpy())
        finished.append(done.cpu().numpy())
        longest = max(longest, time.time() - started)
        print(f"{len(answered)} answers, mean {np.concatenate(lengths).mean():.0f} tokens, "
              f"{sum(len(p[0]) for p in points)} points, {time.time() - begin:.0f} s", flush=True)
    chosen = [rows[i] for i in answered]
    return {"ids": np.array([prompt_id(row.prompt) for row in chosen]), "kinds": np.array([row.kind for row in chosen]),
            "splits": np.array([SPLITS.index(row.split) for row in chosen]),
            "lengths": np.concatenate(lengths), "finished": np.concatenate(finished),
            "answers": np.concatenate([p[0] for p in points]), "made": np.concatenate([p[1] for p in points]),
            "states": np.concatenate([p[2] for p in points]), "layer": args.layer, "limit": args.limit,
            "every": args.every, "model": sha256(weights)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=Path, help="GGUF file, or folder, of the served model")
    parser.add_argument("--prompts", required=True, type=Path, help="JSON lines with a prompt each")
    parser.add_argument("--layer", required=True, type=int, help="layer whose states are kept, from 1")
    parser.add_argument("--out", required=True, type=Path, help="file to write")
    parser.add_argument("--every", type=int, default=16, help="tokens between two points (default: %(default)s)")
    parser.add_argument("--limit", type=int, default=1024, help="most new tokens (default: %(default)s)")
    parser.add_argument("--prompt-tokens", type=int, default=256,
                        help="longest prompt that is answered (default: %(default)s)")
    parser.add_argument("--samples", type=int, default=6, help="answers to each training prompt (default: %(default)s)")
    parser.add_argument("--splits", default=",".join(SPLITS), help="splits to answer (default: %(default)s)")
    parser.add_argument("--unseen", type=int, default=10 ** 9,
                        help="most prompts of each split that is not trained on (default: all)")
    parser.add_argument("--unseen-samples", type=int, default=1, help="answers to each of them (default: %(default)s)")
    parser.add_argument("--temperature", type=float, default=0.7, help="0 for greedy (default: %(default)s)")
    parser.add_argument("--top-p", type=float, default=0.95, help="(default: %(default)s)")
    parser.add_argument("--batch", type=int, default=8192, help="answers side by side (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=1e9, help="when to start no further batch")
    parser.add_argument("--seed", type=int, default=1, help="(default: %(default)s)")
    args = parser.parse_args()
    args.splits = args.splits.split(",")
    torch.manual_seed(args.seed)
    torch.backends.cuda.matmul.allow_tf32 = True
    device = "cuda" if torch.cuda.is_available() else "cpu"
    np.savez(args.out, **sample(args, device))


if __name__ == "__main__":
    main()
