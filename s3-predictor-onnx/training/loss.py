"""The loss of predicted shares of length buckets against several sampled answers to each prompt."""
import numpy as np
import torch
import torch.nn.functional as F

from lengths import answers_of

SPREAD = 0.7  # buckets; how far a target reaches to its neighbours


def targets(rows, edges):
    """Returns how many finished and how many cut-off answers of each row are in each bucket, as two tensors."""
    number, lengths, finished = answers_of(rows)
    classes = np.minimum(np.searchsorted(edges, lengths), len(edges) - 1)
    counts = np.zeros((2, len(rows), len(edges)), np.float32)
    np.add.at(counts, ((~finished).astype(int), number, classes), 1)
    return torch.from_numpy(counts[0]), torch.from_numpy(counts[1])


def smoothing(buckets, spread, device):
    """Row by row the target for an answer in that bucket: most there, less with each step away."""
    steps = torch.arange(buckets, device=device)
    return torch.softmax(-(steps[:, None] - steps).abs() / spread, dim=1)


def cross_entropy(log_shares, finished, cut, spread=None):
    """The sum over the answers of each row; of a cut-off answer only "at least this long" is known."""
    if spread:
        finished = finished @ smoothing(finished.shape[1], spread, finished.device)
    at_least = log_shares.exp().flip(1).cumsum(1).flip(1).clamp(min=1e-9).log()
    return -(finished * log_shares + cut * at_least).sum(dim=1)


def ranked_probability(log_shares, finished, cut):
    """Squared distance between the cumulative distribution and the step at each answer, summed."""
    cumulative = log_shares.exp().cumsum(1)[:, :-1]
    below = finished.cumsum(1)[:, :-1]  # answers that are no longer than each edge
    above = finished.sum(1, keepdim=True) - below + cut.sum(1, keepdim=True) - cut.cumsum(1)[:, :-1]
    return (above * cumulative ** 2 + below * (1 - cumulative) ** 2).sum(dim=1)


def loss_of(logits, finished, cut):
    """The mean over all answers of a batch of prompts."""
    log_shares = F.log_softmax(logits.float(), dim=1)
    rows = cross_entropy(log_shares, finished, cut, SPREAD) + ranked_probability(log_shares, finished, cut)
    return rows.sum() / (finished.sum() + cut.sum())


def nll(logits, finished, cut):
    """Mean negative log-likelihood of the true buckets, or of "at least this long"."""
    rows = cross_entropy(F.log_softmax(logits.float(), dim=1), finished, cut)
    return (rows.sum() / (finished.sum() + cut.sum())).item()


def temperature(logits, finished, cut):
    """The divisor of the logits that makes them most likely on rows that were not trained on."""
    return float(min(np.exp(np.linspace(-0.7, 0.7, 141)), key=lambda t: nll(logits / t, finished, cut)))
