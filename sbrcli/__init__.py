"""sbr: from a log of who-clicked-what-when to next-item recommendations.

    import sbrcli

    recommender = sbrcli.load("sbr-work/runs/NAME")
    recommender.recommend(["3186", "1270"], k=10)

Importing this package loads nothing else; `load` loads NumPy, and neither TensorFlow nor pandas.
"""

from typing import TYPE_CHECKING, Any

from sbrcli.version import __version__

if TYPE_CHECKING:
    from sbrcli.workflow.recommender import Recommender, load

__all__ = ["Recommender", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """Import what is public when it is first used."""
    if name not in ("Recommender", "load"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sbrcli.workflow import recommender

    return getattr(recommender, name)
