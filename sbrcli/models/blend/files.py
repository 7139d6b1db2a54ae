"""The files of a run's hybrid, which NumPy and SciPy can read.

`hybrid.json` contains the partner's name, weight and options, and what the session's own items
gain; `hybrid.safetensors` the fitted partner, so that a recommendation needs only the run folder.
"""

from math import isfinite
from pathlib import Path
from typing import Any, cast

from sbrcli.artefacts.checksums import CHECKSUM_MISMATCH, checksum_of_bytes
from sbrcli.artefacts.manifests import read_json, write_atomically, write_json
from sbrcli.errors import ArtefactError, ConfigError
from sbrcli.models.baselines.fitted import FittedBaseline, FittedPartner
from sbrcli.models.baselines.options import configure_baselines
from sbrcli.models.baselines.registry import partner_names
from sbrcli.models.baselines.stored import decode_baseline, encode_baseline
from sbrcli.models.blend.blend import HybridScorer
from sbrcli.models.blend.repeats import RepeatTerms
from sbrcli.models.scorer import Scorer
from sbrcli.version import __version__

HYBRID_FILE = "hybrid.json"
PARTNER_FILE = "hybrid.safetensors"


def save_hybrid(run_folder: Path, document: dict[str, Any], partner: FittedBaseline) -> None:
    """Write a choice (`partner`, `weight`, `options` and further entries) and the fitted partner.

    The earlier choice is deleted first: a crash between the writes must leave no hybrid, not a
    mismatched pair.
    """
    (run_folder / HYBRID_FILE).unlink(missing_ok=True)
    content = encode_baseline(document["partner"], partner)
    write_atomically(run_folder / PARTNER_FILE, content)
    document = document | {"checksum": checksum_of_bytes(content)}
    write_json(run_folder / HYBRID_FILE, document)


def read_choice(run_folder: Path) -> dict[str, Any] | None:
    """Read the hybrid of a run; None if it has none.

    Raises:
        ArtefactError: the file is damaged, or names a partner or an option that this version of
            sbr does not know.
    """
    path = run_folder / HYBRID_FILE
    if not path.exists():
        return None
    kept = read_json(path)
    try:
        is_intact = isinstance(kept["partner"], str) and 0 <= kept["weight"] <= 1
        is_intact = is_intact and 0 < kept.get("scale", 1.0) < float("inf")
        is_intact = is_intact and all(isfinite(kept.get(name, 0)) for name in ("last", "earlier"))
        is_intact = is_intact and all(map(_is_term, kept.get("terms", [])))
        if is_intact and kept["partner"] not in partner_names():
            raise _of_another_version(path, "a partner", kept["partner"])
        configure_baselines(kept["options"])
    except ConfigError as error:
        raise _of_another_version(path, "options", error) from error
    except (KeyError, TypeError, AttributeError):
        is_intact = False
    if not is_intact:
        raise _damaged(path, "it names no blend")
    return kept


def _is_term(term: dict[str, Any]) -> bool:
    """Return whether this states what a term gains; see `sbrcli.evaluation.term_search`."""
    numbers = [term["gain"], term["value"], term["standard_error"] or 0]
    return isinstance(term["is_kept"], bool) and all(map(isfinite, numbers)) and "term" in term


def load_hybrid(run_folder: Path, network: Scorer) -> HybridScorer:
    """Blend a run's network with the partner of its hybrid.

    Raises:
        ArtefactError: the run has no hybrid, or a file is damaged.
    """
    choice = read_choice(run_folder)
    if choice is None:
        raise no_hybrid(run_folder)
    path = run_folder / PARTNER_FILE
    try:
        partner = _load_partner(path, choice, network.num_items)
    except FileNotFoundError as error:
        raise _damaged(path, "it is missing") from error
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    # Earlier versions of sbr chose the weight without a scale.
    scale, repeats = choice.get("scale", 1.0), RepeatTerms(*read_repeats(choice))
    return HybridScorer(network, partner, choice["weight"], scale, repeats)


def read_repeats(choice: dict[str, Any]) -> tuple[float, float]:
    """Return what the last item and the earlier ones gain; 0 in choices by earlier versions."""
    return choice.get("last", 0.0), choice.get("earlier", 0.0)


def no_hybrid(run_folder: Path) -> ArtefactError:
    """Return the error for a run without a hybrid."""
    return ArtefactError(
        f"run {run_folder.name} has no hybrid",
        hint=f"choose it with: sbr evaluate --hybrid --run {run_folder.name}",
    )


def _load_partner(path: Path, choice: dict[str, Any], num_items: int) -> FittedPartner:
    content, name = path.read_bytes(), choice["partner"]
    options = configure_baselines(choice["options"])[name]
    partner = decode_baseline(content, name, num_items, options)
    if choice.get("checksum") not in (None, checksum_of_bytes(content)):
        raise ValueError(CHECKSUM_MISMATCH)
    return cast("FittedPartner", partner)


def _of_another_version(path: Path, what: str, received: object) -> ArtefactError:
    return ArtefactError(
        f"{path} has {what} that sbr {__version__} cannot use: {received}",
        hint=f"use the sbr that wrote it, or delete {HYBRID_FILE} and choose again with: "
        f"sbr evaluate --hybrid --run {path.parent.name}",
    )


def _damaged(path: Path, what: str) -> ArtefactError:
    return ArtefactError(
        f"{path} is damaged: {what}",
        hint=f"delete {HYBRID_FILE} beside it; sbr evaluate --hybrid makes both again",
    )
