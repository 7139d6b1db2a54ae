"""Declare session popularity: the items that occur most often in the session."""

from sbrcli.models.baselines.baseline import Baseline

BASELINE = Baseline(
    name="session-popularity",
    title="Session popularity",
    scorer="sbrcli.models.baselines.session_popularity_scorer",
)
