#!/usr/bin/env python3
"""Writes reference vectors for the Java port: three recordings of dev speakers and what the model computes of them.

    python3 vectors.py --data FOLDER --model model --out FOLDER

Written: short.wav, middle.wav, spliced.wav (16-bit PCM, 16 kHz) and vectors.json. Rows are cut out of the whole
tensors: "rows" holds pairs of a row's number and its values. Computed in float32 on a CPU with the stored weights.
"""
import argparse
import json
import os
import wave

import torch

import data
import decoding
from evaluate import load_model
from features import RATE
from model import CAUSAL, END, MASK, MASKED, rotary


# The strategies disagree on the last one.
CHOSEN = {
    "short": ["an4/fjam/an76-fjam-b.opus"],
    "middle": ["an4/fjam/cen2-fjam-b.opus"],
    "spliced": ["an4/fbbh/cen6-fbbh-b.opus", "an4/fbbh/cen7-fbbh-b.opus", "an4/fbbh/cen8-fbbh-b.opus"],
}


def choose(rows):
    """The chosen recordings: (files, samples, text) by name."""
    by_file = {row.file: row for row in rows}
    return {name: (files, *data.splice([by_file[file] for file in files])) for name, files in CHOSEN.items()}


def write_wav(path, samples):
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(data.as_pcm(samples).astype("<i2").tobytes())


def rows_of(tensor, count=3):
    """`count` rows of a matrix, spread from the first to the last."""
    last = len(tensor) - 1
    numbers = sorted({round(last * i / (count - 1)) for i in range(count)})
    return [[n, [float(f"{v:.7g}") for v in tensor[n].tolist()]] for n in numbers]


def encoder_stages(model, normal):
    """Rows after the subsampling and after the first layer."""
    x, lengths = model.subsampling(normal[None], torch.tensor([len(normal)]))
    turn = rotary(torch.arange(x.shape[1]), model.config["head_dim"], model.config["rope_theta"])
    first = model.encoder.layers[0](x, turn, None, torch.ones(1, x.shape[1], 1, dtype=torch.bool))
    return x[0], first[0]


def canvas_case(utterance, ids, mode):
    return {"mode": mode, "ids": ids, "logits": rows_of(utterance.logits(ids, mode))}


def describe(model, features, files, samples, text):
    normal = features(samples)
    utterance = decoding.Utterance(model, normal)
    subsampled, first = encoder_stages(model, normal)
    start = decoding.first_pass(utterance)
    logits, length, size, _ = start
    right = data.encode_text(text)
    half = [token if p % 2 else MASK for p, token in enumerate(right)] + [END] * (size - len(right))
    results = {name: strategy(utterance, start) for name, strategy in decoding.STRATEGIES.items()}
    return {
        "recordings": files,
        "text": text,
        "samples": len(samples),
        "frames": len(normal),
        "features": rows_of(normal, 5),
        "encoder_frames": utterance.encoded.shape[0],
        "subsampled": rows_of(subsampled),
        "first_layer": rows_of(first),
        "encoded": rows_of(utterance.encoded),
        "ctc": {
            "log_probabilities": rows_of(utterance.log_probs),
            "ids": utterance.ctc_ids,
            "confidences": [round(c, 6) for c in utterance.ctc_confidences],
            "index": utterance.index[0].tolist(),
        },
        "memory": rows_of(utterance.memory[0]),
        "canvases": [canvas_case(utterance, [MASK] * size, MASKED), canvas_case(utterance, half, MASKED),
                     canvas_case(utterance, [END] + right, CAUSAL)],
        "first_pass": {"size": size, "length": length, "ids": decoding.choices(logits)[0][:length],
                       "confidences": [round(c, 6) for c in decoding.choices(logits)[1][:length]]},
        "strategies": {name: {"text": data.decode_ids(r.ids), "passes": r.passes, "canvas": r.canvas}
                       for name, r in results.items()},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    model, features = load_model(args.model)
    with torch.inference_mode():
        result = {}
        for name, (files, samples, text) in choose(data.read_recordings(args.data)).items():
            write_wav(os.path.join(args.out, name + ".wav"), samples)
            result[name] = describe(model, features, files, samples, text)
    with open(os.path.join(args.out, "vectors.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
