#!/usr/bin/env python3
"""Trains a length model on a log of answers.

    python train.py --data LOG.jsonl --out FOLDER

Each row of the log is {"prompt": str, "output_tokens": int, "finished": bool}; finished is true where
it is left out, and false for an answer that a limit cut off. Several answers to one prompt are several
rows, or one row with lists. README.md says what is written.
"""
import argparse
import json
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import encoder
import evaluate
import export
import loss
from lengths import answers_of, read_log, split_rows, upper_edges

HEAD_RATE = 5  # the new output layer learns this much faster than the layer below it
AVERAGE_EVERY = 4  # steps
WARM_UP = 0.06  # of all steps


# ---------------------------------------------------------------- training


class Rows:
    """Encoded prompts of a split on the device, with the buckets of their answers."""

    def __init__(self, rows, tokenizer, edges, device):
        encoded = encoder.encode(tokenizer, [row.prompt for row in rows])
        self.widths = [len(ids) for ids in encoded]
        ids, mask = (torch.from_numpy(array) for array in encoder.padded(encoded, pad=0))
        tensors = (ids, mask, *loss.targets(rows, edges))
        self.ids, self.mask, self.finished, self.cut = (tensor.to(device) for tensor in tensors)

    def batch(self, chosen):
        width = max(self.widths[i] for i in chosen)
        chosen = torch.tensor(chosen, device=self.ids.device)
        return self.ids[chosen, :width], self.mask[chosen, :width], self.finished[chosen], self.cut[chosen]

    def batches(self, size, shuffler=None):
        """Indices of batches of similar length, shuffled if there is a shuffler."""
        noise = [shuffler.random() * 16 if shuffler else 0 for _ in self.widths]
        order = sorted(range(len(self.widths)), key=lambda i: self.widths[i] + noise[i])
        batches = [order[start:start + size] for start in range(0, len(order), size)]
        if shuffler:
            shuffler.shuffle(batches)
        return batches


def parameter_groups(model, args):
    """Lower layers learn more slowly, since they know most already; the word vectors stay as they are."""
    model.words.weight.requires_grad_(False)
    top = len(model.layers) + 1
    groups = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            is_layer, is_top = name.startswith("layers."), name.startswith("output")
            depth = top if is_top else int(name.split(".")[1]) + 1 if is_layer else 0
            rate = args.lr * args.layer_decay ** (top - depth) * (HEAD_RATE if is_top else 1)
            decay = args.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]


def learning_rate(step, total):
    """A short warm-up, then down to nothing along a cosine."""
    return min(1.0, (step + 1) / (WARM_UP * total)) * 0.5 * (1 + math.cos(math.pi * step / total))


def fit(model, rows, validation, args):
    """Trains; returns (the weights averaged over about the last tenth of the steps, the history of losses)."""
    device = rows.ids.device
    shuffler = random.Random(args.seed)
    optimizer = torch.optim.AdamW(parameter_groups(model, args), betas=(0.9, 0.98), fused=device.type == "cuda")
    total = args.epochs * math.ceil(len(rows.widths) / args.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: learning_rate(step, total))
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(max(0.0, 1 - 10 * AVERAGE_EVERY / total)))
    history, started = [], time.time()
    for epoch in range(args.epochs):
        model.train()
        losses = []
        for chosen in rows.batches(args.batch, shuffler):
            ids, mask, finished, cut = rows.batch(chosen)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=ids.is_cuda):
                logits, _ = model(ids, mask)
            error = loss.loss_of(logits, finished, cut)
            optimizer.zero_grad(set_to_none=True)
            error.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            if schedule.last_epoch % AVERAGE_EVERY == 0:
                average.update_parameters(model)
            losses.append(error.detach())
        held = loss.nll(logits_of(average.module, validation), validation.finished, validation.cut)
        history.append({"epoch": epoch + 1, "train_loss": round(torch.stack(losses).mean().item(), 4),
                        "validation_nll": round(held, 4)})
        print(f"epoch {epoch + 1}: {history[-1]} {time.time() - started:.0f} s", flush=True)
    return average.module, history


@torch.no_grad()
def logits_of(model, rows):
    model.eval()
    logits = torch.zeros((len(rows.widths), model.output.out_features), device=rows.ids.device)
    for chosen in rows.batches(512):
        ids, mask, _, _ = rows.batch(chosen)
        with torch.autocast(ids.device.type, dtype=torch.bfloat16, enabled=ids.is_cuda):
            logits[chosen] = model(ids, mask)[0].float()
    return logits


def calibrate(model, validation):
    """Folds the temperature into the output layer and returns it."""
    t = loss.temperature(logits_of(model, validation), validation.finished, validation.cut)
    with torch.no_grad():
        model.output.weight /= t
        model.output.bias /= t
    return t


# ---------------------------------------------------------------- the command


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="the log")
    parser.add_argument("--out", required=True, type=Path, help="folder to write")
    parser.add_argument("--length-tokenizer", type=Path,
                        help="tokenizer.json of the served model; also counts rows that have a response instead")
    parser.add_argument("--name", default="length-model", help="(default: %(default)s)")
    parser.add_argument("--base", type=Path, help=f"jar of {encoder.ARTIFACT} (default: the local repository's)")
    parser.add_argument("--vocabulary", type=int, default=15000, help="word pieces to keep (default: %(default)s)")
    parser.add_argument("--layers", type=int, default=encoder.LAYERS, choices=range(1, encoder.LAYERS + 1),
                        help="first layers of the base to keep (default: %(default)s)")
    parser.add_argument("--teacher", type=Path,
                        help="predictions of head.py for the same log, to learn from as well")
    parser.add_argument("--teacher-weight", type=float, default=2.0,
                        help="the answers that a teacher's prediction counts for (default: %(default)s)")
    parser.add_argument("--predictions", type=Path, help="file to write the predicted shares to, for moments.py")
    parser.add_argument("--buckets", type=int, default=32, help="length buckets (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--batch", type=int, default=64, help="(default: %(default)s)")
    parser.add_argument("--lr", type=float, default=1e-4, help="of the top layer (default: %(default)s)")
    parser.add_argument("--layer-decay", type=float, default=0.9, help="(default: %(default)s)")
    parser.add_argument("--weight-decay", type=float, default=0.01, help="(default: %(default)s)")
    parser.add_argument("--dropout", type=float, default=0.1, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(default: %(default)s)")
    return parser


def prepare(args):
    """Returns (parts of the log, tokenizer specification, old ids of its tokens, base weights, upper edges)."""
    counter = Tokenizer.from_file(str(args.length_tokenizer)) if args.length_tokenizer else None
    parts = split_rows(read_log(args.data, counter))
    for name, rows in parts.items():
        if not rows and name != "held":
            raise SystemExit(f"no row of the log falls into the {name} split; a log needs some hundred prompts")
    base, text = encoder.read_base(args.base or encoder.base_jar())
    spec, kept = encoder.pruned_vocabulary(text, [row.prompt for row in parts["train"]], args.vocabulary)
    _, lengths, finished = answers_of(parts["train"])
    return parts, spec, kept, base, upper_edges(lengths, finished, args.buckets)


def teacher_shares(path, rows, edges):
    """The shares that another model predicted for the rows, in the same buckets."""
    predicted = np.load(path)
    if not np.array_equal(predicted["edges"], edges):
        raise SystemExit(f"{path} has other buckets than the log; make it from the same log")
    index = {id: i for i, id in enumerate(predicted["ids"])}
    missing = [row.id() for row in rows if row.id() not in index]
    if missing:
        raise SystemExit(f"{path} has no prediction of {len(missing)} prompts, such as {missing[0]}")
    return torch.from_numpy(predicted["shares"][[index[row.id()] for row in rows]])


def main():
    args = arguments().parse_args()
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    parts, spec, kept, base, edges = prepare(args)
    tokenizer = Tokenizer.from_str(encoder.text_of(spec))
    train, validation = (Rows(parts[name], tokenizer, edges, device) for name in ("train", "validation"))
    if args.teacher:
        train.finished += args.teacher_weight * teacher_shares(args.teacher, parts["train"], edges).to(device)
    model = encoder.LengthModel(len(kept), len(edges), args.dropout, args.layers)
    model.load_base(base, kept)
    model.to(device)
    started = time.time()
    model, history = fit(model, train, validation, args)
    seconds = round(time.time() - started)
    t = calibrate(model, validation)
    tuned = evaluate.of_distributions(
        parts["validation"], evaluate.of_logits(logits_of(model, validation).cpu().numpy(), edges))
    full = export.write_folder(model, spec, edges, args.name, args.length_tokenizer, args.out)
    settings = {k: v for k, v in vars(args).items() if not isinstance(v, Path) and v is not None}
    if not args.teacher:
        del settings["teacher_weight"]
    export.write_json(args.out / "metrics.json", {
        **evaluate.measure(args.out, parts, full, args.predictions),
        "validation": tuned,
        "training": {"seconds": seconds, "temperature": round(t, 3), "torch": torch.__version__,
                     **settings},
        "history": history,
    })


if __name__ == "__main__":
    main()
