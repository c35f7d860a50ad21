#!/usr/bin/env python3
"""Trains the small chat model that the demos use: a byte-level BPE tokenizer and a Llama decoder.

    python3 train.py --corpus instruct.jsonl --out model --prompts prompts.jsonl

The corpus is a JSON-lines file; each row is {"source": str, "prompt": str, "response": str}.
A conversation is laid out as

    <|user|> PROMPT <|assistant|> RESPONSE <|end|>

The tokenizer's post-processor adds the two role tokens, so encoding a plain prompt already gives
the ids to generate from.

Written to --out: tokenizer.json, config.json, generation_config.json, model.safetensors (float16,
Hugging Face names, the tied output matrix not stored) and metrics.json. Every figure in
metrics.json is measured with the float16 weights as stored, widened to float32.
"""
import argparse
import hashlib
import json
import math
import os
import random
import re
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import LlamaConfig, LlamaForCausalLM

PAD, USER, ASSISTANT, END = 0, 1, 2, 3
SPECIAL_TOKENS = ["<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"]
CONTEXT = 1024
# How many held-out prompts of each source go into the demo's prompt file (96 in all).
DEMO_PROMPTS = {"gsm8k": 40, "codegen": 32, "roleplay": 16, "toolformer": 8}


# ---------------------------------------------------------------- data


def read_corpus(path):
    """Returns (training rows, held-out rows).

    A row is held out when the hash of its prompt says so, about one in twenty: the split depends
    on nothing but the text, so it is the same for every seed and every order of the rows.
    """
    train, held_out = [], []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            row["prompt"], row["response"] = row["prompt"].strip(), row["response"].strip()
            if not row["prompt"] or not row["response"]:
                continue
            digest = hashlib.sha256(row["prompt"].encode("utf-8")).digest()
            row["rank"] = int.from_bytes(digest[:8], "big")
            (held_out if row["rank"] % 20 == 0 else train).append(row)
    held_out.sort(key=lambda row: row["rank"])
    return train, held_out


def train_tokenizer(rows, vocab_size):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = [text for row in rows for text in (row["prompt"], row["response"])]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|user|> $A <|assistant|>",
        special_tokens=[("<|user|>", USER), ("<|assistant|>", ASSISTANT)],
    )
    assert [tokenizer.token_to_id(token) for token in SPECIAL_TOKENS] == [PAD, USER, ASSISTANT, END]
    assert tokenizer.get_vocab_size() == vocab_size
    return tokenizer


def encode_rows(tokenizer, rows, prompt_weight):
    """Encodes each row to (ids, weights, prompt length); weights[i] weighs the guess of ids[i]."""
    prompts = tokenizer.encode_batch([row["prompt"] for row in rows])
    responses = tokenizer.encode_batch([row["response"] for row in rows], add_special_tokens=False)
    encoded = []
    for prompt, response in zip(prompts, responses):
        ids = prompt.ids + response.ids + [END]
        # Nothing before the first token can predict it, and <|assistant|> only closes the prompt.
        weights = [0.0] + [prompt_weight] * (len(prompt.ids) - 1) + [1.0] * (len(response.ids) + 1)
        encoded.append((np.array(ids, np.int64), np.array(weights, np.float32), len(prompt.ids)))
    return encoded


def pack(examples):
    """Joins whole conversations into rows of at most CONTEXT tokens, as a chat of several turns."""
    packed, ids, weights = [], [], []
    for example in examples:
        if ids and sum(map(len, ids)) + len(example[0]) > CONTEXT:
            packed.append((np.concatenate(ids), np.concatenate(weights)))
            ids, weights = [], []
        ids.append(example[0])
        weights.append(example[1])
    if ids:
        packed.append((np.concatenate(ids), np.concatenate(weights)))
    return packed


def batches_of(rows, batch_tokens, jitter=None):
    """Cuts rows of similar length into right-padded (ids, weights) batches of bounded size.

    A causal model never looks right, so the padding needs no mask: its weight is zero.
    """
    noise = [jitter.random() * 16 if jitter else 0 for _ in rows]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i][0]) + noise[i])
    batch, longest = [], 0
    groups = []
    for i in order:
        longest_then = max(longest, len(rows[i][0]))
        if batch and longest_then * (len(batch) + 1) > batch_tokens:
            groups.append(batch)
            batch, longest_then = [], len(rows[i][0])
        batch.append(i)
        longest = longest_then
    if batch:
        groups.append(batch)
    if jitter:
        jitter.shuffle(groups)
    for group in groups:
        width = max(len(rows[i][0]) for i in group)
        ids = np.full((len(group), width), PAD, np.int64)
        weights = np.zeros((len(group), width), np.float32)
        for line, i in enumerate(group):
            ids[line, : len(rows[i][0])] = rows[i][0]
            weights[line, : len(rows[i][1])] = rows[i][1]
        yield torch.from_numpy(ids), torch.from_numpy(weights)


# ---------------------------------------------------------------- model


def new_model(args):
    config = LlamaConfig(
        vocab_size=args.vocab, hidden_size=256, intermediate_size=704, num_hidden_layers=6,
        num_attention_heads=8, num_key_value_heads=4, max_position_embeddings=CONTEXT,
        rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=END, pad_token_id=PAD, initializer_range=0.02,
    )
    config._attn_implementation = "sdpa"
    model = LlamaForCausalLM(config)
    # The output projections of the residual branches start smaller, as in GPT-2.
    for layer in model.model.layers:
        for projection in (layer.self_attn.o_proj, layer.mlp.down_proj):
            torch.nn.init.normal_(projection.weight, std=0.02 / math.sqrt(12))
    # Llama has no dropout of its own outside attention; it is added while training only.
    drop = lambda module, _, output: F.dropout(output, args.dropout, module.training)
    model.model.embed_tokens.register_forward_hook(drop)
    for layer in model.model.layers:
        layer.self_attn.o_proj.register_forward_hook(drop)
        layer.mlp.down_proj.register_forward_hook(drop)
    return model


def token_losses(model, ids):
    """Cross entropy of each token but the first, shape (rows, width - 1)."""
    logits = model(input_ids=ids, use_cache=False).logits[:, :-1].float()
    losses = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1), reduction="none")
    return losses.view(ids.shape[0], -1)


@torch.no_grad()
def response_loss(model, rows, device):
    """Mean loss over the response tokens (weight 1, <|end|> included), and their number."""
    model.eval()
    total, count = 0.0, 0
    for ids, weights in batches_of(rows, 32768):
        ids, chosen = ids.to(device), (weights[:, 1:] == 1.0).to(device)
        losses = token_losses(model, ids)
        total += losses[chosen].sum().item()
        count += int(chosen.sum())
    return total / count, count


def fit(model, train, held_out, args, device):
    """Trains, and returns (averaged weights with the least held-out loss, last averaged weights, history,
    steps, seconds)."""
    shuffler = random.Random(args.seed)
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": args.weight_decay}, {"params": vectors, "weight_decay": 0.0}],
        lr=args.lr, betas=(0.9, 0.95), fused=device.type == "cuda")
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(args.ema))
    steps_per_epoch = None
    step, history, best, best_loss = 0, [], None, float("inf")
    started = time.time()
    for epoch in range(args.epochs):
        order = list(range(len(train)))
        shuffler.shuffle(order)
        cut = int(len(order) * args.packed)
        rows = pack([train[i] for i in order[:cut]]) + [train[i][:2] for i in order[cut:]]
        batches = list(batches_of(rows, args.batch_tokens, shuffler))
        steps_per_epoch = steps_per_epoch or len(batches)
        total_steps = steps_per_epoch * args.epochs
        model.train()
        losses = []
        for ids, weights in batches:
            progress = min(1.0, step / total_steps)
            rate = min(1.0, (step + 1) / args.warmup) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
            for group in optimizer.param_groups:
                group["lr"] = args.lr * rate
            ids, weights = ids.to(device, non_blocking=True), weights[:, 1:].to(device, non_blocking=True)
            with torch.autocast(device.type, dtype=torch.bfloat16):
                each = token_losses(model, ids)
            loss = (each * weights).sum() / weights.sum()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            if step % 4 == 0:
                average.update_parameters(model)
            losses.append(loss.detach())
            step += 1
        held = response_loss(average.module, held_out, device)[0]
        seconds = time.time() - started
        history.append({"epoch": epoch + 1, "train_loss": round(torch.stack(losses).mean().item(), 4),
                        "held_out_loss": round(held, 4)})
        print(f"epoch {epoch + 1} step {step} train {history[-1]['train_loss']} held-out {held:.4f} {seconds:.0f}s",
              flush=True)
        last = {name: value.detach().clone() for name, value in average.module.state_dict().items()}
        if held < best_loss:
            best_loss, best = held, last
        if args.max_seconds and seconds > args.max_seconds:
            break
    return best, last, history, step, time.time() - started


# ---------------------------------------------------------------- evaluation


@torch.no_grad()
def generate(model, tokenizer, encoded, device, max_new_tokens):
    """Greedy continuations of the prompts, without <|end|>, and whether each reached <|end|>."""
    model.eval()
    results = [None] * len(encoded)
    order = sorted(range(len(encoded)), key=lambda i: encoded[i][2])
    for start in range(0, len(order), 512):
        group = order[start:start + 512]
        width = max(encoded[i][2] for i in group)
        ids = torch.full((len(group), width), PAD)
        mask = torch.zeros((len(group), width), dtype=torch.long)
        for line, i in enumerate(group):
            length = encoded[i][2]
            ids[line, width - length:] = torch.from_numpy(encoded[i][0][:length])
            mask[line, width - length:] = 1
        output = model.generate(input_ids=ids.to(device), attention_mask=mask.to(device), do_sample=False,
                                max_new_tokens=max_new_tokens, eos_token_id=END, pad_token_id=PAD)
        for line, i in enumerate(group):
            tokens = output[line, width:].tolist()
            ended = END in tokens
            results[i] = (tokens[: tokens.index(END)] if ended else tokens, ended)
    return results


def last_number(text):
    match = re.search(r"####\s*(-?[\d.,]+)", text)
    return match.group(1).replace(",", "").rstrip(".") if match else None


def evaluate(model, tokenizer, rows, encoded, device, args):
    loss, count = response_loss(model, encoded, device)
    response_bytes = sum(len(row["response"].encode("utf-8")) for row in rows)
    by_source = {}
    for source in sorted({row["source"] for row in rows}):
        part = [e for e, row in zip(encoded, rows) if row["source"] == source]
        by_source[source] = {"rows": len(part), "loss": round(response_loss(model, part, device)[0], 4)}
    generated = generate(model, tokenizer, encoded, device, args.max_new_tokens)
    real_lengths = [len(e[0]) - e[2] - 1 for e in encoded]
    for source, figures in by_source.items():
        mine = [i for i, row in enumerate(rows) if row["source"] == source]
        figures["ended_by_itself"] = round(sum(generated[i][1] for i in mine) / len(mine), 4)
        figures["mean_tokens_generated"] = round(sum(len(generated[i][0]) for i in mine) / len(mine), 1)
        figures["mean_tokens_real"] = round(sum(real_lengths[i] for i in mine) / len(mine), 1)
    texts = tokenizer.decode_batch([tokens for tokens, _ in generated])
    maths = [i for i, row in enumerate(rows) if row["source"] == "gsm8k"]
    correct = sum(last_number(texts[i]) is not None and last_number(texts[i]) == last_number(rows[i]["response"])
                  for i in maths)
    samples, taken = [], {}
    for row, text, (tokens, ended), real in zip(rows, texts, generated, real_lengths):
        if taken.get(row["source"], 0) < 2 and len(row["prompt"]) < 400:
            taken[row["source"]] = taken.get(row["source"], 0) + 1
            samples.append({"source": row["source"], "prompt": row["prompt"], "generated": text,
                            "tokens": len(tokens), "ended_by_itself": ended, "real_tokens": real})
    return {
        "held_out_rows": len(rows),
        "held_out_response_tokens": count,
        "held_out_loss": round(loss, 4),
        "held_out_perplexity": round(math.exp(loss), 3),
        "held_out_bits_per_byte": round(loss * count / math.log(2) / response_bytes, 4),
        "greedy": {
            "max_new_tokens": args.max_new_tokens,
            "ended_by_itself": round(sum(ended for _, ended in generated) / len(rows), 4),
            "mean_tokens_generated": round(sum(len(tokens) for tokens, _ in generated) / len(rows), 1),
            "mean_tokens_real": round(sum(real_lengths) / len(rows), 1),
            "gsm8k_exact_answers": f"{correct} of {len(maths)}",
        },
        "by_source": by_source,
    }, samples


# ---------------------------------------------------------------- output


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, ensure_ascii=False)
        file.write("\n")


def write_model(model, out):
    """Writes the weights as float16 and a config.json that old and new transformers both read."""
    tensors = {name: value.to(torch.float16).contiguous().cpu()
               for name, value in model.state_dict().items() if name != "lm_head.weight"}
    assert all(bool(torch.isfinite(value).all()) for value in tensors.values())
    save_file(tensors, os.path.join(out, "model.safetensors"), metadata={"format": "pt"})
    c = model.config
    write_json(os.path.join(out, "config.json"), {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": None,
        "eos_token_id": END,
        "head_dim": c.hidden_size // c.num_attention_heads,
        "hidden_act": "silu",
        "hidden_size": c.hidden_size,
        "initializer_range": c.initializer_range,
        "intermediate_size": c.intermediate_size,
        "max_position_embeddings": c.max_position_embeddings,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": c.num_attention_heads,
        "num_hidden_layers": c.num_hidden_layers,
        "num_key_value_heads": c.num_key_value_heads,
        "pad_token_id": PAD,
        "rms_norm_eps": c.rms_norm_eps,
        "rope_scaling": None,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "torch_dtype": "float16",
        "use_cache": True,
        "vocab_size": c.vocab_size,
    })
    write_json(os.path.join(out, "generation_config.json"),
               {"eos_token_id": END, "pad_token_id": PAD, "do_sample": False, "max_new_tokens": 400})


def write_prompts(path, held_out, longest=300):
    """Writes the demo's prompts: short held-out ones, the sources interleaved."""
    by_source = {source: [row for row in held_out if row["source"] == source and len(row["prompt"]) <= longest]
                 for source in DEMO_PROMPTS}
    chosen = []
    for source, wanted in DEMO_PROMPTS.items():
        rows = by_source[source][:wanted]
        chosen += [((n + 0.5) / len(rows), f"{source}-{n + 1:02d}", row["prompt"]) for n, row in enumerate(rows)]
    with open(path, "w", encoding="utf-8") as file:
        for _, name, prompt in sorted(chosen):
            file.write(json.dumps({"id": name, "prompt": prompt}, ensure_ascii=False) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--prompts", help="also write the demo's held-out prompts to this file")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--vocab", type=int, default=4096)
    parser.add_argument("--epochs", type=int, default=36)
    parser.add_argument("--batch-tokens", type=int, default=16384)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--warmup", type=int, default=200, help="steps")
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--prompt-weight", type=float, default=0.2, help="weight of the loss on prompt tokens")
    parser.add_argument("--packed", type=float, default=0.25, help="share of rows joined to full contexts")
    parser.add_argument("--ema", type=float, default=0.992, help="decay of the weight average, updated every 4 steps")
    parser.add_argument("--max-new-tokens", type=int, default=400)
    parser.add_argument("--max-seconds", type=float, default=0, help="stop training after this time (0: never)")
    args = parser.parse_args()

    os.makedirs(args.out, exist_ok=True)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    train_rows, held_rows = read_corpus(args.corpus)
    if args.prompts:
        write_prompts(args.prompts, held_rows)
    tokenizer = train_tokenizer(train_rows, args.vocab)
    tokenizer.save(os.path.join(args.out, "tokenizer.json"))
    train = [e for e in encode_rows(tokenizer, train_rows, args.prompt_weight) if len(e[0]) <= CONTEXT]
    held = encode_rows(tokenizer, held_rows, args.prompt_weight)
    kept = [i for i, e in enumerate(held) if len(e[0]) <= CONTEXT]
    held, held_rows = [held[i] for i in kept], [held_rows[i] for i in kept]
    tokens = sum(len(e[0]) for e in train)
    print(f"{len(train)} training rows, {tokens} tokens; {len(held)} held-out rows", flush=True)

    model = new_model(args).to(device)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters} parameters", flush=True)
    best, last, history, steps, seconds = fit(model, train, held, args, device)
    chosen = min(range(len(history)), key=lambda i: history[i]["held_out_loss"])

    def store_and_measure(state):
        """What is stored is what is measured."""
        model.load_state_dict(state)
        write_model(model, args.out)
        stored = LlamaForCausalLM.from_pretrained(args.out, dtype=torch.float32).to(device)
        assert sum(p.numel() for p in stored.parameters()) == parameters
        return evaluate(stored, tokenizer, held_rows, held, device, args)

    # The weights of least held-out loss are kept, unless the last ones lose little by it and end
    # more of their texts by themselves.
    figures, samples = store_and_measure(best)
    if chosen != len(history) - 1 and history[-1]["held_out_loss"] - history[chosen]["held_out_loss"] < 0.1:
        later, later_samples = store_and_measure(last)
        print("least loss:", json.dumps(figures["greedy"]), "last:", json.dumps(later["greedy"]), flush=True)
        if later["greedy"]["ended_by_itself"] > figures["greedy"]["ended_by_itself"]:
            figures, samples, chosen = later, later_samples, len(history) - 1
        else:
            model.load_state_dict(best)
            write_model(model, args.out)
    chosen = history[chosen]
    with open(args.corpus, "rb") as file:
        corpus_hash = hashlib.sha256(file.read()).hexdigest()
    write_json(os.path.join(args.out, "metrics.json"), {
        "parameters": parameters,
        "model_bytes": os.path.getsize(os.path.join(args.out, "model.safetensors")),
        "corpus_sha256": corpus_hash,
        "training_rows": len(train),
        "training_tokens_per_epoch": tokens,
        **figures,
        "training": {"epochs_run": len(history), "epoch_chosen": chosen["epoch"], "steps": steps,
                     "seconds": round(seconds), "seed": args.seed, "epochs": args.epochs, "lr": args.lr,
                     "dropout": args.dropout, "weight_decay": args.weight_decay,
                     "batch_tokens": args.batch_tokens, "prompt_weight": args.prompt_weight,
                     "packed": args.packed, "ema": args.ema, "torch": torch.__version__.split("+")[0]},
        "history": history,
        "samples": samples,
    })
    print(json.dumps(figures, indent=1))
    for sample in samples:
        print(json.dumps(sample, ensure_ascii=False))


if __name__ == "__main__":
    main()
