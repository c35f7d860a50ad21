#!/usr/bin/env python3
"""Measures a length model on the test split of a log, beside baselines that know less or more.

    python evaluate.py --model FOLDER --data LOG.jsonl

Prompts with several answers are also compared with what the other answers to the same prompt tell.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
from scipy.stats import kendalltau
from tokenizers import Tokenizer

import encoder
from lengths import SPLITS, Distributions, answers_of, kinds_of, read_log, split_rows

LEVELS = (0.5, 0.9, 0.99)
PAPER_BUCKETS = 10
LENGTH_BINS = 16
THREADS = 4
MANY = 6  # answers that a prompt must have to be compared with its other answers


def equal_edges(limit):
    return np.array([limit * (i + 1) // PAPER_BUCKETS for i in range(PAPER_BUCKETS)])


# ---------------------------------------------------------------- figures


def tau(score, lengths):
    return 0.0 if np.ptp(score) == 0 or np.ptp(lengths) == 0 else kendalltau(score, lengths).statistic


def tau_within(score, lengths, kinds):
    """The mean over the kinds of prompts of the tau between the answers of one kind."""
    return np.mean([tau(score[kinds == kind], lengths[kinds == kind]) for kind in np.unique(kinds)])


def figures(lengths, score, quantiles, coarse=None, kinds=None):
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
    if kinds is not None and len(np.unique(kinds)) > 1:
        result["kendall_tau_within"] = tau_within(score, lengths, kinds)
        result["kendall_tau_p50_within"] = tau_within(quantiles[0.5], lengths, kinds)
        for kind in np.unique(kinds):
            result[f"kendall_tau_p50_{kind}"] = tau(quantiles[0.5][kinds == kind], lengths[kinds == kind])
    if coarse is not None:
        edges = equal_edges(coarse["limit"])
        guess = coarse["shares"].argmax(axis=1)
        result["ten_bucket_accuracy"] = (guess == np.searchsorted(edges, lengths)).mean()
        result["reserved_ten_bucket_over_used"] = edges[guess].mean() / lengths.mean()
        result["ten_bucket_under_predicted"] = (lengths > edges[guess]).mean()
    return rounded(result)


def rounded(result):
    return {name: round(float(value), 4) for name, value in result.items()}


def of_distributions(rows, distributions):
    """Figures over all answers of the rows, from one distribution a row."""
    number, lengths, _ = answers_of(rows)
    limit = int(distributions.edges[-1])
    lengths = np.minimum(lengths, limit)
    distributions = distributions.rows(number)
    up_to = np.stack([distributions.at_most(edge) for edge in equal_edges(limit)], axis=1)
    coarse = {"limit": limit, "shares": np.diff(up_to, axis=1, prepend=0)}
    quantiles = {p: distributions.quantile(p) for p in LEVELS}
    result = figures(lengths, distributions.mean(), quantiles, coarse, kinds_of(rows)[number])
    edges = distributions.edges
    by_bucket = tau(np.searchsorted(edges, quantiles[0.5]), np.searchsorted(edges, lengths))
    return result | {"kendall_tau_of_buckets": round(float(by_bucket), 4)}


def of_others(rows, limit):
    """Figures of the median of the other answers to the same prompt as a prediction of each answer."""
    lengths = [np.minimum(row.lengths, limit) for row in rows]
    medians = np.concatenate([[np.median(np.delete(one, i)) for i in range(len(one))] for one in lengths])
    kinds = np.repeat(kinds_of(rows), [len(one) for one in lengths])
    lengths = np.concatenate(lengths)
    return rounded({"mae_p50": np.abs(medians - lengths).mean(), "kendall_tau_p50": tau(medians, lengths),
                    "kendall_tau_p50_within": tau_within(medians, lengths, kinds)})


def against_others(rows, distributions):
    """The model beside the other answers, on the prompts with many; None if there are few such prompts."""
    chosen = np.array([i for i, row in enumerate(rows) if len(row.lengths) >= MANY])
    if len(chosen) < 30:
        return None
    rows = [rows[i] for i in chosen]
    model = of_distributions(rows, distributions.rows(chosen))
    others = of_others(rows, int(distributions.edges[-1]))
    return {
        "prompts": len(rows), "answers": sum(len(row.lengths) for row in rows),
        "median_of_others": others, "model": model,
        "constant_mae": round(constant_error(rows), 4),
        "tau_below_others": round(others["kendall_tau_p50"] - model["kendall_tau_p50"], 4),
        "tau_within_below_others":
            round(others["kendall_tau_p50_within"] - model.get("kendall_tau_p50_within", 0), 4),
        "mae_over_others": round(model["mae_p50"] / others["mae_p50"], 4),
    }


def constant_error(rows):
    """The mean absolute error of the best constant."""
    lengths = answers_of(rows)[1]
    return float(np.abs(lengths - np.median(lengths)).mean())


# ---------------------------------------------------------------- baselines


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


# ---------------------------------------------------------------- models


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = THREADS
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def of_logits(logits, edges):
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return Distributions(edges, shares / shares.sum(axis=1, keepdims=True))


def predict(path, encoded, edges, pad=0, batch=64):
    """Distributions from an ONNX file."""
    model = session(path)
    logits = np.zeros((len(encoded), len(edges)))
    order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
    for start in range(0, len(order), batch):
        chosen = order[start:start + batch]
        ids, mask = encoder.padded([encoded[i] for i in chosen], pad)
        logits[chosen] = model.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]
    return of_logits(logits, edges)


def save_predictions(path, rows, distributions):
    """Writes the predicted shares by prompt, for moments.py."""
    np.savez_compressed(path, ids=np.array([row.id() for row in rows]), edges=distributions.edges,
                        shares=distributions.probabilities.astype(np.float32))


def of_splits(parts, predicted):
    """Figures of the test split, of the prompts held out, and of both beside the other answers."""
    result = {"test": of_distributions(parts["test"], predicted["test"])}
    if parts["held"]:
        result["held"] = of_distributions(parts["held"], predicted["held"])
    both = Distributions(predicted["test"].edges, np.concatenate(
        [predicted[name].probabilities for name in ("test", "held") if parts[name]]))
    result["against_others"] = against_others(parts["test"] + parts["held"], both)
    return {name: value for name, value in result.items() if value}


def split_figures(parts):
    """What the splits are."""
    _, lengths, finished = answers_of(parts["test"])
    return {
        "rows": {name: len(rows) for name, rows in parts.items()},
        "answers": {name: sum(len(row.lengths) for row in rows) for name, rows in parts.items()},
        "mean_length": round(float(lengths.mean()), 2),
        "cut_off": round(1 - float(finished.mean()), 4),
    }


def measure(folder, parts, full=None, predictions=None):
    """Figures of a model folder on the test split, and of its float32 graph if that is at hand."""
    spec = json.loads((folder / "length-model.json").read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    edges = np.array(spec["upper_edges"])
    encoded = {name: encoder.encode(tokenizer, [row.prompt for row in parts[name]]) for name in SPLITS}
    unseen = [name for name in ("test", "held") if parts[name]]
    predicted = {name: predict(folder / "model.onnx", encoded[name], edges) for name in unseen}
    if predictions:
        save_predictions(predictions, [row for name in unseen for row in parts[name]], Distributions(
            edges, np.concatenate([predicted[name].probabilities for name in unseen])))
    result = {**split_figures(parts), "limit": int(edges[-1]), "int8": of_splits(parts, predicted),
              "int8_bytes": (folder / "model.onnx").stat().st_size}
    if full:
        result["fp32"] = of_splits(parts, {name: predict(full, encoded[name], edges) for name in unseen})
        result["fp32_bytes"] = full.stat().st_size
    known = []
    for name in ("train", "test"):
        number, lengths, _ = answers_of(parts[name])
        known += [lengths, np.array([len(ids) for ids in encoded[name]])[number]]
    return result | {"baselines": baselines(*known, int(edges[-1]))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=Path, help="folder of a length model")
    parser.add_argument("--data", required=True, type=Path, help="a log, as for train.py")
    parser.add_argument("--length-tokenizer", type=Path, help="counts the rows that have a response instead")
    parser.add_argument("--predictions", type=Path, help="file to write the predicted shares to, for moments.py")
    args = parser.parse_args()
    counter = Tokenizer.from_file(str(args.length_tokenizer)) if args.length_tokenizer else None
    parts = split_rows(read_log(args.data, counter))
    print(json.dumps(measure(args.model, parts, predictions=args.predictions), indent=2))


if __name__ == "__main__":
    main()
