"""Recordings, spliced recordings and batches of them."""
import csv
import io
import math
import os
import random
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import soundfile
import torch
from scipy.signal import resample_poly
from torch.utils.data import IterableDataset

import features as feature_module
from model import END, FIRST_CHARACTER, MASK, TOKENS

SPEEDS = [(17, 20), (9, 10), (19, 20), (1, 1), (21, 20), (11, 10), (23, 20)]
MOST_RECORDINGS, MOST_SECONDS, MOST_CHARACTERS = 12, 50.0, 300
LADDER = (8, 16, 32, 64, 128, 256, 512)
IGNORED = -100


class Recording:
    def __init__(self, row):
        self.file, self.speaker, self.split, self.text = row["file"], row["speaker"], row["split"], row["text"]
        self.samples = None


def read_recordings(folder):
    """Returns the AN4 recordings of train.tsv with their samples: 16-bit values / 32768, float32, 16 kHz."""
    with open(os.path.join(folder, "train.tsv"), encoding="utf-8", newline="") as file:
        rows = [Recording(row) for row in csv.DictReader(file, delimiter="\t") if row["corpus"] == "an4"]
    with zipfile.ZipFile(os.path.join(folder, "an4_train.zip")) as archive:
        packed = [archive.read(row.file) for row in rows]

    def decode(data):
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
        assert rate == feature_module.RATE and samples.ndim == 1
        return as_pcm(samples) / np.float32(32768)

    with ThreadPoolExecutor(8) as pool:
        for row, samples in zip(rows, pool.map(decode, packed)):
            row.samples = samples
    return rows


def as_pcm(samples):
    return np.clip(np.round(samples.astype(np.float64) * 32768), -32768, 32767).astype(np.int16)


def encode_text(text):
    return [TOKENS.index(character) for character in text]


def decode_ids(ids):
    return "".join(TOKENS[i] for i in ids)


def splice(recordings):
    """One longer recording of several of a speaker in a row: (samples, text)."""
    return np.concatenate([r.samples for r in recordings]), " ".join(r.text for r in recordings)


def spliced_dev(rows, seed=20, each=5):
    """Spliced dev recordings, `each` of every speaker: 4 to 12 recordings in a random order, at most 50 s and
    300 characters. They depend on the rows and the seed alone."""
    generator = random.Random(seed)
    results = []
    for speaker in sorted({row.speaker for row in rows}):
        own = [row for row in rows if row.speaker == speaker]
        for number in range(each):
            generator.shuffle(own)
            wanted = [12, 4, 10, 6, 8][number % 5]
            taken, seconds, characters = [], 0.0, 0
            for row in own:
                seconds += len(row.samples) / feature_module.RATE
                characters += len(row.text) + 1
                if len(taken) == wanted or seconds > MOST_SECONDS or characters > MOST_CHARACTERS:
                    break
                taken.append(row)
            results.append(splice(taken))
    return results


class Bank:
    """Log-mel frames of every training recording at every speed, in one tensor."""

    def __init__(self, rows, features, device):
        self.rows, self.starts, self.lengths, logs, start = rows, [], [], [], 0

        def faster(job):
            row, (down, up) = job
            return row.samples if down == up else resample_poly(row.samples.astype(np.float64), up, down)

        jobs = [(row, speed) for row in rows for speed in SPEEDS]
        with ThreadPoolExecutor(8) as pool:
            for samples in pool.map(faster, jobs):
                logs.append(features.logs(feature_module.mel_energies(samples, device)))
                self.starts.append(start)
                self.lengths.append(len(logs[-1]))
                start += len(logs[-1])
        self.logs = torch.cat(logs)

    def plan(self):
        """What a worker needs to put batches together, without the frames."""
        return BatchPlan([(r.speaker, encode_text(r.text)) for r in self.rows], self.starts, self.lengths)


class BatchPlan(IterableDataset):
    """An endless stream of batches: indexes of frames, and canvases with some characters masked.

    Each batch has recordings of about one length: single ones, or splices of one speaker up to a number of seconds.
    """

    KINDS = [(0.0, 0.34), (7.0, 0.16), (13.0, 0.16), (25.0, 0.17), (50.0, 0.17)]

    def __init__(self, texts, starts, lengths, seconds=240.0, seed=20, steps=None):
        super().__init__()
        self.texts, self.starts, self.lengths = texts, starts, lengths
        self.seconds, self.seed, self.steps = seconds, seed, steps
        self.by_speaker = {}
        for number, (speaker, _) in enumerate(texts):
            self.by_speaker.setdefault(speaker, []).append(number)
        self.speakers = sorted(self.by_speaker)

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        number = worker.id if worker else 0
        generator = random.Random(self.seed * 1000 + number)
        while True:
            yield self.batch(generator)

    def batch(self, generator):
        limit = generator.choices([k for k, _ in self.KINDS], [w for _, w in self.KINDS])[0]
        samples, total = [], 0.0
        while total < self.seconds * 100:
            samples.append(self.single(generator) if limit == 0 else self.spliced(generator, limit))
            total += sum(self.lengths[i] for i in samples[-1][0])
        return self.assemble(samples, generator)

    def single(self, generator):
        number = generator.randrange(len(self.texts))
        speed = generator.randrange(len(SPEEDS))
        return [number * len(SPEEDS) + speed], self.texts[number][1]

    def spliced(self, generator, limit):
        """Recordings of one speaker at one speed, as many as fit into `limit` seconds, and their joined text."""
        own = self.by_speaker[generator.choice(self.speakers)]
        speed = generator.randrange(len(SPEEDS))
        frames, text, used = 0, [], []
        for number in generator.sample(own, min(len(own), MOST_RECORDINGS)):
            piece, own_text = number * len(SPEEDS) + speed, self.texts[number][1]
            longer = text + [FIRST_CHARACTER] * bool(text) + own_text  # the first character is the space
            if used and (frames + self.lengths[piece] > limit * 100 or len(longer) > MOST_CHARACTERS):
                break
            frames, text = frames + self.lengths[piece], longer
            used.append(piece)
        return used, text

    def assemble(self, samples, generator):
        frames = [np.concatenate([np.arange(self.starts[i], self.starts[i] + self.lengths[i]) for i in used])
                  for used, _ in samples]
        canvases = [masked_canvas(text, generator) for _, text in samples]
        shifted = [causal_canvas(text, generator) for _, text in samples]
        return {
            "frames": stack(frames, -1),
            "frame_numbers": torch.tensor([len(f) for f in frames]),
            "text": stack([np.array(text) for _, text in samples], 0),
            "text_lengths": torch.tensor([len(text) for _, text in samples]),
            "canvas": stack([c[0] for c in canvases], END),
            "canvas_targets": stack([c[1] for c in canvases], IGNORED),
            "canvas_weights": stack([c[2] for c in canvases], 0.0),
            "canvas_lengths": torch.tensor([len(c[0]) for c in canvases]),
            "shifted": stack([c[0] for c in shifted], END),
            "shifted_targets": stack([c[1] for c in shifted], IGNORED),
        }


def stack(rows, fill):
    width = max(map(len, rows))
    result = np.full((len(rows), width), fill, np.float32 if isinstance(fill, float) else np.int64)
    for line, row in zip(result, rows):
        line[: len(row)] = row
    return torch.from_numpy(result)


def rung(characters, config_smallest=8):
    size = config_smallest
    while size < characters:
        size *= 2
    return size


def spoil(ids, shown, generator):
    """In half of the samples, replaces a tenth of the shown characters by others."""
    if generator.random() < 0.5:
        for p in shown:
            if generator.random() < 0.1:
                ids[p] = generator.randrange(FIRST_CHARACTER, len(TOKENS))


def masked_canvas(text, generator):
    """A canvas for the text: (ids, targets of the masked positions, weights of the losses)."""
    length = len(text)
    kind = generator.random()
    if kind < 0.5:
        size = rung(length + 4)
    elif kind < 0.9:
        size = length + 1 + generator.randrange(max(8, length // 2))
    else:  # too small for the text
        size = generator.randrange(max(1, length // 2), length + 1)
    target = (list(text) + [END] * max(0, size - length))[:size]
    ids, visible = list(target), min(size, length)
    kind = generator.random()
    if kind < 1 / 3:
        masked = range(size)
    elif kind < 5 / 6:
        masked = generator.sample(range(visible), generator.randint(1, visible))
    else:
        share = generator.random()
        masked = [p for p in range(size) if generator.random() < share] or [generator.randrange(size)]
    hidden = set(masked)
    spoil(ids, [p for p in range(visible) if p not in hidden], generator)
    targets, weights = [IGNORED] * size, [0.0] * size
    for p in hidden:
        ids[p], targets[p], weights[p] = MASK, target[p], 1.0 if p <= length else 0.3
    return np.array(ids), np.array(targets), np.array(weights, np.float32)


def causal_canvas(text, generator):
    """The shifted text and its targets."""
    ids = [END] + list(text)
    spoil(ids, range(1, len(ids)), generator)
    return np.array(ids), np.array(list(text) + [END])


def batch_features(batch, bank, features, generator, augment=True):
    """Normalised features (batch, frames, 64): louder or softer, tilted, and with parts hidden (SpecAugment)."""
    frames = batch["frames"]
    logs = bank.logs[frames.clamp_min(0)]
    size, width, bands = logs.shape
    numbers = batch["frame_numbers"]
    keep = torch.arange(width, device=logs.device) < numbers[:, None]
    if augment:
        rand = lambda *shape: torch.rand(*shape, device=logs.device, generator=generator)
        slope = torch.linspace(-1, 1, bands, device=logs.device)
        change = (rand(size, 1) * 2 - 1) * 1.2 + (rand(size, 1) * 2 - 1) * 0.5 * slope
        logs = (logs + change[:, None, :]).clamp_min(features.floor)
        normal = features.normalise(logs)
        many = max(2, math.ceil(width / 90))
        start = rand(size, many) * width
        long = rand(size, many) * 14
        place = torch.arange(width, device=logs.device)
        hidden = ((place >= start[..., None]) & (place < (start + long)[..., None])).any(1)
        low = rand(size, 2) * bands
        wide = rand(size, 2) * 12
        band = torch.arange(bands, device=logs.device)
        muted = ((band >= low[..., None]) & (band < (low + wide)[..., None])).any(1)
        normal = normal.masked_fill(hidden[..., None] | muted[:, None, :], 0.0)
    else:
        normal = features.normalise(logs)
    return normal * keep[..., None]
