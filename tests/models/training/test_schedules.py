"""The learning rate: it falls where it was asked to, and nowhere else."""

import math

import numpy as np
import pytest
import tensorflow as tf

from sbrcli.models.training.schedules import rate_at


def rates(schedule, total: int = 100) -> np.ndarray:
    done = range(total + 1)
    return np.array([float(rate_at(schedule, tf.constant(n, tf.int64), total)) for n in done])


def test_a_constant_rate_is_1_at_every_update():
    assert (rates("constant") == 1).all()


def test_a_linear_rate_loses_the_same_at_every_update():
    np.testing.assert_allclose(rates("linear"), [1 - n / 100 for n in range(101)], atol=1e-6)


def test_a_cosine_rate_falls_slowly_at_both_ends():
    expected = [(1 + math.cos(math.pi * n / 100)) / 2 for n in range(101)]
    np.testing.assert_allclose(rates("cosine"), expected, atol=1e-6)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_a_falling_rate_begins_at_1_is_half_at_half_time_and_ends_at_0(schedule):
    found = rates(schedule)
    assert (found[0], found[100]) == (1, pytest.approx(0, abs=1e-7))
    assert found[50] == pytest.approx(1 / 2, abs=1e-6)
    assert (np.diff(found) < 0).all()


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_a_rate_stays_at_0_after_the_last_update_and_never_turns_negative(schedule):
    assert float(rate_at(schedule, tf.constant(150, tf.int64), 100)) == pytest.approx(0, abs=1e-7)
