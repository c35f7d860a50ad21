"""Logs of answer lengths: reading, the split by hash, length buckets and what they predict."""
import hashlib
import json

import numpy as np

SPLITS = ("train", "validation", "test")


def split_of(prompt):
    """A tenth is for tests, a tenth for validation; it depends on nothing but the prompt's text."""
    digest = hashlib.sha256(prompt.strip().encode("utf-8")).digest()
    return {0: "test", 1: "validation"}.get(int.from_bytes(digest[:8], "big") % 10, "train")


def read_log(path, tokenizer=None):
    """Reads rows of (prompt, output_tokens, finished); the tokenizer counts rows that have a response instead."""
    rows = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                rows.append(parse_row(json.loads(line), f"{path} line {number}", tokenizer))
    return rows


def parse_row(row, where, tokenizer):
    if "prompt" not in row:
        raise SystemExit(f"{where} has no prompt")
    if "output_tokens" in row:
        tokens = int(row["output_tokens"])
    elif "response" in row and tokenizer:
        tokens = len(tokenizer.encode(row["response"], add_special_tokens=False).ids)
    else:
        raise SystemExit(f"{where} needs output_tokens, or a response and --length-tokenizer")
    return row["prompt"], max(1, tokens), bool(row.get("finished", True))


def split_rows(rows):
    parts = {name: [] for name in SPLITS}
    for row in rows:
        parts[split_of(row[0])].append(row)
    return parts


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

    def mean(self):
        return self.probabilities @ ((self.lower + 1 + self.edges) / 2)

    def quantile(self, p):
        """The smallest length that holds at least a share p of the probability."""
        bucket = np.minimum((self.cumulative < p - 1e-6).sum(axis=1), len(self.edges) - 1)
        rows = np.arange(len(bucket))
        mass = np.maximum(self.probabilities[rows, bucket], 1e-12)
        before = self.cumulative[rows, bucket] - self.probabilities[rows, bucket]
        width = (self.edges - self.lower)[bucket]
        steps = np.ceil(np.clip((p - before) / mass, 0, 1) * width - 1e-6)
        return (self.lower[bucket] + np.clip(steps, 1, width)).astype(int)

    def at_most(self, length):
        """The probability of each row that an answer is no longer than this."""
        known_edges = np.concatenate([[0.0], self.edges])
        known = np.concatenate([np.zeros((len(self.cumulative), 1)), self.cumulative], axis=1)
        i = min(np.searchsorted(known_edges, length), len(known_edges) - 1)
        share = min(1.0, (length - known_edges[i - 1]) / (known_edges[i] - known_edges[i - 1]))
        return known[:, i - 1] + share * (known[:, i] - known[:, i - 1])
