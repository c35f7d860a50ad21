#!/usr/bin/env python3
"""Trains a head that predicts how many tokens of a running answer are left, from a hidden state.

    python remaining.py --states STATES.npz --out FOLDER

STATES is from states.py. FOLDER gets remaining.onnx (inputs "hidden", [b, width], and "generated", [b, 1], the
tokens made so far; output "logits", [b, buckets] of what is left), remaining.json and metrics.json. An answer
that the limit cut off counts as "at least so much is left". The last bucket holds all that is beyond the limit.
"""
import argparse
import copy
import json
import math
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

import export
import loss
from lengths import SPLITS, Distributions
from moments import AFTER, Answers, Survival, markdown, measure

AVERAGE = 0.995  # of the averaged weights that a step keeps
BEYOND = 2  # the last bucket ends at so many times the limit


class Head(nn.Module):
    """A hidden state and the number of tokens made to logits over buckets of what is left."""

    def __init__(self, mean, scale, limit, hidden, buckets, dropout):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.limit = limit
        self.layers = nn.Sequential(
            nn.Dropout(dropout / 2), nn.Linear(len(mean) + 2, hidden), nn.GELU(), nn.Dropout(dropout),
            nn.Linear(hidden, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, buckets))
        self.register_buffer("temperature", torch.ones(1))

    def forward(self, hidden, generated):
        state = ((hidden - self.mean) / self.scale).clamp(-8, 8)
        made = generated / self.limit
        count = torch.log(generated + 1) / math.log(self.limit + 1)
        return self.layers(torch.cat([state, count * 2 - 1, made * 2 - 1], 1)) / self.temperature


class Points:
    """Moments of answers of a split: state, tokens made, tokens left, and whether they are only a lower bound."""

    def __init__(self, data, split, device):
        answers = data["answers"]
        chosen = np.flatnonzero(data["splits"][answers] == SPLITS.index(split))
        self.answers = answers[chosen]
        made, lengths = data["made"][chosen], data["lengths"][self.answers]
        self.left, self.cut = lengths - made, ~data["finished"][self.answers]
        self.states = torch.from_numpy(data["states"][chosen]).to(device)
        self.made = torch.from_numpy(made).float()[:, None].to(device)

    def classes(self, edges):
        """The bucket of what is left; of a cut answer the first that it may be in."""
        device = self.states.device
        where = np.searchsorted(edges, np.where(self.cut, self.left + 1, self.left))
        return torch.from_numpy(where).to(device), torch.from_numpy(self.cut).to(device)

    def __len__(self):
        return len(self.left)


def upper_edges(points, limit, buckets):
    """Inclusive upper edges that cut what is left, as far as it is known, into about equal shares, and one beyond."""
    edges = np.quantile(points.left, np.arange(1, buckets - 1) / (buckets - 2), method="higher")
    return np.array(sorted({int(edge) for edge in edges if edge < limit} | {limit, BEYOND * limit}))


def counts(classes, cut, buckets):
    """The two matrices that loss.py expects."""
    one = nn.functional.one_hot(classes, buckets).float()
    return one * ~cut[:, None], one * cut[:, None]


# ---------------------------------------------------------------- training


def fit(part, validation, edges, args):
    """Returns the head with the averaged weights of its best epoch, calibrated."""
    torch.manual_seed(args.seed)
    device, count, buckets = part.states.device, len(part), len(edges)
    some = part.states[torch.randperm(count, device=device)[:200000]].float()
    head = Head(some.mean(0), some.std(0) + 1e-6, args.limit, args.hidden, buckets, args.dropout).to(device)
    average, best, least = copy.deepcopy(head).eval(), None, math.inf
    optimizer = torch.optim.AdamW(head.parameters(), lr=args.lr, weight_decay=args.weight_decay)
    batches = math.ceil(count / args.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, args.epochs * batches, pct_start=0.05)
    classes, cut = part.classes(edges)
    held = validation.classes(edges)
    for epoch in range(args.epochs):
        head.train()
        for chosen in torch.randperm(count, device=device).split(args.batch):
            logits = head(part.states[chosen].float(), part.made[chosen])
            error = loss.loss_of(logits, *counts(classes[chosen], cut[chosen], buckets))
            optimizer.zero_grad(set_to_none=True)
            error.backward()
            optimizer.step()
            schedule.step()
            with torch.no_grad():
                for mean, now in zip(average.parameters(), head.parameters()):
                    mean.lerp_(now, 1 - AVERAGE)
        now = loss.nll(logits_of(average, validation), *counts(*held, buckets))
        print(f"epoch {epoch + 1}: {error.item():.3f} trained, {now:.3f} validation", flush=True)
        if now < least:
            least, best = now, copy.deepcopy(average)
    best.temperature[:] = loss.temperature(logits_of(best, validation), *counts(*held, buckets))
    return best, least


@torch.no_grad()
def logits_of(head, points):
    return torch.cat([head(states.float(), made) for states, made in
                      zip(points.states.split(65536), points.made.split(65536))])


# ---------------------------------------------------------------- figures


class FromStates:
    """The latest prediction from a state, given that the answer has lived since."""

    def __init__(self, points, count, every, shares, edges, limit):
        self.every, self.limit = every, limit
        self.all, self.index = Distributions(edges, shares), {}
        made = points.made[:, 0].cpu().numpy().astype(int)
        for i, (answer, tokens) in enumerate(zip(points.answers, made)):
            self.index[answer, tokens] = i
        self.numbers = np.full(count, -1)

    def left(self, chosen, done, p):
        latest = done // self.every * self.every
        rows = [self.index[self.numbers[answer], tokens] for answer, tokens in zip(chosen, latest)]
        return np.minimum(self.all.rows(rows).left(done - latest, p), self.limit - done)


class FromTheEnd:
    """The prediction at the prompt's end, given that the answer has lived since."""

    def __init__(self, states):
        self.states = states

    def left(self, chosen, done, p):
        rows = [self.states.index[self.states.numbers[answer], 0] for answer in chosen]
        return np.minimum(self.states.all.rows(rows).left(done, p), self.states.limit - done)


def figures(data, points, shares, edges, args):
    """The table of moments.py for a split that was not trained on."""
    numbers = np.unique(points.answers)
    lengths = data["lengths"][numbers]
    answers = Answers(data["ids"][numbers], data["kinds"][numbers], lengths)
    states = FromStates(points, len(numbers), int(data["every"]), shares, edges, args.limit)
    states.numbers[:] = numbers
    ways = {"survival of all": Survival(lengths), "head at the prompt's end": FromTheEnd(states),
            "head while decoding": states}
    table = measure(answers, ways, args.seed)
    print(markdown(table, ways), flush=True)
    return table


def write_onnx(head, width, path):
    torch.onnx.export(
        head.cpu().eval(), (torch.zeros((2, width)), torch.zeros((2, 1))), str(path), dynamo=True,
        external_data=False, opset_version=export.OPSET, input_names=["hidden", "generated"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("b")}, {0: torch.export.Dim("b")}), verbose=False)


def check_onnx(head, path, points):
    """Runs some points through the file one by one and together, and compares with the network."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    hidden, made = points.states[:64].float().cpu(), points.made[:64].cpu()
    with torch.no_grad():
        expected = head(hidden, made).numpy()
    together = session.run(["logits"], {"hidden": hidden.numpy(), "generated": made.numpy()})[0]
    alone = session.run(["logits"], {"hidden": hidden[:1].numpy(), "generated": made[:1].numpy()})[0]
    worst = max(np.abs(together - expected).max(), np.abs(alone - expected[:1]).max())
    if not worst < 1e-3:
        raise SystemExit(f"{path} differs from the network by {worst}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--states", required=True, type=Path, help="file of states.py")
    parser.add_argument("--out", required=True, type=Path, help="folder to write")
    parser.add_argument("--name", default="remaining", help="(default: %(default)s)")
    parser.add_argument("--model-sha256", help="of the served model, if it is not the file that was sampled")
    parser.add_argument("--hidden", type=int, default=256, help="width of the network (default: %(default)s)")
    parser.add_argument("--buckets", type=int, default=34, help="buckets (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=10, help="(default: %(default)s)")
    parser.add_argument("--batch", type=int, default=2048, help="(default: %(default)s)")
    parser.add_argument("--lr", type=float, default=1e-3, help="(default: %(default)s)")
    parser.add_argument("--weight-decay", type=float, default=0.1, help="(default: %(default)s)")
    parser.add_argument("--dropout", type=float, default=0.2, help="(default: %(default)s)")
    parser.add_argument("--predictions", type=Path, help="file to write the shares of the unseen points to")
    parser.add_argument("--seed", type=int, default=1, help="(default: %(default)s)")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with np.load(args.states) as file:
        data = {name: file[name] for name in file.files}
    args.limit = int(data["limit"])
    parts = {name: Points(data, name, device) for name in SPLITS}
    edges = upper_edges(parts["train"], args.limit, args.buckets)
    started = time.time()
    head, nll = fit(parts["train"], parts["validation"], edges, args)
    seconds = time.time() - started
    args.out.mkdir(parents=True, exist_ok=True)
    tables, kept = {}, {"edges": edges}
    for name in ("validation", "test", "held"):
        if len(parts[name]):
            print(name)
            shares = torch.softmax(logits_of(head, parts[name]), 1).cpu().numpy()
            tables[name] = figures(data, parts[name], shares, edges, args)
            kept[name + "_shares"], kept[name + "_answers"] = shares.astype(np.float16), parts[name].answers
            kept[name + "_made"] = parts[name].made[:, 0].cpu().numpy().astype(np.int16)
    if args.predictions:
        np.savez_compressed(args.predictions, **kept, **{k: data[k] for k in ("ids", "kinds", "splits", "lengths", "finished")})
    width = parts["train"].states.shape[1]
    write_onnx(head, width, args.out / "remaining.onnx")
    check_onnx(head, args.out / "remaining.onnx", parts["validation"])
    export.write_json(args.out / "remaining.json", {
        "format": 1, "name": args.name, "layer": int(data["layer"]), "width": width,
        "every_tokens": int(data["every"]), "upper_edges": [int(edge) for edge in edges],
        "model_sha256": args.model_sha256 or str(data["model"]),
        "sha256": export.sha256(args.out / "remaining.onnx")})
    settings = {k: v for k, v in vars(args).items() if not isinstance(v, Path) and v is not None}
    export.write_json(args.out / "metrics.json", {
        "answers": {name: int(len(np.unique(part.answers))) for name, part in parts.items()},
        "points": {name: len(part) for name, part in parts.items()}, "validation_nll": round(nll, 4),
        "seconds": round(seconds), "temperature": round(float(head.temperature), 3), "moments": tables,
        "training": {"torch": torch.__version__, **settings}})
    print((args.out / "remaining.onnx").stat().st_size, "bytes", flush=True)


if __name__ == "__main__":
    main()
