"""Products in tiles: right, and what a row's place changes: rounding at most."""

import numpy as np
import pytest

from sbrcli.models.tiled_matmul import TILE_ROWS, TiledMatrix, padded_rows


def multiplied(matrix: TiledMatrix, rows: np.ndarray) -> np.ndarray:
    padded = np.zeros((padded_rows(len(rows)), matrix.inputs + 1), np.float32)
    padded[: len(rows), :-1], padded[: len(rows), -1] = rows, 1
    out = np.empty((len(padded), matrix.padded_columns), np.float32)
    matrix.multiply(padded, out)
    assert not out[:, matrix.columns :].any()
    return out[: len(rows), : matrix.columns]


@pytest.mark.parametrize(("inputs", "columns"), [(1, 1), (50, 150), (100, 300), (600, 1000)])
def test_a_product_is_rows_times_matrix_and_bias(inputs, columns):
    rng = np.random.default_rng(0)
    matrix, bias = rng.normal(size=(inputs, columns)), rng.normal(size=columns)
    rows = rng.normal(size=(45, inputs))
    found = multiplied(TiledMatrix(matrix, bias), rows)
    np.testing.assert_allclose(found, rows @ matrix + bias, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("inputs", "columns"), [(50, 3416), (100, 300), (192, 576)])
def test_a_row_gives_the_same_product_to_rounding_at_any_place_among_any_rows(inputs, columns):
    rng = np.random.default_rng(0)
    matrix, bias = rng.normal(size=(inputs, columns)), rng.normal(size=columns)
    rows = rng.normal(size=(3 * TILE_ROWS + 5, inputs))
    # A sum of n products of 24 bits is off by n / 2**24 of the sum of their sizes at the most.
    most = (inputs + 1) * 2.0**-24 * (np.abs(rows) @ np.abs(matrix) + np.abs(bias))
    exact = rows @ matrix + bias
    tiled = TiledMatrix(matrix, bias)
    together = multiplied(tiled, rows)
    assert (np.abs(together - exact) <= 2 * most).all()  # inputs, too, are rounded to float32
    for at in (0, 1, 15, 31, 32, 70, len(rows) - 1):
        alone = multiplied(tiled, rows[at : at + 1])[0]
        assert (np.abs(alone - together[at]) <= 2 * most[at]).all()
    turned = multiplied(tiled, rows[::-1])[::-1]
    assert (np.abs(turned - together) <= 2 * most).all()


@pytest.mark.parametrize(("inputs", "columns"), [(50, 3416), (100, 300), (192, 576)])
def test_rows_in_the_same_places_give_the_same_bits_whatever_follows_them(inputs, columns):
    rng = np.random.default_rng(0)
    matrix = TiledMatrix(rng.normal(size=(inputs, columns)), rng.normal(size=columns))
    rows = rng.normal(size=(3 * TILE_ROWS + 5, inputs))
    together = multiplied(matrix, rows)
    for count in (1, TILE_ROWS - 1, TILE_ROWS, 2 * TILE_ROWS + 3):
        assert np.array_equal(multiplied(matrix, rows[:count]), together[:count])


def test_columns_can_be_taken_out_again_as_rows():
    matrix = np.arange(12000, dtype=np.float32).reshape(3, 4000)
    tiled = TiledMatrix(matrix, np.ones(4000))
    columns = np.array([3999, 0, 17, 17])
    assert np.array_equal(tiled.take_columns(columns), matrix[:, columns].T)


@pytest.mark.filterwarnings("error")
def test_a_product_that_overflows_says_so_by_its_numbers_alone():
    huge = np.float32(3e38)
    matrix = TiledMatrix(np.full((2, 3), huge), np.zeros(3))
    assert np.isinf(multiplied(matrix, np.full((1, 2), huge))).all()
