"""The blend that a run keeps: what is read is what was written, and damage is told."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from sbrcli import __version__
from sbrcli.artefacts.manifests import write_json
from sbrcli.errors import ArtefactError
from sbrcli.models.baselines.options import configure_baselines
from sbrcli.models.baselines.registry import fit_partner, partner_names
from sbrcli.models.blend import files as hybrid_files
from sbrcli.models.blend.blend import HybridScorer
from sbrcli.models.blend.files import load_hybrid, read_choice, save_hybrid
from tests.builders import make_sessions
from tests.models.baselines.logs import random_log
from tests.models.test_hybrid import NUM_ITEMS, network

OPTIONS = {"vsknn": "k=3,idf=1", "markov": "steps=2", "stan": "k=3,lambda2=9"}


def keep(folder, name: str, weight: float = 0.3):
    training = make_sessions(*random_log(1, sessions=40, num_items=NUM_ITEMS))
    fitted = fit_partner(name, training, NUM_ITEMS, configure_baselines(OPTIONS))
    save_hybrid(folder, {"partner": name, "weight": weight, "options": OPTIONS}, fitted)
    return fitted


@pytest.mark.parametrize("name", partner_names())
def test_what_is_read_scores_as_what_was_kept(tmp_path, name):
    fitted = keep(tmp_path, name)
    session = np.array([3, 1, 4, 1])
    expected = HybridScorer(network(), fitted, 0.3).score_next(session)
    np.testing.assert_array_equal(load_hybrid(tmp_path, network()).score_next(session), expected)


def test_another_choice_takes_the_place_of_the_first(tmp_path):
    keep(tmp_path, "vsknn")
    keep(tmp_path, "markov", weight=0.9)
    choice = read_choice(tmp_path)
    assert choice is not None
    assert (choice["partner"], choice["weight"]) == ("markov", 0.9)
    load_hybrid(tmp_path, network())


def test_who_is_killed_between_the_two_files_leaves_no_choice(tmp_path, monkeypatch):
    keep(tmp_path, "vsknn")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(hybrid_files, "write_json", die)
    with pytest.raises(KeyboardInterrupt):
        keep(tmp_path, "markov")
    assert (tmp_path / "hybrid.safetensors").exists()
    assert read_choice(tmp_path) is None


def test_a_run_without_a_choice_says_how_one_is_made(tmp_path):
    assert read_choice(tmp_path) is None
    with pytest.raises(ArtefactError) as error:
        load_hybrid(tmp_path, network())
    assert str(error.value) == f"run {tmp_path.name} has no hybrid"
    assert error.value.hint == f"choose it with: sbr evaluate --hybrid --run {tmp_path.name}"


@pytest.mark.parametrize(
    "damage",
    [
        {"partner": ["gru"]},
        {"weight": 2},
        {"weight": "x"},
        {"options": 3},
        {"last": "x"},
        {"earlier": None},
        {"terms": [{"term": "last"}]},
    ],
)
def test_a_damaged_choice_is_reported(tmp_path, damage):
    keep(tmp_path, "markov")
    path = tmp_path / "hybrid.json"
    write_json(path, json.loads(path.read_text()) | damage)
    with pytest.raises(ArtefactError) as error:
        read_choice(tmp_path)
    assert str(error.value) == f"{path} is damaged: it names no blend"
    assert error.value.hint == (
        "delete hybrid.json beside it; sbr evaluate --hybrid makes both again"
    )


def require_refused_with(folder, later: dict[str, object]) -> ArtefactError:
    keep(folder, "markov")
    path = folder / "hybrid.json"
    write_json(path, json.loads(path.read_text()) | later)
    with pytest.raises(ArtefactError) as error:
        read_choice(folder)
    return error.value


def test_a_partner_of_a_later_version_is_no_damage_but_is_named(tmp_path):
    error = require_refused_with(tmp_path, {"partner": "transformer"})
    assert str(error) == (
        f"{tmp_path / 'hybrid.json'} has a partner that sbr {__version__} cannot use: transformer"
    )
    assert error.hint == (
        "use the sbr that wrote it, or delete hybrid.json and choose again with: "
        f"sbr evaluate --hybrid --run {tmp_path.name}"
    )


def test_an_option_of_a_later_version_is_no_damage_but_is_named(tmp_path):
    error = require_refused_with(tmp_path, {"options": {"markov": "steps=2,horizon=9"}})
    assert str(error) == (
        f"{tmp_path / 'hybrid.json'} has options that sbr {__version__} cannot use: "
        "markov takes steps=…, decay=…, with commas between. Received: horizon=9"
    )
    assert error.hint == (
        "use the sbr that wrote it, or delete hybrid.json and choose again with: "
        f"sbr evaluate --hybrid --run {tmp_path.name}"
    )


def test_later_entries_and_later_models_of_a_choice_are_skipped(tmp_path):
    fitted = keep(tmp_path, "markov")
    path = tmp_path / "hybrid.json"
    options = OPTIONS | {"transformer": "heads=2"}
    later = {"options": options, "confidence": [0.1, 0.2], "trials": [{"map@20": "high"}]}
    write_json(path, json.loads(path.read_text()) | later)
    session = np.array([3, 1, 4, 1])
    expected = HybridScorer(network(), fitted, 0.3).score_next(session)
    np.testing.assert_array_equal(load_hybrid(tmp_path, network()).score_next(session), expected)


def test_a_partner_of_other_items_or_of_another_kind_or_none_is_reported(tmp_path):
    keep(tmp_path, "markov")
    kept = tmp_path / "hybrid.safetensors"
    write_json(tmp_path / "hybrid.json", read_choice(tmp_path) | {"partner": "vsknn"})
    with pytest.raises(ArtefactError) as error:
        load_hybrid(tmp_path, network())
    assert str(error.value) == f"{kept} is damaged: it has no incidence/data"
    kept.write_bytes(b"none")
    with pytest.raises(ArtefactError) as error:
        load_hybrid(tmp_path, network())
    assert str(error.value).startswith(f"{kept} is damaged: ")
    kept.unlink()
    with pytest.raises(ArtefactError) as error:
        load_hybrid(tmp_path, network())
    assert str(error.value) == f"{kept} is damaged: it is missing"
    assert error.value.hint == (
        "delete hybrid.json beside it; sbr evaluate --hybrid makes both again"
    )


def test_numbers_of_a_type_that_numpy_lacks_are_reported(tmp_path):
    keep(tmp_path, "markov")
    kept = tmp_path / "hybrid.safetensors"
    header = b'{"markov/x":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'
    kept.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    with pytest.raises(ArtefactError) as error:
        load_hybrid(tmp_path, network())
    assert str(error.value) == f"{kept} is damaged: it holds numbers of the type 'BF16'"


@pytest.mark.parametrize(
    ("partner", "array", "change", "complaint"),
    [
        (
            "markov",
            "matrix/data",
            lambda a: a * np.nan,
            "matrix/data is not made of finite numbers",
        ),
        ("markov", "matrix/data", lambda a: a[:-1], "indices and data should have the same size"),
        ("markov", "matrix/data", lambda a: a[None], "matrix/data has the shape (1, {size})"),
        ("markov", "matrix/indices", lambda a: a + 0.5, "matrix/indices is not made of integers"),
        ("markov", "matrix/indices", lambda a: a + NUM_ITEMS, "indices must be < {items}"),
        ("markov", "matrix/indices", lambda a: a - NUM_ITEMS, "indices must be >= 0"),
        ("markov", "matrix/indptr", lambda a: a[:-1], "matrix has {less} rows for {items} items"),
        ("vsknn", "cuts", lambda a: a[1:], "cuts has {items} entries for {items} items"),
        ("vsknn", "cuts", lambda a: a[::-1], "cuts do not cut holders"),
        ("vsknn", "holders", lambda a: a + 1000, "holders are not among the 40 sessions"),
        ("vsknn", "holders", lambda a: a - 1000, "holders are not among the 40 sessions"),
        ("stan", "places/data", lambda a: a + 0.5, "places/data is not made of integers"),
        (
            "stan",
            "places/data",
            lambda a: a + 10**9,
            "places/data is not made of places from 1 to 10,000,000",
        ),
        ("stan", "ends", lambda a: a[1:], "ends has 39 entries for 40 sessions"),
        ("stan", "ends", lambda a: a * np.inf, "ends is not made of finite numbers"),
    ],
)
def test_a_partner_with_a_wrong_array_is_reported(tmp_path, partner, array, change, complaint):
    keep(tmp_path, partner)
    path = tmp_path / "hybrid.safetensors"
    kept = load_file(path)
    size = len(kept[f"{partner}/{array}"])
    kept[f"{partner}/{array}"] = np.ascontiguousarray(change(kept[f"{partner}/{array}"]))
    save_file(kept, path)
    with pytest.raises(ArtefactError) as error:
        load_hybrid(tmp_path, network())
    expected = complaint.format(size=size, items=NUM_ITEMS, less=NUM_ITEMS - 1)
    assert str(error.value) == f"{path} is damaged: {expected}"
