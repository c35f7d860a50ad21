#!/usr/bin/env python3
"""Writes the dev recordings as WAV files, for `s3-speech.jar evaluate`.

    python3 export.py --data FOLDER --out OUT

OUT/single has every dev recording, OUT/spliced the spliced ones of evaluate.py, each as 16-bit PCM with a table
`transcripts.tsv` (name of the file, tab, text).
"""
import argparse
import os
import wave

import data
from features import RATE


def write(folder, recordings):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "transcripts.tsv"), "w", encoding="utf-8") as table:
        for number, (samples, text) in enumerate(recordings):
            name = f"{number:03d}.wav"
            with wave.open(os.path.join(folder, name), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE)
                file.writeframes((samples * 32768).astype("<i2").tobytes())
            table.write(f"{name}\t{text}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    rows = [row for row in data.read_recordings(args.data) if row.split == "dev"]
    write(os.path.join(args.out, "single"), [(row.samples, row.text) for row in rows])
    write(os.path.join(args.out, "spliced"), data.spliced_dev(rows))


if __name__ == "__main__":
    main()
