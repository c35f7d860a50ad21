#!/usr/bin/env python3
"""Trains the small speech model: an encoder with a CTC branch, and a decoder that fills canvases in two modes.

    python3 train.py --data FOLDER --out model

FOLDER has an4_train.zip (AN4 as Ogg Opus) and train.tsv. Written to --out: config.json, preprocessor_config.json,
vocab.json, model.safetensors (float16) and training.json (settings and history). evaluate.py adds metrics.json.
The arithmetic of the network is described in model.py, that of the features in features.py, the strategies of
decoding in decoding.py. The dev speakers choose between the averaged weights of several moments; no weight is
trained on them.
"""
import argparse
import copy
import json
import math
import os
import time

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

import data
import decoding
from features import Features, mel_energies
from model import CAUSAL, CONFIG, END, MASK, MASKED, TOKENS, MaskedSpeechModel, greedy, keep_mask, save_config


def ctc_loss(log_probs, lengths, text, text_lengths):
    losses = F.ctc_loss(log_probs.transpose(0, 1), text, lengths, text_lengths, reduction="none", zero_infinity=True)
    return losses.sum() / text_lengths.sum()


def true_index(log_probs, lengths, text, text_lengths):
    """The number of characters of the true text begun at each frame, by the posterior of the CTC branch.

    Each position of the text becomes a class of its own. The gradient of the CTC loss for these classes is
    exp(input) - posterior, so one backward pass gives the posterior of all positions. A frame belongs to the position
    or to blank, whichever is likeliest; the index is the highest position so far.
    """
    size = text.shape[1]
    spread = text[:, None, :].expand(-1, log_probs.shape[1], -1)
    pieces = torch.cat([log_probs[..., :1], log_probs.gather(-1, spread)], -1).detach().requires_grad_()
    targets = torch.arange(1, size + 1, device=text.device).expand(len(text), -1).contiguous()
    with torch.enable_grad():
        loss = F.ctc_loss(pieces.transpose(0, 1), targets, lengths, text_lengths, reduction="sum", zero_infinity=True)
        gradient, = torch.autograd.grad(loss, pieces)
    posterior = pieces.detach().exp() - gradient
    behind = torch.arange(size + 1, device=text.device) > text_lengths[:, None]
    owner = posterior.masked_fill(behind[:, None, :], -1.0).argmax(-1)
    return (owner * keep_mask(lengths, owner.shape[1])).cummax(-1).values


def two_mode_mask(canvas_lengths, canvas_width, shifted_width):
    """Masked canvases and shifted texts side by side, each of which sees only its own: (batch, 1, n, n)."""
    device = canvas_lengths.device
    width = canvas_width + shifted_width
    mask = torch.zeros(len(canvas_lengths), width, width, dtype=torch.bool, device=device)
    mask[:, :canvas_width, :canvas_width] = keep_mask(canvas_lengths, canvas_width)[:, None, :]
    mask[:, canvas_width:, canvas_width:] = torch.ones(shifted_width, shifted_width, dtype=torch.bool,
                                                       device=device).tril()
    return mask[:, None]


def losses_of(model, batch, normal, args):
    """The total loss, and its parts for the log."""
    encoded, lengths, log_probs, middle = model.encode(normal, batch["frame_numbers"])
    text, text_lengths = batch["text"], batch["text_lengths"]
    ctc = ctc_loss(log_probs, lengths, text, text_lengths)
    middle_ctc = ctc_loss(middle, lengths, text, text_lengths)
    memory = model.memory(encoded, true_index(log_probs, lengths, text, text_lengths))

    canvas, shifted = batch["canvas"], batch["shifted"]
    device = canvas.device
    positions = torch.cat([torch.arange(canvas.shape[1]), torch.arange(shifted.shape[1])]).to(device)
    modes = torch.tensor([MASKED] * canvas.shape[1] + [CAUSAL] * shifted.shape[1]).to(device)
    mask = two_mode_mask(batch["canvas_lengths"], canvas.shape[1], shifted.shape[1])
    logits = model.decode(torch.cat([canvas, shifted], 1), positions, modes, mask, memory, lengths)
    targets = torch.cat([batch["canvas_targets"], batch["shifted_targets"]], 1)
    each = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=data.IGNORED, reduction="none",
                           label_smoothing=args.smoothing).view_as(targets)
    weights = batch["canvas_weights"]
    masked = (each[:, :canvas.shape[1]] * weights).sum() / weights.sum()
    causal = each[:, canvas.shape[1]:].sum() / (text_lengths + 1).sum()
    total = 0.5 * ctc + 0.25 * middle_ctc
    total = total + 0.5 * causal + (0.0 if args.left_to_right_only else 0.5 * masked)
    return total, (ctc, middle_ctc, masked, causal)


@torch.no_grad()
def quick_scores(model, sets, device):
    """Percent of characters wrong, by the CTC text and by one pass over the masks, of sets of (features, text)."""
    model.eval()
    scores = []
    for pairs in sets:
        wrong, total = [0, 0], 0
        for start in range(0, len(pairs), 45):
            part = pairs[start:start + 45]
            lengths = torch.tensor([len(normal) for normal, _ in part], device=device)
            padded = torch.nn.utils.rnn.pad_sequence([normal for normal, _ in part], batch_first=True)
            encoded, frames, log_probs, _ = model.encode(padded, lengths)
            best, begins = greedy(log_probs)
            begins &= keep_mask(frames, begins.shape[1])
            sizes = [data.rung(int(n) + 4) for n in begins.sum(1)]
            positions = torch.arange(max(sizes), device=device)
            mask = keep_mask(torch.tensor(sizes, device=device), max(sizes))[:, None, None, :]
            canvas = torch.full((len(part), max(sizes)), MASK, device=device)
            memory = model.memory(encoded, begins.long().cumsum(-1))
            logits = model.decode(canvas, positions, torch.full_like(positions, MASKED), mask, memory, frames).cpu()
            for line, (_, text) in enumerate(part):
                own = logits[line, :sizes[line]]
                ids = decoding.choices(own)[0][:decoding.split_length(own)]
                wrong[0] += decoding.distance(data.decode_ids(best[line][begins[line]].tolist()), text)
                wrong[1] += decoding.distance(data.decode_ids(ids), text)
                total += len(text)
        scores += [round(100 * w / total, 2) for w in wrong]
    model.train()
    return scores


def to_device(batch, device):
    return {name: value.to(device, non_blocking=True) for name, value in batch.items()}


def rate_of(progress, step, warmup):
    return min(1.0, (step + 1) / warmup) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def fit(model, bank, features, dev_sets, args, device):
    """Trains; returns the averaged model with the best dev score, and the history."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": args.weight_decay}, {"params": vectors, "weight_decay": 0.0}],
        lr=args.lr, betas=(0.9, 0.98), fused=device.type == "cuda")
    average = copy.deepcopy(model)
    pairs = list(average.parameters()), list(model.parameters())
    plan = bank.plan()
    plan.seed, plan.seconds = args.seed, args.batch_seconds
    batches = iter(torch.utils.data.DataLoader(plan, batch_size=None, num_workers=args.workers,
                                               pin_memory=device.type == "cuda",
                                               prefetch_factor=8 if args.workers else None))
    generator = torch.Generator(device).manual_seed(args.seed)
    history, best, best_score = [], None, math.inf
    started = last = time.time()
    sums = torch.zeros(4, device=device)
    step = since = 0
    while True:
        elapsed = time.time() - started
        progress = max(step / args.steps, elapsed / args.max_seconds if args.max_seconds else 0.0)
        if step and (step % args.every == 0 or progress >= 1.0):
            scores = quick_scores(average, dev_sets, device)
            row = {"step": step, "seconds": round(elapsed, 1), "dev": scores,
                   "losses": [round(v, 4) for v in (sums / max(1, since)).tolist()]}
            history.append(row)
            print(json.dumps(row), flush=True)
            sums.zero_()
            since = 0
            score = sum(scores[::2] if args.left_to_right_only else scores)  # an untrained mode says nothing
            if score < best_score:
                best, best_score = copy.deepcopy(average), score
                write_model(args.out, best, features)
            if progress >= 1.0:
                break
        batch = to_device(next(batches), device)
        rate = args.lr * rate_of(progress, step, args.warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate
        normal = data.batch_features(batch, bank, features, generator)
        total, parts = losses_of(model, batch, normal, args)
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            decay = min(args.ema, (step + 1) / (step + 10))
            torch._foreach_lerp_(pairs[0], pairs[1], 1 - decay)
            sums += torch.stack([p.detach() for p in parts])
        step += 1
        since += 1
    return best, history, step, time.time() - started


def write_model(out, model, features):
    tensors = {name: value.to(torch.float16).contiguous().cpu() for name, value in model.state_dict().items()
               if not name.startswith("middle_ctc.")}
    assert all(bool(torch.isfinite(value).all()) for value in tensors.values())
    save_file(tensors, os.path.join(out, "model.safetensors"), metadata={"format": "pt"})
    save_config(os.path.join(out, "config.json"), model.config)
    features.save(os.path.join(out, "preprocessor_config.json"))
    with open(os.path.join(out, "vocab.json"), "w", encoding="utf-8") as file:
        json.dump({token: number for number, token in enumerate(TOKENS)}, file, indent=2)
        file.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of an4_train.zip and train.tsv")
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch-seconds", type=float, default=240.0, help="seconds of audio in a step")
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--warmup", type=int, default=300, help="steps")
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--smoothing", type=float, default=0.1)
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--every", type=int, default=400, help="steps between two measurements on the dev speakers")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--max-seconds", type=float, default=0.0, help="ends the schedule after this time (0: never)")
    parser.add_argument("--most-recordings", type=int, default=0, help="uses only so many recordings, for a trial")
    parser.add_argument("--left-to-right-only", action="store_true", help="trains without the masked mode")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()

    os.makedirs(args.out, exist_ok=True)
    torch.manual_seed(args.seed)
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    device = torch.device(args.device)
    began = time.time()
    rows = data.read_recordings(args.data)
    train = [row for row in rows if row.split == "train"]
    dev = [row for row in rows if row.split == "dev"]
    if args.most_recordings:
        train, dev = train[:args.most_recordings], dev[:args.most_recordings]
    features = Features.measure([mel_energies(row.samples, device) for row in train])
    bank = data.Bank(train, features, device)
    dev_sets = [[(features(samples, device), text) for samples, text in part]
                for part in ([(r.samples, r.text) for r in dev], data.spliced_dev(dev))]
    model = MaskedSpeechModel(dict(CONFIG)).to(device)
    stored = sum(p.numel() for name, p in model.named_parameters() if not name.startswith("middle_ctc."))
    print(f"{len(train)} training recordings, {len(bank.logs)} frames at all speeds, {len(dev)} dev recordings; "
          f"{stored} parameters; prepared in {time.time() - began:.1f} s", flush=True)
    best, history, steps, seconds = fit(model, bank, features, dev_sets, args, device)
    write_model(args.out, best, features)
    with open(os.path.join(args.out, "training.json"), "w", encoding="utf-8") as file:
        json.dump({"settings": {k: v for k, v in vars(args).items() if k not in ("data", "out", "device")},
                   "parameters": stored, "steps": steps, "seconds": round(seconds, 1),
                   "torch": torch.__version__, "history": history}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
