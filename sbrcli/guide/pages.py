"""Read the pages of the guide; a page is one Markdown file and one line here."""

from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files

from sbrcli.errors import UsageError

TOPICS = (
    "logs",
    "sessions",
    "training",
    "tuning",
    "updates",
    "evaluation",
    "results",
    "applications",
    "serving",
    "artefacts",
    "export",
    "scale",
    "planning",
    "accidents",
    "notebook",
    "extending",
    "reference",
)
"""The topics in reading order; `<topic>.md` holds the page."""

_SUBJECTS = {
    "logs": ("formats", "columns", "times", "ids", "separators", "csv", "parquet", "lists"),
    "sessions": ("splits", "split", "gap", "preprocess", "datasets"),
    "training": (
        "losses",
        "negatives",
        "optimizers",
        "presets",
        "resume",
        "refit",
        "train",
        "python",
    ),
    "tuning": ("tune", "search", "grid", "hyperparameters", "optuna", "study"),
    "updates": ("update", "nightly", "incremental", "replay", "new-items"),
    "evaluation": ("baselines", "metrics", "protocol", "hybrid", "blend", "compare", "leaderboard"),
    "results": ("movielens", "diginetica", "figures", "benchmarks"),
    "applications": ("api", "recommender", "rules", "similar", "why", "everybody", "production"),
    "artefacts": ("json", "artifacts", "exit-codes", "runs", "disk", "workdir", "manifest"),
    "serving": ("serve", "http", "server", "openapi", "metrics", "docker", "systemd", "curl"),
    "export": ("onnx", "onnxruntime", "saved-model", "savedmodel", "keras", "model-card"),
    "scale": (
        "memory",
        "parts",
        "processes",
        "large",
        "engines",
        "dask",
        "spark",
        "cluster",
        "out-of-memory",
    ),
    "planning": ("capacity", "billion", "hours", "nodes", "sizing"),
    "accidents": ("limits", "damage", "crashes", "checksums"),
    "extending": (
        "contributing",
        "developing",
        "layout",
        "network",
        "baseline",
        "metric",
        "format",
    ),
    "reference": ("commands", "options", "help", "recommend", "report", "stats"),
}
"""What else a page may be asked for by."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of the guide, its title, and what its page is about in one line."""

    topic: str
    title: str
    summary: str


@dataclass(frozen=True, slots=True)
class TopicList:
    """All topics, in reading order."""

    topics: list[Topic]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the guide; `text` is its Markdown, title included."""

    topic: str
    title: str
    text: str


def list_topics() -> TopicList:
    """Return each topic with its title and summary."""
    return TopicList([_describe(topic) for topic in TOPICS])


def read_page(topic: str) -> Page:
    """Read the page of a topic.

    Raises:
        UsageError: there is no such topic; the hint names the one that was probably meant.
    """
    if topic not in TOPICS:
        meant = _find_similar(topic.lower())
        hint = f"did you mean: sbr guide {meant}" if meant else "sbr guide lists the topics"
        raise UsageError(f"no such topic: {topic}", hint=hint)
    return Page(topic, _describe(topic).title, _read(topic))


def _describe(topic: str) -> Topic:
    """Read title and summary: a page's first two lines of text."""
    title, summary = [line for line in _read(topic).splitlines() if line][:2]
    return Topic(topic, title.removeprefix("# "), summary.replace("`", ""))


def _read(topic: str) -> str:
    return files("sbrcli.guide").joinpath(f"{topic}.md").read_text(encoding="utf-8")


def _find_similar(word: str) -> str | None:
    names = {topic: topic for topic in TOPICS}
    names |= {subject: topic for topic, subjects in _SUBJECTS.items() for subject in subjects}
    found = get_close_matches(word, names, n=1)
    return names[found[0]] if found else None
