"""Words of `sbr evaluate` that ask for nothing: refused before a run is looked for."""

import pytest


@pytest.mark.parametrize("baseline", ["markov", "item-knn", "vsknn", "stan"])
@pytest.mark.parametrize("asked", [(), ("--baselines", "popularity,session-popularity")])
def test_options_of_a_baseline_that_is_not_requested_are_a_usage_error(sbr, baseline, asked):
    said = sbr("evaluate", *asked, f"--{baseline}", "")
    assert (said.stdout, said.code) == ("", 2)
    assert said.stderr == (
        f"error: --{baseline} has no effect: {baseline} is not among the compared "
        "models\n"
        f"hint: sbr evaluate --baselines {baseline} --{baseline} OPTIONS\n"
    )


def test_options_of_no_partner_of_a_hybrid_are_a_usage_error(sbr):
    said = sbr("evaluate", "--hybrid", "--vsknn", "k=7", "--item-knn", "neighbours=7")
    assert (said.stdout, said.code) == ("", 2)
    assert said.stderr == (
        "error: --item-knn has no effect: item-knn is not among the compared models\n"
        "hint: sbr evaluate --baselines item-knn --item-knn OPTIONS\n"
    )


@pytest.mark.parametrize(
    "asked", [("--baselines", "markov"), ("--hybrid",), ("--hybrid-from", "x")]
)
def test_with_baselines_or_a_hybrid_they_are_taken(sbr, asked):
    said = sbr("evaluate", *asked, "--markov", "steps=2")
    assert said.stderr == "error: no run in sbr-work\nhint: make one with: sbr train\n"


def test_baselines_without_a_name_are_a_usage_error(sbr):
    said = sbr("evaluate", "--baselines", "")
    assert (said.stdout, said.code) == ("", 2)
    assert said.stderr == (
        "error: baselines must be all, or some of popularity, session-popularity, markov, "
        "item-knn, vsknn, stan. Received: \n"
    )
