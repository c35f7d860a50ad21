"""Logs of answer lengths: reading, the split by prompt, length buckets and what they predict."""
import hashlib
import json
from dataclasses import dataclass, field

import numpy as np

SPLITS = ("train", "validation", "test", "held")


@dataclass
class Row:
    """A prompt and the lengths of its answers; an answer that is not finished was cut off at its length."""

    prompt: str
    kind: str = ""
    lengths: list = field(default_factory=list)
    finished: list = field(default_factory=list)
    split: str = ""

    def id(self):
        return prompt_id(self.prompt)


def prompt_id(prompt):
    """The first 16 hexadecimal digits of the SHA-256 of the prompt."""
    return hashlib.sha256(prompt.encode("utf-8")).hexdigest()[:16]


def split_of(prompt):
    """A tenth is for tests, a tenth for validation; it depends on nothing but the prompt's text."""
    digest = hashlib.sha256(prompt.strip().encode("utf-8")).digest()
    return {0: "test", 1: "validation"}.get(int.from_bytes(digest[:8], "big") % 10, "train")


def read_log(path, tokenizer=None):
    """Reads the rows, one a prompt; the tokenizer counts the tokens of a row that has a response instead."""
    rows = {}
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                add_row(rows, json.loads(line), f"{path} line {number}", tokenizer)
    return list(rows.values())


def add_row(rows, line, where, tokenizer):
    """Adds the answers of a line to the row of its prompt."""
    if "prompt" not in line:
        raise SystemExit(f"{where} has no prompt")
    if "output_tokens" in line:
        tokens = line["output_tokens"]
    elif "response" in line and tokenizer:
        tokens = len(tokenizer.encode(line["response"], add_special_tokens=False).ids)
    else:
        raise SystemExit(f"{where} needs output_tokens, or a response and --length-tokenizer")
    tokens = tokens if isinstance(tokens, list) else [tokens]
    finished = line.get("finished", True)
    finished = finished if isinstance(finished, list) else [finished] * len(tokens)
    if not tokens or len(finished) != len(tokens):
        raise SystemExit(f"{where} has {len(tokens)} output_tokens and {len(finished)} finished")
    split = line.get("split", split_of(line["prompt"]))
    if split not in SPLITS:
        raise SystemExit(f"{where}: split must be one of {', '.join(SPLITS)}, but is {split}")
    row = rows.setdefault(line["prompt"], Row(line["prompt"], line.get("kind", line.get("source", "")), split=split))
    row.lengths += [max(1, int(n)) for n in tokens]
    row.finished += [bool(f) for f in finished]


def split_rows(rows):
    parts = {name: [] for name in SPLITS}
    for row in rows:
        parts[row.split].append(row)
    return parts


def answers_of(rows):
    """Returns (number of the row, length, finished) of all answers, as three arrays."""
    number = np.repeat(np.arange(len(rows)), [len(row.lengths) for row in rows])
    return (number, np.array([n for row in rows for n in row.lengths]),
            np.array([f for row in rows for f in row.finished], bool))


def kinds_of(rows):
    return np.array([row.kind for row in rows])


def upper_edges(lengths, finished, buckets):
    """Inclusive upper edges that cut the lengths into about equal shares.

    Where many answers were cut off at the longest length, that length is a bucket of its own.
    """
    longest = int(lengths.max())
    edges = set(np.quantile(lengths, np.arange(1, buckets) / buckets, method="higher").astype(int).tolist())
    if np.mean((lengths == longest) & ~finished) > 0.5 / buckets and longest > 1:
        edges.add(longest - 1)
    return np.array(sorted(edges | {longest}))


class Distributions:
    """Predicted distributions, one a row, even within each bucket; the engine reads them the same way."""

    def __init__(self, edges, probabilities):
        self.edges = np.asarray(edges, float)
        self.lower = np.concatenate([[0.0], self.edges[:-1]])
        self.probabilities = np.asarray(probabilities, float)
        self.cumulative = np.cumsum(self.probabilities, axis=1)

    def rows(self, chosen):
        return Distributions(self.edges, self.probabilities[chosen])

    def mean(self):
        return self.probabilities @ ((self.lower + 1 + self.edges) / 2)

    def quantile(self, p):
        """The smallest length that holds at least a share p of the probability; p may be one for each row."""
        p = np.broadcast_to(np.asarray(p, float), len(self.cumulative))
        bucket = np.minimum((self.cumulative < p[:, None] - 1e-6).sum(axis=1), len(self.edges) - 1)
        rows = np.arange(len(bucket))
        mass = np.maximum(self.probabilities[rows, bucket], 1e-12)
        before = self.cumulative[rows, bucket] - self.probabilities[rows, bucket]
        width = (self.edges - self.lower)[bucket]
        steps = np.ceil(np.clip((p - before) / mass, 0, 1) * width - 1e-6)
        return (self.lower[bucket] + np.clip(steps, 1, width)).astype(int)

    def at_most(self, length):
        """The probability of each row that an answer is no longer than this, which may be one for each row."""
        length = np.broadcast_to(np.asarray(length, float), len(self.cumulative))
        edges = np.concatenate([[0.0], self.edges])
        known = np.concatenate([np.zeros((len(self.cumulative), 1)), self.cumulative], axis=1)
        i = np.clip(np.searchsorted(edges, length), 1, len(edges) - 1)
        share = np.clip((length - edges[i - 1]) / (edges[i] - edges[i - 1]), 0, 1)
        rows = np.arange(len(known))
        return known[rows, i - 1] + share * (known[rows, i] - known[rows, i - 1])

    def left(self, done, p):
        """The quantile of what is left of an answer that is still running after so many tokens."""
        dead = self.at_most(done)
        return np.maximum(self.quantile(dead + p * (1 - dead)) - done, 1)
