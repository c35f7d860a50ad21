"""Decoding of one recording by every strategy, and counts of errors.

A recording without CTC characters (silence, noise) has an empty text, without a decoder pass: the decoder was never
trained on one and would make up a letter. More than 300 characters were never trained either.

Common to the masked strategies: the canvas has a size C of the ladder 8, 16, 32, ..., the first that holds the
number of CTC characters plus `canvas_room` (4). The first pass is over C masks. e[p] is the probability of <end> at p,
limited to [1e-6, 1 - 1e-6]; the length is the n of 0 to C with the greatest
sum over p < n of log(1 - e[p]) + sum over p >= n of log e[p] (the smallest of equals). If n = C, no end falls on the
canvas: the size is doubled, and the first pass is repeated. Otherwise the positions n to C-1 become <end> for good.
The choice at a masked position is its likeliest character (ids from 3), its confidence the probability of it in the
softmax over all 30 ids. Of equal confidences the lower position counts as the more confident.

  easy first, K passes   in each pass ceil(n / K) masked positions are filled, the most confident ones
  mask-predict, K passes the first pass fills all; before pass t = 2..K, max(1, floor(n (K - t + 1) / K)) of the least
                         confident are masked again; the pass fills them with new confidences
  leftmost               in each pass the leftmost masked position is filled (easy first's canvas, left to right order)
  Mask-CTC               the canvas is the CTC text, <end> behind it (the ladder's size for it and the room); characters
                         whose CTC confidence is below 0.9 are masked and filled by easy first in 3 passes; no
                         decoder pass if there is none
  left to right          the causal mode; the likeliest of <end> and the characters each time, until <end>
"""
import torch
import torch.nn.functional as F

from model import BLANK, CAUSAL, END, FIRST_CHARACTER, MASK, MASKED, greedy

LONGEST = 512


class Utterance:
    """One encoded recording."""

    @torch.no_grad()
    def __init__(self, model, normal):
        self.model, self.config = model, model.config
        device = normal.device
        lengths = torch.tensor([normal.shape[0]], device=device)
        encoded, self.frames, log_probs, _ = model.encode(normal[None], lengths)
        self.encoded, self.log_probs = encoded[0], log_probs[0]
        best, begins = greedy(log_probs)
        self.index = begins.long().cumsum(-1)
        self.memory = model.memory(encoded, self.index)
        self.ctc_ids, self.ctc_confidences = [], []
        chosen = self.log_probs.exp().gather(-1, best[0][:, None])[:, 0].tolist()
        for token, begin, probability in zip(best[0].tolist(), begins[0].tolist(), chosen):
            if begin:
                self.ctc_ids.append(token)
                self.ctc_confidences.append(probability)
            elif token != BLANK:
                self.ctc_confidences[-1] = max(self.ctc_confidences[-1], probability)

    @torch.no_grad()
    def logits(self, ids, mode):
        """Logits (n, vocabulary) of one pass over the canvas."""
        ids = torch.tensor([ids], device=self.memory.device)
        places = torch.arange(ids.shape[1], device=ids.device)
        modes = torch.full_like(places, mode)
        mask = (places[None, :] <= places[:, None])[None, None] if mode == CAUSAL else None
        return self.model.decode(ids, places, modes, mask, self.memory, self.frames)[0]

    def canvas_size(self, characters):
        size = self.config["canvas_smallest"]
        while size < characters + self.config["canvas_room"]:
            size *= 2
        return size


class Result:
    def __init__(self, ids, passes, canvas=0, doublings=0):
        self.ids, self.passes, self.canvas, self.doublings = ids, passes, canvas, doublings


def split_length(logits):
    ends = logits.softmax(-1)[:, END].clamp(1e-6, 1 - 1e-6).double()
    before = F.pad((1 - ends).log().cumsum(0), (1, 0))
    after = F.pad(ends.log().flip(0).cumsum(0).flip(0), (0, 1))
    return int((before + after).argmax())


def choices(logits):
    """The likeliest character of each position and its probability, as lists."""
    best, ids = logits.softmax(-1)[:, FIRST_CHARACTER:].max(-1)
    return (ids + FIRST_CHARACTER).tolist(), best.tolist()


def first_pass(utterance):
    """Returns the logits of the canvas on which an end falls, the length, the size, and the number of passes."""
    if not utterance.ctc_ids:
        return None, 0, 0, 0
    size, passes = utterance.canvas_size(len(utterance.ctc_ids)), 0
    while True:
        logits = utterance.logits([MASK] * size, MASKED)
        length = split_length(logits)
        passes += 1
        if length < size or size >= LONGEST:
            return logits, length, size, passes
        size *= 2


def most_confident(positions, confidences, count):
    return sorted(positions, key=lambda p: (-confidences[p], p))[:count]


def fill(utterance, canvas, masked, count, logits, leftmost=False):
    """Fills `count` of the masked positions in each pass; returns the number of passes after `logits`."""
    passes = 0
    while masked:
        if logits is None:
            logits = utterance.logits(canvas, MASKED)
            passes += 1
        ids, confidences = choices(logits)
        for p in sorted(masked)[:count] if leftmost else most_confident(masked, confidences, count):
            canvas[p] = ids[p]
            masked.remove(p)
        logits = None
    return passes


def easy_first(utterance, passes=None, leftmost=False, start=None):
    """K passes, or one position at a time if passes is None."""
    logits, length, size, first = start or first_pass(utterance)
    canvas = [MASK] * length + [END] * (size - length)
    count = 1 if passes is None else -(-length // passes)
    more = fill(utterance, canvas, set(range(length)), count, logits, leftmost)
    return Result(canvas[:length], first + more, size, max(0, first - 1))


def mask_predict(utterance, passes, start=None):
    logits, length, size, first = start or first_pass(utterance)
    if length == 0:
        return Result([], first, size, max(0, first - 1))
    ids, confidences = choices(logits)
    canvas = ids[:length] + [END] * (size - length)
    done = first
    for number in range(2, passes + 1):
        count = max(1, length * (passes - number + 1) // passes)
        order = most_confident(range(length), confidences, length)
        again = order[length - count:]
        for p in again:
            canvas[p] = MASK
        ids, fresh = choices(utterance.logits(canvas, MASKED))
        for p in again:
            canvas[p], confidences[p] = ids[p], fresh[p]
        done += 1
    return Result(canvas[:length], done, size, first - 1)


def mask_ctc(utterance, threshold=0.9, passes=3):
    length = len(utterance.ctc_ids)
    size = utterance.canvas_size(length)
    masked = {p for p in range(length) if utterance.ctc_confidences[p] < threshold}
    canvas = [MASK if p in masked else utterance.ctc_ids[p] for p in range(length)] + [END] * (size - length)
    more = fill(utterance, canvas, masked, max(1, -(-len(masked) // passes)), None)
    return Result(canvas[:length], more, size)


def left_to_right(utterance):
    ids = [END]
    while utterance.ctc_ids and len(ids) <= LONGEST:
        last = utterance.logits(ids, CAUSAL)[-1].clone()
        last[BLANK] = last[MASK] = -torch.inf
        token = int(last.argmax())
        if token == END:
            break
        ids.append(token)
    return Result(ids[1:], len(ids) if utterance.ctc_ids else 0)


STRATEGIES = {
    "ctc": lambda u, start: Result(list(u.ctc_ids), 0),
    "left-to-right": lambda u, start: left_to_right(u),
    "easy-first K=1": lambda u, start: easy_first(u, 1, start=start),
    "easy-first K=3": lambda u, start: easy_first(u, 3, start=start),
    "easy-first K=5": lambda u, start: easy_first(u, 5, start=start),
    "easy-first K=L": lambda u, start: easy_first(u, None, start=start),
    "leftmost": lambda u, start: easy_first(u, None, leftmost=True, start=start),
    "mask-predict K=3": lambda u, start: mask_predict(u, 3, start=start),
    "mask-predict K=10": lambda u, start: mask_predict(u, 10, start=start),
    "mask-ctc": lambda u, start: mask_ctc(u),
}


def distance(a, b):
    """Edit distance of two sequences."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]
