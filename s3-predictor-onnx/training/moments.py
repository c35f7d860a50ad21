#!/usr/bin/env python3
"""Measures what is known of the rest of an answer while it grows, as a table.

    python moments.py --recorded ANSWERS.jsonl.gz [--predictions NAME=SHARES.npz]...
    python moments.py --log LOG.jsonl --predictions NAME=SHARES.npz

The answers come from ANSWERS, whose rows have "id", "source", "output_tokens", "done", the recorded
"prompt" prediction and those "at" some numbers of tokens, or from the test split of LOG. SHARES is what
evaluate.py or head.py wrote with --predictions. Each row of the table is a moment: after a fixed number of
tokens, of the answers that are still running then, or at random (a random token of all answers, which is
what a scheduler sees). "At half of the answer" is not measured, since what is left then is the count so
far. Each column is a way to predict what is left; a cell has the mean absolute error of the median, Kendall's
tau between it and what is left over all kinds of prompts and within them (the mean over the kinds), and the
share of the answers whose rest is within the predicted 90 % quantile.
"""
import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import norm

from evaluate import rounded, tau, tau_within
from lengths import Distributions, answers_of, kinds_of, prompt_id, read_log, split_rows
from sampled import read_lines

AFTER = (0, 16, 64, 128, 256)
MOMENTS = 20000
Z90 = 1.2815515655446004  # the 90 % quantile of the standard normal distribution
FEWEST = 30  # answers that must still run


@dataclass
class Answers:
    """Answers of some prompts: the id and the kind of the prompt, and the length."""

    ids: np.ndarray
    kinds: np.ndarray
    lengths: np.ndarray

    def __len__(self):
        return len(self.lengths)


# ---------------------------------------------------------------- ways to predict


class Survival:
    """What is left of past answers that lived so long; the past is these answers themselves."""

    def __init__(self, lengths):
        self.sorted = np.sort(lengths)

    def left(self, chosen, done, p):
        result = np.zeros(len(done))
        for count in np.unique(done):
            alive = self.sorted[np.searchsorted(self.sorted, count, side="right"):]
            result[done == count] = np.quantile(alive, p, method="inverted_cdf") - count
        return result


class FromPrompt:
    """The distribution predicted from the prompt, given that the answer has lived so long."""

    def __init__(self, ids, path):
        predicted = np.load(path)
        index = {id: i for i, id in enumerate(predicted["ids"])}
        missing = [id for id in ids if id not in index]
        if missing:
            raise SystemExit(f"{path} has no prediction of {len(missing)} answers' prompts, such as {missing[0]}")
        self.all = Distributions(predicted["edges"], predicted["shares"][[index[id] for id in ids]])

    def left(self, chosen, done, p):
        return self.all.rows(chosen).left(done, p)


class RecordedPrompt:
    """The recorded p50 and p90 from the prompt, as a log-normal distribution given the life so far."""

    def __init__(self, rows, limit):
        p50 = np.array([row["prompt"]["p50"] for row in rows], float)
        p90 = np.array([row["prompt"]["p90"] for row in rows], float)
        self.middle, self.limit = np.log(p50), limit
        self.spread = np.maximum(np.log(np.maximum(p90, p50 + 1)) - self.middle, 1e-3) / Z90

    def left(self, chosen, done, p):
        middle, spread = self.middle[chosen], self.spread[chosen]
        alive = norm.sf((np.log(np.maximum(done, 1e-9)) - middle) / spread)
        total = np.exp(middle + spread * norm.isf(np.maximum(alive * (1 - p), 1e-12)))
        return np.maximum(np.minimum(total, self.limit) - done, 1)


class RecordedWhileDecoding:
    """The latest prediction recorded while the answer was made, less the tokens made since."""

    def __init__(self, rows):
        self.rows = rows

    def left(self, chosen, done, p):
        key = {0.5: "p50", 0.9: "p90"}[p]
        result = np.zeros(len(done))
        for i, (row, count) in enumerate(zip(chosen, done)):
            row = self.rows[row]
            k = np.searchsorted(row["at"], count, side="right") - 1
            result[i] = max(row[key][k] - (count - row["at"][k]), 1)
        return result


# ---------------------------------------------------------------- the table


def cell(way, answers, chosen, done):
    """Figures of a way to predict what is left of the chosen answers after so many tokens each."""
    left = answers.lengths[chosen] - done
    median, high = way.left(chosen, done, 0.5), way.left(chosen, done, 0.9)
    return rounded({"error": np.abs(median - left).mean(), "tau": tau(median, left),
                    "within": tau_within(median, left, answers.kinds[chosen]), "p90": (left <= high).mean()})


def moments(answers, seed):
    """Yields (name, rows of answers, tokens made) of each moment."""
    for after in AFTER:
        alive = np.flatnonzero(answers.lengths > after)
        if len(alive) >= FEWEST:
            yield str(after), alive, np.full(len(alive), after)
    random = np.random.default_rng(seed)
    chosen = random.choice(len(answers), MOMENTS, p=answers.lengths / answers.lengths.sum())
    yield "random", chosen, (random.random(MOMENTS) * answers.lengths[chosen]).astype(int)


def measure(answers, ways, seed):
    return {name: {"answers": int(len(np.unique(chosen))),
                   "mean_left": round(float((answers.lengths[chosen] - done).mean()), 1),
                   **{way: cell(predicts, answers, chosen, done) for way, predicts in ways.items()}}
            for name, chosen, done in moments(answers, seed)}


def markdown(table, ways):
    lines = ["| after | answers | " + " | ".join(ways) + " |", "| --- | --- |" + " --- |" * len(ways)]
    for moment, row in table.items():
        cells = [f"{c['error']:.0f} / {c['tau']:.2f} / {c['within']:.2f} / {100 * c['p90']:.0f} %"
                 for c in (row[way] for way in ways)]
        lines.append(f"| {moment} | {row['answers']:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def recorded(args):
    """Returns (answers, ways to predict) of a file with recorded predictions."""
    rows = read_lines(args.recorded)
    lengths = np.array([row["output_tokens"] for row in rows])
    answers = Answers(np.array([row["id"] for row in rows]), np.array([row["source"] for row in rows]), lengths)
    return answers, {"survival of all": Survival(lengths),
                     "recorded from the prompt": RecordedPrompt(rows, int(lengths.max())),
                     "recorded while decoding": RecordedWhileDecoding(rows)}


def logged(args):
    """Returns (answers, ways to predict) of the test split of a log."""
    rows = split_rows(read_log(args.log))["test"]
    number, lengths, _ = answers_of(rows)
    answers = Answers(np.array([prompt_id(row.prompt) for row in rows])[number], kinds_of(rows)[number], lengths)
    return answers, {"survival of all": Survival(lengths)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--recorded", type=Path, help="answers with recorded predictions")
    source.add_argument("--log", type=Path, help="a log, as for train.py")
    parser.add_argument("--predictions", action="append", default=[], metavar="NAME=FILE",
                        help="predicted shares of the prompts, with the name of their column")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments (default: %(default)s)")
    args = parser.parse_args()
    answers, ways = recorded(args) if args.recorded else logged(args)
    for given in args.predictions:
        name, _, path = given.partition("=")
        ways[name] = FromPrompt(answers.ids, path)
    table = measure(answers, ways, args.seed)
    if args.json:
        args.json.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    print(markdown(table, ways))


if __name__ == "__main__":
    main()
