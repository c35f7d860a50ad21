"""Tests of what the scripts compute; python -m unittest, in this folder."""
import unittest

import numpy as np
import torch
import torch.nn.functional as F

import evaluate
import loss
import moments
import remaining
import states
from lengths import Distributions, Row, add_row, split_of, split_rows

EDGES = np.array([5, 10, 20, 49, 50])


def row(prompt, lengths, finished=None, kind="k"):
    return Row(prompt, kind, lengths, finished or [True] * len(lengths), "test")


class LogTest(unittest.TestCase):
    def test_answers_of_one_prompt_are_one_row(self):
        rows = {}
        add_row(rows, {"prompt": "a", "output_tokens": [3, 50], "finished": [True, False]}, "line 1", None)
        add_row(rows, {"prompt": "a", "output_tokens": 7}, "line 2", None)
        self.assertEqual((rows["a"].lengths, rows["a"].finished), ([3, 50, 7], [True, False, True]))

    def test_held_prompts_are_in_no_other_split(self):
        rows = {}
        add_row(rows, {"prompt": "a", "output_tokens": 3, "split": "held"}, "line 1", None)
        add_row(rows, {"prompt": "b", "output_tokens": 3}, "line 2", None)
        parts = split_rows(rows.values())
        self.assertEqual([r.prompt for r in parts["held"]], ["a"])
        self.assertEqual([r.prompt for r in parts[split_of("b")]], ["b"])

    def test_lists_of_different_lengths_are_refused(self):
        with self.assertRaises(SystemExit):
            add_row({}, {"prompt": "a", "output_tokens": [3], "finished": [True, False]}, "line 1", None)


class LossTest(unittest.TestCase):
    def test_is_the_mean_of_the_losses_of_single_answers(self):
        torch.manual_seed(1)
        logits = torch.randn(2, len(EDGES))
        many = [row("a", [3, 12, 50], [True, True, False]), row("b", [30])]
        single = [(i, row("x", [n], [f])) for i, r in enumerate(many) for n, f in zip(r.lengths, r.finished)]
        one_by_one = [loss.loss_of(logits[i:i + 1], *loss.targets([r], EDGES)) for i, r in single]
        together = loss.loss_of(logits, *loss.targets(many, EDGES))
        self.assertAlmostEqual(together.item(), torch.stack(one_by_one).mean().item(), places=5)

    def test_cut_answer_only_tells_that_it_is_at_least_so_long(self):
        finished, cut = loss.targets([row("a", [12], [False])], EDGES)
        long = torch.log(torch.tensor([[0.0, 0.0, 0.2, 0.3, 0.5]]) + 1e-9)
        self.assertAlmostEqual(loss.nll(long, finished, cut), 0, places=5)
        short = torch.log(torch.tensor([[0.5, 0.5, 0.0, 0.0, 0.0]]) + 1e-9)
        self.assertGreater(loss.nll(short, finished, cut), 5)


class DistributionsTest(unittest.TestCase):
    def setUp(self):
        shares = F.softmax(torch.randn(4, len(EDGES), generator=torch.Generator().manual_seed(2)), dim=1)
        self.predicted = Distributions(EDGES, shares.numpy())

    def test_left_is_the_quantile_of_those_that_still_live(self):
        for done in (0, 7, 30):
            for p in (0.5, 0.9):
                end = done + self.predicted.left(done, p)
                dead = self.predicted.at_most(done)
                self.assertTrue((self.predicted.at_most(end) >= dead + p * (1 - dead) - 1e-6).all())
                self.assertTrue((self.predicted.at_most(end - 1) < dead + p * (1 - dead)).all())


class EvaluateTest(unittest.TestCase):
    def test_others_leave_out_the_answer_itself(self):
        figures = evaluate.of_others([row("a", [1, 1, 1, 1, 1, 100]), row("b", [5] * 6)], 1000)
        self.assertAlmostEqual(figures["mae_p50"], 99 / 12, places=3)

    def test_tau_within_ignores_the_order_between_kinds(self):
        score, lengths = np.array([1, 2, 3, 6, 7, 8]), np.array([3, 2, 1, 6, 7, 8])
        kinds = np.array(["a"] * 3 + ["b"] * 3)
        self.assertAlmostEqual(evaluate.tau_within(score, lengths, kinds), 0)
        self.assertAlmostEqual(evaluate.tau(score, lengths), 9 / 15)


class MomentsTest(unittest.TestCase):
    def test_random_moments_meet_long_answers_in_proportion_to_their_length(self):
        answers = moments.Answers(np.array(["a", "b"] * 50), np.array(["k"] * 100), np.array([10, 90] * 50))
        (_, chosen, done), = [m for m in moments.moments(answers, 1) if m[0] == "random"]
        self.assertAlmostEqual((answers.lengths[chosen] == 90).mean(), 0.9, places=1)
        self.assertTrue((done < answers.lengths[chosen]).all())

    def test_survival_knows_only_how_long_others_lived(self):
        survival = moments.Survival(np.array([10, 20, 30, 40]))
        self.assertEqual(survival.left(np.array([0, 1]), np.array([0, 20]), 0.5).tolist(), [20, 10])


class RemainingTest(unittest.TestCase):
    def setUp(self):
        # three answers: 20 tokens, 5 tokens, and one that the limit of 64 cut off; a point at every eighth token
        self.data = {"splits": np.zeros(3, int), "lengths": np.array([20, 5, 64]),
                     "finished": np.array([True, True, False]), "answers": np.array([0, 1, 2, 0, 2, 0, 2]),
                     "made": np.array([0, 0, 0, 8, 8, 16, 16]), "states": np.zeros((7, 4), np.float16)}
        self.points = remaining.Points(self.data, "train", "cpu")

    def test_what_is_left_is_the_length_less_the_tokens_made(self):
        self.assertEqual(list(self.points.left), [20, 5, 64, 12, 56, 4, 48])

    def test_cut_answer_may_be_in_any_bucket_beyond_what_is_known(self):
        edges = np.array([5, 10, 20, 48, 64, 128])
        classes, cut = self.points.classes(edges)
        self.assertEqual(classes.tolist(), [2, 0, 5, 2, 4, 0, 4])
        self.assertEqual(cut.tolist(), [False, False, True, False, True, False, True])

    def test_last_bucket_is_beyond_the_limit(self):
        edges = remaining.upper_edges(self.points, 64, 8)
        self.assertEqual(list(edges[-2:]), [64, 128])
        self.assertTrue((np.diff(edges) > 0).all())

    def test_latest_state_is_used_given_that_the_answer_lived_since(self):
        shares = np.zeros((7, 2), np.float32)
        shares[:, 0] = 1
        ways = remaining.FromStates(self.points, 1, 8, shares, np.array([10, 100]), 64)
        ways.numbers[:] = [0]
        self.assertEqual(ways.left(np.array([0]), np.array([8]), 1.0)[0], 10)
        self.assertEqual(ways.left(np.array([0]), np.array([12]), 1.0)[0], 6)

    def test_greedy_draws_take_the_best_token_and_the_nucleus_leaves_the_rest_out(self):
        logits = torch.tensor([[0.0, 5.0, 1.0], [9.0, 5.0, 1.0]])
        self.assertEqual(states.draw(logits, 0, 1).tolist(), [1, 0])
        self.assertEqual(states.draw(logits, 0.7, 0.5).tolist(), [1, 0])


if __name__ == "__main__":
    unittest.main()
