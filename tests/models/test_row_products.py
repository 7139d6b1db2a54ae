"""A vector's product has the same bits, alone or among others."""

import os
import threading

import numpy as np
import pytest

from sbrcli.models import row_products
from sbrcli.models.row_products import RowProducts


@pytest.mark.parametrize(("rows", "inputs"), [(1, 1), (7, 3), (300, 100), (1000, 33), (20, 9000)])
def test_the_product_is_that_of_the_matrix(rows: int, inputs: int):
    rng = np.random.default_rng(0)
    matrix = rng.integers(-3, 4, (rows, inputs)).astype(np.float32)
    bias = rng.integers(-3, 4, rows).astype(np.float32)
    vectors = rng.integers(-3, 4, (5, inputs)).astype(np.float32)
    # Whole numbers this small are exact in every order of addition.
    found = RowProducts(matrix, bias).multiply(vectors)
    np.testing.assert_array_equal(found, vectors @ matrix.T + bias)


def test_a_vector_among_others_keeps_its_bits():
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(1003, 100)).astype(np.float32)
    products = RowProducts(matrix, rng.normal(size=1003).astype(np.float32))
    vectors = rng.normal(size=(37, 100)).astype(np.float32)
    together = products.multiply(vectors)
    alone = [products.multiply(vector[None])[0] for vector in vectors]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(products.multiply(vectors[::-1]), together[::-1])


def test_no_vector_has_no_product():
    products = RowProducts(np.ones((3, 2), np.float32), np.zeros(3, np.float32))
    assert products.multiply(np.empty((0, 2), np.float32)).shape == (0, 3)


@pytest.mark.parametrize(("rows", "inputs", "groups"), [(3, 2, 3), (300, 100, 3), (66, 9000, 3)])
def test_groups_of_rows_are_multiplied_beside_each_other(rows: int, inputs: int, groups: int):
    rng = np.random.default_rng(2)
    matrix = rng.integers(-3, 4, (rows, inputs)).astype(np.float32)
    bias = rng.integers(-3, 4, rows).astype(np.float32)
    vectors = rng.integers(-3, 4, (5, inputs)).astype(np.float32)
    found = RowProducts(matrix, bias, groups).multiply(vectors)
    wanted = (vectors @ matrix.T + bias).reshape(5, groups, -1).transpose(1, 0, 2)
    np.testing.assert_array_equal(found, wanted)


def test_a_repeated_product_is_that_of_the_vectors_as_they_are():
    matrix = np.arange(12, dtype=np.float32).reshape(4, 3)
    products = RowProducts(matrix, np.ones(4, np.float32), groups=2)
    vectors, out = np.zeros((2, 3), np.float32), np.empty((2, 2, 2), np.float32)
    multiply = products.repeated(vectors, out)
    for number in (1, 2):
        vectors[:] = number
        multiply()
        np.testing.assert_array_equal(out, products.multiply(vectors))


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_many_products_are_divided_among_threads_with_the_same_bits(monkeypatch, cores: int):
    rng = np.random.default_rng(4)
    matrix = rng.normal(size=(9_003, 100)).astype(np.float32)
    products = RowProducts(matrix, rng.normal(size=9_003).astype(np.float32))
    vectors = rng.normal(size=(5, 100)).astype(np.float32)
    alone = products.multiply(vectors)
    names = set()
    divided = row_products._divide

    def divide(pairs, work, threads):
        def work_and_name(own):
            names.add(threading.current_thread().name)
            work(own)

        divided(pairs, work_and_name, threads)

    monkeypatch.setattr(row_products, "_divide", divide)
    monkeypatch.setattr(row_products, "_MANY", 1)
    monkeypatch.setattr(row_products, "_num_cores", lambda: cores)
    np.testing.assert_array_equal(products.multiply(vectors), alone)
    assert threading.current_thread().name not in names
    assert bool(names) == (cores > 1)


def test_the_cores_are_those_that_the_process_may_use():
    assert 1 <= row_products._num_cores() <= (os.cpu_count() or 1)


def _normal(rows: int, inputs: int, groups: int = 1, seed: int = 5) -> RowProducts:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(rows, inputs)).astype(np.float32)
    return RowProducts(matrix, rng.normal(size=rows).astype(np.float32), groups)


@pytest.mark.parametrize(("rows", "inputs", "groups"), [(150, 50, 3), (3_001, 33, 1), (300, 7, 1)])
@pytest.mark.parametrize("has_small_kernels", [True, False])
def test_no_number_of_vectors_changes_their_bits(
    monkeypatch, rows: int, inputs: int, groups: int, has_small_kernels: bool
):
    monkeypatch.setattr(row_products, "_has_small_kernels", lambda: has_small_kernels)
    products = _normal(rows, inputs, groups)
    vectors = np.random.default_rng(6).normal(size=(29, inputs)).astype(np.float32)
    alone = np.concatenate([products.multiply(one[None]) for one in vectors], axis=-2)
    for count in range(1, 29):
        found = products.multiply(vectors[-count:])
        np.testing.assert_array_equal(found, alone[..., -count:, :])


def test_threads_change_no_bits_of_tiles_with_rows_in_common(monkeypatch):
    products = _normal(5_003, 64)
    vectors = np.random.default_rng(7).normal(size=(13, 64)).astype(np.float32)
    alone = products.multiply(vectors)
    monkeypatch.setattr(row_products, "_MANY", 1)
    monkeypatch.setattr(row_products, "_num_cores", lambda: 4)
    for _ in range(50):
        np.testing.assert_array_equal(products.multiply(vectors), alone)


@pytest.mark.parametrize("uneven", [8, 4, 2])
def test_a_library_that_adds_rows_in_other_orders_multiplies_vectors_alone(
    monkeypatch, uneven: int
):
    matmul = np.matmul

    def add_in_another_order(left, right, **options):
        product = matmul(left, right, **options)
        if left.ndim == 2 and len(left) == uneven:
            product[-1, -1] = np.nextafter(product[-1, -1], np.float32(np.inf))
        return product

    monkeypatch.setattr(row_products, "_has_small_kernels", lambda: True)
    monkeypatch.setattr(np, "matmul", add_in_another_order)
    row_products._is_even.cache_clear()
    assert not _normal(300, 100)._is_tiled
    row_products._is_even.cache_clear()


def test_vectors_are_multiplied_alone_without_kernels_for_small_products(monkeypatch):
    monkeypatch.setattr(row_products, "_has_small_kernels", lambda: False)
    assert not _normal(300, 100)._is_tiled


def test_the_processor_is_asked_for_avx_512(monkeypatch):
    asked = row_products._has_small_kernels.__wrapped__
    for names, expected in (
        ({"found": ["X86_V3", "X86_V4"]}, True),
        ({"baseline": ["SSE"], "found": ["AVX2", "AVX512_SKX"]}, True),
        ({"found": ["X86_V3"], "not found": ["X86_V4"]}, False),
    ):
        monkeypatch.setattr(np, "show_config", lambda mode, own=names: {"SIMD Extensions": own})
        assert asked() is expected
    monkeypatch.setattr(np, "show_config", lambda mode: {})
    assert asked() is False
