"""Declare popularity: the items that occur most often in training."""

from sbrcli.models.baselines.baseline import Baseline

BASELINE = Baseline(
    name="popularity", title="Popularity", scorer="sbrcli.models.baselines.popularity_scorer"
)
