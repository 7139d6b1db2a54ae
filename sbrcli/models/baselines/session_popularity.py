"""Session popularity as a baseline: the items that the session holds most often."""

from sbrcli.models.baselines.baseline import Baseline

BASELINE = Baseline(
    name="session-popularity", scorer="sbrcli.models.baselines.session_popularity_scorer"
)
