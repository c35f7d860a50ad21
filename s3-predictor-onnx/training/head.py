#!/usr/bin/env python3
"""Trains a length head: a small network on the served model's hidden state at the end of a prompt.

    python head.py --data LOG.jsonl --features FEATURES.npz --out FOLDER

FEATURES is from features.py, for the prompts of LOG. FOLDER gets head.onnx (input "hidden", [b, width of
the chosen layers side by side]; output "logits", [b, buckets]), length-head.json and metrics.json.
"""
import argparse
import copy
import json
import math
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn

import evaluate
import export
import loss
from lengths import SPLITS, Distributions, answers_of, read_log, split_rows, upper_edges

AVERAGE = 0.99  # of the averaged weights that a step keeps


class Head(nn.Module):
    """Hidden states to logits over length buckets."""

    def __init__(self, width, hidden, buckets, dropout):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(dropout / 2), nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout),
            nn.Linear(hidden, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, buckets))

    def forward(self, x):
        return self.layers(x)


class Heads(nn.Module):
    """Standardises the hidden states and takes the mean of the shares that several heads predict."""

    def __init__(self, mean, scale, heads):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.heads = nn.ModuleList(heads)
        self.temperature = 1.0

    def forward(self, hidden):
        x = ((hidden - self.mean) / self.scale).clamp(-8, 8)
        shares = sum(torch.softmax(head(x), dim=1) for head in self.heads) / len(self.heads)
        return (shares + 1e-7).log() / self.temperature


class Part:
    """Hidden states of a split on the device, with the buckets of the answers."""

    def __init__(self, rows, states, edges, device):
        self.states = states.to(device)
        self.finished, self.cut = (tensor.to(device) for tensor in loss.targets(rows, edges))

    def subset(self, chosen):
        part = copy.copy(self)
        part.states, part.finished, part.cut = self.states[chosen], self.finished[chosen], self.cut[chosen]
        return part


# ---------------------------------------------------------------- training


def fit(part, validation, args, seed):
    """Trains one head and returns it with the averaged weights of its best epoch."""
    torch.manual_seed(seed)
    device, count = part.states.device, len(part.states)
    head = Head(part.states.shape[1], args.hidden, part.finished.shape[1], args.dropout).to(device)
    average, best, least = copy.deepcopy(head), None, math.inf
    optimizer = torch.optim.AdamW(head.parameters(), lr=args.lr, weight_decay=args.weight_decay)
    steps = args.epochs * math.ceil(count / args.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(args.epochs):
        head.train()
        for chosen in torch.randperm(count, device=device).split(args.batch):
            error = loss.loss_of(head(part.states[chosen]), part.finished[chosen], part.cut[chosen])
            optimizer.zero_grad(set_to_none=True)
            error.backward()
            optimizer.step()
            schedule.step()
            with torch.no_grad():
                for mean, now in zip(average.parameters(), head.parameters()):
                    mean.lerp_(now, 1 - AVERAGE)
        with torch.no_grad():
            held = loss.nll(average.eval()(validation.states), validation.finished, validation.cut)
        if held < least:
            least, best = held, copy.deepcopy(average)
    return best


def train(parts, args):
    """Trains the members on the training split; returns them as one calibrated model."""
    part, validation = parts["train"], parts["validation"]
    mean, scale = part.states.mean(0), part.states.std(0) + 1e-6
    scaled = {name: copy.copy(parts[name]) for name in ("train", "validation")}
    for one in scaled.values():
        one.states = ((one.states - mean) / scale).clamp(-8, 8)
    heads = [fit(scaled["train"], scaled["validation"], args, args.seed + i) for i in range(args.members)]
    model = Heads(mean, scale, heads).to(part.states.device).eval()
    with torch.no_grad():
        model.temperature = loss.temperature(model(validation.states), validation.finished, validation.cut)
    return model


@torch.no_grad()
def shares_of(model, part):
    return torch.softmax(model(part.states), dim=1).cpu().numpy()


def cross_fitted(parts, args):
    """Shares of the training rows, each from a model that was trained on the other folds."""
    part = parts["train"]
    fold = torch.arange(len(part.states), device=part.states.device) % args.folds
    shares = np.zeros(tuple(part.finished.shape), np.float32)
    for number in range(args.folds):
        model = train({**parts, "train": part.subset(fold != number)}, args)
        shares[(fold == number).cpu().numpy()] = shares_of(model, part.subset(fold == number))
    return shares


# ---------------------------------------------------------------- output


def write_onnx(model, width, path):
    """Exports, with the weights as int8."""
    full = Path(tempfile.mkdtemp()) / "head.onnx"
    torch.onnx.export(
        model.cpu().eval(), (torch.zeros((2, width)),), str(full), dynamo=True, external_data=False,
        opset_version=export.OPSET, input_names=["hidden"], output_names=["logits"],
        dynamic_shapes={"hidden": {0: torch.export.Dim("b")}}, verbose=False)
    graph = onnx.load(str(full))
    del graph.graph.value_info[:]
    onnx.save(graph, str(full))
    quantize_dynamic(str(full), str(path), op_types_to_quantize=["MatMul", "Gemm"], per_channel=True,
                     reduce_range=True, weight_type=QuantType.QInt8)


def run_onnx(path, states, edges):
    """Distributions from the file, one prompt at a time, since activations are quantised for a whole batch."""
    head = evaluate.session(path)
    logits = [head.run(["logits"], {"hidden": row[None]})[0][0] for row in states.cpu().numpy()]
    return evaluate.of_logits(np.array(logits), edges)


def of_model(parts, rows, edges, predict):
    """Figures of the splits that were not trained on."""
    unseen = [name for name in ("test", "held") if rows[name]]
    return evaluate.of_splits(rows, {name: predict(parts[name]) for name in unseen})


def states_of(features, rows, layers):
    """The hidden states of the rows, layers side by side."""
    index = {id: i for i, id in enumerate(features["ids"])}
    known = list(features["layers"])
    missing = [layer for layer in layers if layer not in known]
    if missing:
        raise SystemExit(f"--layers: the features have the layers {known}, not {missing}")
    missing = [row.id() for row in rows if row.id() not in index]
    if missing:
        raise SystemExit(f"the features lack {len(missing)} prompts of the log, such as {missing[0]}")
    chosen = features["states"][[index[row.id()] for row in rows]][:, [known.index(layer) for layer in layers]]
    return torch.from_numpy(chosen.reshape(len(rows), -1).astype(np.float32))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="the log")
    parser.add_argument("--features", required=True, type=Path, help="hidden states of its prompts")
    parser.add_argument("--out", required=True, type=Path, help="folder to write")
    parser.add_argument("--layers", default="20,30", help="layers to read (default: %(default)s)")
    parser.add_argument("--name", default="length-head", help="(default: %(default)s)")
    parser.add_argument("--hidden", type=int, default=256, help="width of the network (default: %(default)s)")
    parser.add_argument("--members", type=int, default=1, help="networks to average (default: %(default)s)")
    parser.add_argument("--buckets", type=int, default=32, help="length buckets (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=40, help="(default: %(default)s)")
    parser.add_argument("--batch", type=int, default=512, help="(default: %(default)s)")
    parser.add_argument("--lr", type=float, default=1e-3, help="(default: %(default)s)")
    parser.add_argument("--weight-decay", type=float, default=0.1, help="(default: %(default)s)")
    parser.add_argument("--dropout", type=float, default=0.4, help="(default: %(default)s)")
    parser.add_argument("--folds", type=int, default=0,
                        help="predict the training prompts too, by models that were trained on the other folds")
    parser.add_argument("--predictions", type=Path, help="file to write the predicted shares to")
    parser.add_argument("--seed", type=int, default=1, help="(default: %(default)s)")
    return parser


def write_predictions(model, parts, rows, edges, args):
    names = [name for name in SPLITS if rows[name] and (name != "train" or args.folds)]
    shares = {name: cross_fitted(parts, args) if name == "train" else shares_of(model, parts[name]) for name in names}
    evaluate.save_predictions(args.predictions, [row for name in names for row in rows[name]],
                              Distributions(edges, np.concatenate([shares[name] for name in names])))


def main():
    args = arguments().parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows = split_rows(read_log(args.data))
    layers = [int(layer) for layer in args.layers.split(",")]
    features = np.load(args.features)
    features = {name: features[name] for name in features.files}
    _, lengths, finished = answers_of(rows["train"])
    edges = upper_edges(lengths, finished, args.buckets)
    parts = {name: Part(rows[name], states_of(features, rows[name], layers), edges, device)
             for name in SPLITS if rows[name]}
    started = time.time()
    model = train(parts, args)
    seconds = round(time.time() - started)
    args.out.mkdir(parents=True, exist_ok=True)
    validation = evaluate.of_distributions(
        rows["validation"], Distributions(edges, shares_of(model, parts["validation"])))
    exact = of_model(parts, rows, edges, lambda part: Distributions(edges, shares_of(model, part)))
    if args.predictions:
        write_predictions(model, parts, rows, edges, args)
    write_onnx(model, parts["train"].states.shape[1], args.out / "head.onnx")
    quantised = of_model(parts, rows, edges, lambda part: run_onnx(args.out / "head.onnx", part.states, edges))
    export.write_json(args.out / "length-head.json", {
        "format": 1, "name": args.name, "upper_edges": [int(edge) for edge in edges], "layers": layers,
        "model_sha256": str(features["model"]), "sha256": export.sha256(args.out / "head.onnx")})
    settings = {k: v for k, v in vars(args).items() if not isinstance(v, Path) and v is not None}
    export.write_json(args.out / "metrics.json", {
        **evaluate.split_figures(rows), "limit": int(edges[-1]), "int8": quantised,
        "int8_bytes": (args.out / "head.onnx").stat().st_size, "fp32": exact, "validation": validation,
        "training": {"seconds": seconds, "temperature": round(model.temperature, 3), "torch": torch.__version__,
                     **settings}})


if __name__ == "__main__":
    main()
