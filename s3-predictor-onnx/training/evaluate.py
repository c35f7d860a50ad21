#!/usr/bin/env python3
"""Measures a length model on the test split of a log, beside baselines that know less.

    python evaluate.py --model FOLDER --data LOG.jsonl
"""
import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
from scipy.stats import kendalltau
from tokenizers import Tokenizer

import encoder
from lengths import Distributions, read_log, split_rows

LEVELS = (0.5, 0.9, 0.99)
PAPER_BUCKETS = 10
LENGTH_BINS = 16


def equal_edges(limit):
    return np.array([limit * (i + 1) // PAPER_BUCKETS for i in range(PAPER_BUCKETS)])


def tau(score, lengths):
    return 0.0 if np.ptp(score) == 0 else kendalltau(score, lengths).statistic


def figures(lengths, score, quantiles, coarse=None):
    """Figures of predicted quantiles; the score orders the answers, coarse holds ten-bucket shares."""
    lengths = np.asarray(lengths)
    result = {
        "mae_p50": np.abs(quantiles[0.5] - lengths).mean(),
        "kendall_tau": tau(score, lengths),
        "kendall_tau_p50": tau(quantiles[0.5], lengths),
        **{f"coverage_p{100 * p:g}": (lengths <= quantiles[p]).mean() for p in LEVELS},
        **{f"under_predicted_p{100 * p:g}": (lengths > quantiles[p]).mean() for p in LEVELS[:2]},
        "reserved_p90_over_used": quantiles[0.9].mean() / lengths.mean(),
    }
    if coarse is not None:
        edges = equal_edges(coarse["limit"])
        guess = coarse["shares"].argmax(axis=1)
        result["ten_bucket_accuracy"] = (guess == np.searchsorted(edges, lengths)).mean()
        result["reserved_ten_bucket_over_used"] = edges[guess].mean() / lengths.mean()
        result["ten_bucket_under_predicted"] = (lengths > edges[guess]).mean()
    return {name: round(float(value), 4) for name, value in result.items()}


def of_distributions(lengths, distributions):
    limit = int(distributions.edges[-1])
    up_to = np.stack([distributions.at_most(edge) for edge in equal_edges(limit)], axis=1)
    shares = np.diff(up_to, axis=1, prepend=0)
    quantiles = {p: distributions.quantile(p) for p in LEVELS}
    lengths = np.minimum(lengths, limit)
    result = figures(lengths, distributions.mean(), quantiles, {"limit": limit, "shares": shares})
    edges = distributions.edges
    by_bucket = tau(np.searchsorted(edges, quantiles[0.5]), np.searchsorted(edges, lengths))
    return result | {"kendall_tau_of_buckets": round(float(by_bucket), 4)}


def empirical(lengths, count):
    """The same quantiles of past lengths for each of the next answers."""
    return {p: np.full(count, np.quantile(lengths, p, method="higher")) for p in LEVELS}


def ten_bucket_shares(past, limit):
    return np.bincount(np.searchsorted(equal_edges(limit), past), minlength=PAPER_BUCKETS) / len(past)


def baselines(train, prompt_train, test, prompt_test, limit):
    """A constant, bins of the prompt's length, and a straight line through it."""
    train, test = np.minimum(train, limit), np.minimum(test, limit)
    constant = {"limit": limit, "shares": np.tile(ten_bucket_shares(train, limit), (len(test), 1))}
    cuts = np.unique(np.quantile(prompt_train, np.arange(1, LENGTH_BINS) / LENGTH_BINS))
    of_train, of_test = np.searchsorted(cuts, prompt_train), np.searchsorted(cuts, prompt_test)
    by_bin = {p: np.zeros(len(test)) for p in LEVELS}
    mean, shares = np.zeros(len(test)), np.zeros((len(test), PAPER_BUCKETS))
    for number in np.unique(of_test):
        here, past = of_test == number, train[of_train == number]
        for p, values in empirical(past, here.sum()).items():
            by_bin[p][here] = values
        mean[here], shares[here] = past.mean(), ten_bucket_shares(past, limit)
    slope, start = np.polyfit(prompt_train, train, 1)
    line = slope * prompt_test + start
    return {
        "constant": figures(test, np.zeros(len(test)), empirical(train, len(test)), constant),
        "prompt_length_bins": figures(test, mean, by_bin, {"limit": limit, "shares": shares}),
        "prompt_length_line": {"mae": round(float(np.abs(line - test).mean()), 4),
                               "kendall_tau": round(float(kendalltau(line, test).statistic), 4)},
    }


def predict(path, encoded, edges, pad=0, batch=64):
    """Distributions from an ONNX file."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    logits = np.zeros((len(encoded), len(edges)))
    order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
    for start in range(0, len(order), batch):
        chosen = order[start:start + batch]
        ids, mask = encoder.padded([encoded[i] for i in chosen], pad)
        logits[chosen] = session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return Distributions(edges, shares / shares.sum(axis=1, keepdims=True))


def measure(folder, parts, full=None):
    """Figures of a model folder on the test split, and of its float32 graph if that is at hand."""
    spec = json.loads((folder / "length-model.json").read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    edges = np.array(spec["upper_edges"])
    encoded = {name: encoder.encode(tokenizer, [row[0] for row in parts[name]]) for name in ("train", "test")}
    lengths = {name: np.array([row[1] for row in parts[name]]) for name in ("train", "test")}
    prompts = {name: np.array([len(ids) for ids in encoded[name]]) for name in encoded}
    result = {
        "rows": {name: len(parts[name]) for name in parts},
        "limit": int(edges[-1]),
        "mean_length": round(float(lengths["test"].mean()), 2),
        "cut_off": round(1 - float(np.mean([row[2] for row in parts["test"]])), 4),
        "int8": of_distributions(lengths["test"], predict(folder / "model.onnx", encoded["test"], edges)),
        "int8_bytes": (folder / "model.onnx").stat().st_size,
    }
    if full:
        result["fp32"] = of_distributions(lengths["test"], predict(full, encoded["test"], edges))
        result["fp32_bytes"] = full.stat().st_size
    return result | {"baselines": baselines(lengths["train"], prompts["train"], lengths["test"], prompts["test"],
                                            int(edges[-1]))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=Path, help="folder of a length model")
    parser.add_argument("--data", required=True, type=Path, help="a log, as for train.py")
    parser.add_argument("--length-tokenizer", type=Path, help="counts the rows that have a response instead")
    args = parser.parse_args()
    counter = Tokenizer.from_file(str(args.length_tokenizer)) if args.length_tokenizer else None
    print(json.dumps(measure(args.model, split_rows(read_log(args.data, counter))), indent=2))


if __name__ == "__main__":
    main()
