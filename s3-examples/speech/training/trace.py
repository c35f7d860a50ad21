"""Writes a trace of recordings for the command line's `replay --canvas-passes`.

    python trace.py DATA_FOLDER OUT.csv --rate 50 --requests 5000 --seed 1

A row is a request: when it arrives, its encoder frames (25 a second), and its characters with the end. Recordings are
those of AN4 in train.tsv, alone or up to twelve of one speaker in a row (to 50 s and 300 characters), half of each.
"""
import argparse
import csv
import random
from pathlib import Path

FRAMES_PER_SECOND = 25
LONGEST_SECONDS, LONGEST_CHARACTERS, MOST_RECORDINGS = 50, 300, 12


def recordings(folder):
    """AN4's recordings by speaker, each with its seconds and characters."""
    speakers = {}
    with open(Path(folder) / "train.tsv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["corpus"] == "an4":
                speakers.setdefault(row["speaker"], []).append((float(row["seconds"]), len(row["text"])))
    return list(speakers.values())


def splice(speaker, chance):
    """Seconds and characters of some recordings in a row, with a space between two texts."""
    seconds, characters = 0.0, -1
    for more_seconds, more_characters in chance.choices(speaker, k=chance.randint(1, MOST_RECORDINGS)):
        if seconds + more_seconds > LONGEST_SECONDS or characters + 1 + more_characters > LONGEST_CHARACTERS:
            break
        seconds, characters = seconds + more_seconds, characters + 1 + more_characters
    return seconds, characters


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--rate", type=float, default=50, help="arrivals a second (Poisson)")
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    speakers = recordings(options.data)
    now = 0.0
    with open(options.out, "w", encoding="utf-8", newline="") as file:
        file.write("arrival_s,prompt_tokens,output_tokens\n")
        for number in range(options.requests):
            speaker = chance.choice(speakers)
            seconds, characters = splice(speaker, chance) if number % 2 else chance.choice(speaker)
            now += chance.expovariate(options.rate)
            file.write(f"{now:.4f},{max(1, round(seconds * FRAMES_PER_SECOND))},{characters + 1}\n")


if __name__ == "__main__":
    main()
