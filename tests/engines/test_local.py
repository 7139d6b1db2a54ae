"""The engine of this machine, in this process and in several."""

import os

import pytest

from sbrcli.config.engine import EngineConfig
from sbrcli.engines.local import HERE, started
from sbrcli.errors import EngineError, ExitCode


def divide(part: int, by: int) -> tuple[int, int]:
    return part // by, os.getpid()


def join(part: int) -> str:
    return str(part)


def die(part: int) -> None:
    if part == 3:
        os._exit(9)


def test_results_come_in_the_order_of_the_parts():
    assert [one for one, _ in HERE.map(divide, range(9), 2)] == [0, 0, 1, 1, 2, 2, 3, 3, 4]
    assert HERE.merge(join, range(12), combine=lambda one, other: one + other) == "01234567891011"


def test_several_processes_give_what_one_gives_and_end():
    with started(EngineConfig(processes=2)) as (engine, _):
        results = list(engine.map(divide, range(9), 2))
        assert [one for one, _ in results] == [0, 0, 1, 1, 2, 2, 3, 3, 4]
        assert os.getpid() not in {pid for _, pid in results}
        joined = engine.merge(join, range(12), combine=lambda one, other: one + other)
        assert joined == "01234567891011"
        with pytest.raises(EngineError) as raised:
            list(engine.map(die, range(9)))
    assert str(raised.value) == "a process that worked on a part of the log has died"
    assert raised.value.hint == (
        "it may have run out of memory: lower --memory or --processes. A program of your own needs "
        'the line if __name__ == "__main__":'
    )
    assert raised.value.exit_code == ExitCode.TRAINING
