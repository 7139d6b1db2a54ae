"""The files of a run's hybrid, which NumPy and SciPy can read.

`hybrid.json` contains the partner's name, weight and options; `hybrid.safetensors` the fitted
partner, so that a recommendation needs only the run folder.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sbrcli import __version__
from sbrcli.artefacts.checksums import CHECKSUM_MISMATCH, checksum_of_bytes
from sbrcli.artefacts.manifests import read_json, write_atomically, write_json
from sbrcli.config.baselines import StanConfig, VsknnConfig, configure_baselines
from sbrcli.errors import ArtefactError, ConfigError
from sbrcli.models.baselines.last_item import LastItemScorer
from sbrcli.models.baselines.stan import StanScorer
from sbrcli.models.baselines.vsknn import VsknnScorer
from sbrcli.models.blend.blend import HybridScorer
from sbrcli.models.scorer import Scorer

PARTNERS = ("markov", "vsknn", "stan")
HYBRID_FILE = "hybrid.json"
PARTNER_FILE = "hybrid.safetensors"

Arrays = dict[str, npt.NDArray]
KeptPartner = LastItemScorer | VsknnScorer | StanScorer

_LONGEST = 10_000_000
"""Events of a session: beyond, a place is damage, for which no memory should be taken."""


def save_hybrid(run_folder: Path, document: dict[str, Any], partner: KeptPartner) -> None:
    """Keep a choice, `partner`, `weight`, `options` and whatever else, and the fitted partner.

    The earlier choice is deleted first: a crash between the writes must leave no hybrid, not a
    mismatched pair.
    """
    from safetensors.numpy import save

    (run_folder / HYBRID_FILE).unlink(missing_ok=True)
    own = {
        f"{document['partner']}/{name}": np.ascontiguousarray(array)
        for name, array in partner.arrays().items()
    }
    content = save(own)
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
        if is_intact and kept["partner"] not in PARTNERS:
            raise _of_another_version(path, "a partner", kept["partner"])
        configure_baselines(kept["options"])
    except ConfigError as error:
        raise _of_another_version(path, "options", error) from error
    except (KeyError, TypeError, AttributeError):
        is_intact = False
    if not is_intact:
        raise _damaged(path, "it names no blend")
    return kept


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
    return HybridScorer(network, partner, choice["weight"], choice.get("scale", 1.0))


def no_hybrid(run_folder: Path) -> ArtefactError:
    """Return the error for a run without a hybrid."""
    return ArtefactError(
        f"run {run_folder.name} has no hybrid",
        hint=f"choose it with: sbr evaluate --hybrid --run {run_folder.name}",
    )


def _load_partner(path: Path, choice: dict[str, Any], num_items: int) -> KeptPartner:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        content = path.read_bytes()
        kept = load(content)
    except SafetensorError as error:
        raise ValueError(error) from error
    except KeyError as error:
        raise ValueError(f"it holds numbers of the type {error}") from error
    name = choice["partner"]
    own = {key.removeprefix(f"{name}/"): array for key, array in kept.items()}
    options = configure_baselines(choice["options"])
    match name:
        case "markov":
            partner = _make_markov(own, num_items)
        case "vsknn":
            partner = _make_vsknn(own, num_items, options.vsknn)
        case _:
            partner = _make_stan(own, num_items, options.stan)
    if choice.get("checksum") not in (None, checksum_of_bytes(content)):
        raise ValueError(CHECKSUM_MISMATCH)
    return partner


def _make_markov(arrays: Arrays, num_items: int) -> LastItemScorer:
    matrix = _matrix(arrays, "matrix", num_items)
    num_rows = len(matrix.indptr) - 1
    if num_rows != num_items:
        raise ValueError(f"matrix has {num_rows} rows for {num_items} items")
    return LastItemScorer(matrix)


def _make_vsknn(arrays: Arrays, num_items: int, config: VsknnConfig) -> VsknnScorer:
    incidence = _matrix(arrays, "incidence", num_items)
    holders, cuts = _integers(arrays, "holders"), _integers(arrays, "cuts")
    if len(cuts) != num_items + 1:
        raise ValueError(f"cuts has {len(cuts)} entries for {num_items} items")
    if cuts[0] != 0 or cuts[-1] != len(holders) or (np.diff(cuts) < 0).any():
        raise ValueError("cuts do not cut holders")
    num_sessions = len(incidence.indptr) - 1
    if len(holders) and not 0 <= holders.min() <= holders.max() < num_sessions:
        raise ValueError(f"holders are not among the {num_sessions} sessions")
    return VsknnScorer(incidence, holders, cuts, config)


def _make_stan(arrays: Arrays, num_items: int, config: StanConfig) -> StanScorer:
    places = _matrix(arrays, "places", num_items, of_integers=True)
    if not np.all((places.data >= 1) & (places.data <= _LONGEST)):
        raise ValueError(f"places/data is not made of places from 1 to {_LONGEST:,}")
    ends, num_sessions = _numbers(arrays, "ends"), len(places.indptr) - 1
    if len(ends) != num_sessions:
        raise ValueError(f"ends has {len(ends)} entries for {num_sessions} sessions")
    return StanScorer(places, ends, config)


def _matrix(
    arrays: Arrays, name: str, num_items: int, *, of_integers: bool = False
) -> sparse.csr_array:
    """Return a sparse matrix from its arrays.

    Raises:
        ValueError: they do not form a valid matrix.
    """
    data = (_integers if of_integers else _numbers)(arrays, f"{name}/data")
    indices, indptr = _integers(arrays, f"{name}/indices"), _integers(arrays, f"{name}/indptr")
    matrix = sparse.csr_array((data, indices, indptr), shape=(len(indptr) - 1, num_items))
    matrix.check_format(full_check=True)
    return matrix


def _numbers(arrays: Arrays, name: str) -> npt.NDArray[np.floating]:
    array = _array(arrays, name)
    if array.dtype.kind != "f" or not np.isfinite(array).all():
        raise ValueError(f"{name} is not made of finite numbers")
    return array


def _integers(arrays: Arrays, name: str) -> npt.NDArray[np.integer]:
    array = _array(arrays, name)
    if array.dtype.kind != "i":
        raise ValueError(f"{name} is not made of integers")
    return array


def _array(arrays: Arrays, name: str) -> npt.NDArray:
    """Return a one-dimensional array."""
    if name not in arrays:
        raise ValueError(f"it has no {name}")
    if arrays[name].ndim != 1:
        raise ValueError(f"{name} has the shape {arrays[name].shape}")
    return arrays[name]


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
