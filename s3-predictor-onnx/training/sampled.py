#!/usr/bin/env python3
"""Joins sampled answer lengths with their prompts, as a log for train.py and head.py.

    python sampled.py --sampled SAMPLED.jsonl.gz --prompts PROMPTS.jsonl --hold-out ANSWERS.jsonl.gz --out LOG.jsonl

A row of SAMPLED has "id", the first 16 hexadecimal digits of the SHA-256 of its prompt, "sampled", the
tokens of several answers, and "cut", the positions of those that a limit cut off. A row of PROMPTS has
"prompt" and "source", the kind of the prompt. The prompts whose "id" is in ANSWERS get the split "held".
"""
import argparse
import gzip
import json
from pathlib import Path

from lengths import prompt_id


def read_lines(path):
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def log_row(prompt, sampled, held):
    cut = set(sampled.get("cut", []))
    row = {"prompt": prompt["prompt"], "kind": prompt["source"], "output_tokens": sampled["sampled"],
           "finished": [i not in cut for i in range(len(sampled["sampled"]))]}
    return row | ({"split": "held"} if held else {})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sampled", required=True, type=Path, help="sampled lengths by id")
    parser.add_argument("--prompts", required=True, type=Path, help="the prompts")
    parser.add_argument("--hold-out", type=Path, help="rows whose id must never be trained on")
    parser.add_argument("--out", required=True, type=Path, help="the log to write")
    args = parser.parse_args()
    held = {row["id"] for row in read_lines(args.hold_out)} if args.hold_out else set()
    sampled = {row["id"]: row for row in read_lines(args.sampled)}
    written = 0
    with open(args.out, "w", encoding="utf-8") as log:
        for prompt in read_lines(args.prompts):
            id = prompt_id(prompt["prompt"])
            if id in sampled:
                row = log_row(prompt, sampled.pop(id), id in held)
                log.write(json.dumps(row, ensure_ascii=False) + "\n")
                written += 1
    print(f"{written} prompts written to {args.out}; {len(sampled)} ids have no prompt in {args.prompts}")


if __name__ == "__main__":
    main()
