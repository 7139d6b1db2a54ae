import numpy as np

from sbrcli.log.quality.gap_suggestion import suggest_gap


def test_the_valley_between_visits_is_found_and_rounded():
    # As in the docstring's example, and what lies between: 90 pauses of 2**4 = 16 s, and so on.
    counts = [90, 95, 99, 60, 40, 20, 9, 6, 4, 3, 2, 4, 8, 15, 20, 16, 12]
    pauses = np.concatenate([np.full(n, 2**power) for power, n in enumerate(counts, start=4)])
    assert suggest_gap(pauses) == 14_400


def test_two_kinds_of_pauses_of_a_random_process_are_distinguished():
    rng = np.random.default_rng(1)
    within = rng.lognormal(np.log(40), 1, 9000)  # seconds to minutes
    between = rng.lognormal(np.log(3 * 86_400), 1, 1000)  # days
    suggested = suggest_gap(np.concatenate([within, between]))
    assert suggested is not None
    assert 1200 <= suggested <= 21_600


def test_one_kind_of_pauses_has_no_valley():
    rng = np.random.default_rng(1)
    assert suggest_gap(rng.lognormal(np.log(3600), 1, 10_000)) is None


def test_few_pauses_suggest_nothing():
    assert suggest_gap(np.array([])) is None
    assert suggest_gap(np.array([10] * 19 + [100_000] * 19)) is None
    assert suggest_gap(np.array([10] * 20 + [200_000] * 20)) is not None


def test_pauses_of_no_time_and_fractions_of_a_second_are_within_a_visit():
    pauses = np.array([0.0] * 1000 + [0.25] * 20 + [200_000.0] * 20)
    # All bins from 2**6 to 2**17 are empty but for 2**18's: the middle, 2**11.5, is 2,896 s.
    assert suggest_gap(pauses) == 3600
