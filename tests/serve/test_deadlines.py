"""Requests end at their deadlines, and only they."""

import asyncio
from collections.abc import Awaitable

import pytest

from sbrcli.serve.deadlines import Deadlines


async def work(deadlines: Deadlines, what: Awaitable[object]) -> str:
    try:
        with deadlines.limit():
            await what
    except TimeoutError:
        return "late"
    return "in time"


def test_what_takes_too_long_ends_and_the_rest_goes_on():
    async def run() -> list[str]:
        deadlines = Deadlines(0.05)
        slow, quick = asyncio.sleep(60), asyncio.sleep(0)
        first = await asyncio.gather(work(deadlines, slow), work(deadlines, quick))
        # A timer that has come once comes again, and an entry that has ended stops no other.
        second = await asyncio.gather(
            work(deadlines, asyncio.sleep(0)), work(deadlines, asyncio.sleep(60))
        )
        return first + second

    assert asyncio.run(run()) == ["late", "in time", "in time", "late"]


def test_entries_that_have_ended_are_not_kept():
    async def run() -> int:
        deadlines = Deadlines(60)
        for _ in range(100):
            await work(deadlines, asyncio.sleep(0))
        return len(deadlines._limited)

    assert asyncio.run(run()) <= 1


def test_a_cancellation_from_elsewhere_stays_one():
    async def run() -> None:
        task = asyncio.ensure_future(work(Deadlines(60), asyncio.sleep(60)))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


def test_a_cancellation_from_elsewhere_at_the_deadline_stays_one():
    async def run() -> None:
        deadlines = Deadlines(60)
        task = asyncio.ensure_future(work(deadlines, asyncio.sleep(60)))
        await asyncio.sleep(0)
        deadlines._limited[0].end()
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


def test_an_error_before_the_deadline_is_that_error():
    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(work(Deadlines(60), fail()))
