"""Our metrics against NIST's trec_eval, which others keep, on random scores."""

import numpy as np
import pytest
import pytrec_eval

from sbrcli.evaluation.metrics import metrics_at
from sbrcli.evaluation.ranks import target_ranks

KS = (1, 5, 10, 20)


def trec_eval(scores: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Give the means over events of recall, reciprocal rank and ndcg, each cut at k."""
    judged = {str(event): {str(target): 1} for event, target in enumerate(targets)}
    names = {f"recall.{k}" for k in KS} | {f"ndcg_cut.{k}" for k in KS} | {"recip_rank"}
    evaluator = pytrec_eval.RelevanceEvaluator(judged, names)
    means = {}
    for k in KS:
        # Reciprocal ranks have no cut there: a run of the k best has.
        listed = {
            str(event): {str(item): float(row[item]) for item in np.argsort(-row)[:k]}
            for event, row in enumerate(scores)
        }
        found = list(evaluator.evaluate(listed).values())
        for ours, theirs in (
            (f"recall@{k}", f"recall_{k}"),
            (f"mrr@{k}", "recip_rank"),
            (f"ndcg@{k}", f"ndcg_cut_{k}"),
        ):
            means[ours] = float(np.mean([event[theirs] for event in found]))
    return means


@pytest.mark.parametrize("num_items", [3, 40, 700])
def test_recall_mrr_and_ndcg_are_those_of_trec_eval(num_items):
    rng = np.random.default_rng(num_items)
    events = 300
    # All scores differ: of ties trec_eval prefers the greater name, and ours the other items.
    scores = rng.permuted(np.tile(np.arange(num_items) / 7, (events, 1)), axis=1)
    targets = rng.integers(0, num_items, events)
    ours = metrics_at(target_ranks(scores, targets), KS)
    assert ours == pytest.approx(trec_eval(scores, targets), abs=1e-9)
