#!/usr/bin/env python3
"""Measures a trained model on the dev speakers and writes metrics.json beside it.

    python3 evaluate.py --data FOLDER --model model

The weights are those of model.safetensors (float16), widened to float32. Every recording is decoded alone, as the
Java library does. Single recordings, and spliced ones of one speaker up to 50 s (see data.spliced_dev).
"""
import argparse
import json
import os
import time

import torch
from safetensors.torch import load_file

import data
import decoding
from features import RATE, Features
from model import MaskedSpeechModel


def load_model(folder, device="cpu"):
    """The stored model in float32, ready to decode, and its feature settings."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        model = MaskedSpeechModel(json.load(file))
    tensors = load_file(os.path.join(folder, "model.safetensors"))
    missing = model.load_state_dict({k: v.float() for k, v in tensors.items()}, strict=False)
    assert not missing.unexpected_keys and all(k.startswith("middle_ctc.") for k in missing.missing_keys)
    return model.to(device).eval(), Features.load(os.path.join(folder, "preprocessor_config.json"))


class Figures:
    def __init__(self):
        self.characters = self.words = self.wrong_characters = self.wrong_words = 0
        self.length_errors, self.passes, self.doublings, self.exact, self.recordings = 0, 0, 0, 0, 0

    def add(self, text, result):
        own = data.decode_ids(result.ids)
        self.recordings += 1
        self.characters += len(text)
        self.words += len(text.split())
        self.wrong_characters += decoding.distance(own, text)
        self.wrong_words += decoding.distance(own.split(), text.split())
        self.length_errors += abs(len(own) - len(text))
        self.passes += result.passes
        self.doublings += result.doublings
        self.exact += own == text

    def summary(self):
        return {
            "characters_wrong_percent": round(100 * self.wrong_characters / self.characters, 2),
            "words_wrong_percent": round(100 * self.wrong_words / self.words, 2),
            "recordings_all_right": self.exact,
            "mean_length_error": round(self.length_errors / self.recordings, 3),
            "mean_passes": round(self.passes / self.recordings, 2),
            "doublings": self.doublings,
        }


def measure(model, features, recordings, strategies, device):
    figures = {name: Figures() for name in strategies}
    for samples, text in recordings:
        utterance = decoding.Utterance(model, features(samples, device))
        start = decoding.first_pass(utterance)
        for name in strategies:
            figures[name].add(text, decoding.STRATEGIES[name](utterance, start))
    lengths = [len(samples) / RATE for samples, _ in recordings]
    return {
        "recordings": len(recordings),
        "mean_seconds": round(sum(lengths) / len(lengths), 2),
        "most_seconds": round(max(lengths), 2),
        "mean_characters": round(sum(len(t) for _, t in recordings) / len(recordings), 1),
        "most_characters": max(len(t) for _, t in recordings),
        "strategies": {name: f.summary() for name, f in figures.items()},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--only", nargs="*", help="names of strategies")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--metrics", help="file to write; metrics.json in the model's folder by default")
    args = parser.parse_args()
    model, features = load_model(args.model, args.device)
    rows = [row for row in data.read_recordings(args.data) if row.split == "dev"]
    strategies = args.only or list(decoding.STRATEGIES)
    began = time.time()
    with torch.inference_mode():
        metrics = {
            "data": "AN4, speakers of the dev split",
            "single": measure(model, features, [(r.samples, r.text) for r in rows], strategies, args.device),
            "spliced": measure(model, features, data.spliced_dev(rows), strategies, args.device),
        }
    path = os.path.join(args.model, "training.json")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            metrics["training"] = json.load(file)
    with open(args.metrics or os.path.join(args.model, "metrics.json"), "w", encoding="utf-8") as file:
        json.dump(metrics, file, indent=2)
        file.write("\n")
    for part in ("single", "spliced"):
        print(part, {k: v for k, v in metrics[part].items() if k != "strategies"})
        for name, row in metrics[part]["strategies"].items():
            print(f"  {name:20s}", row)
    print(f"{time.time() - began:.1f} s")


if __name__ == "__main__":
    main()
