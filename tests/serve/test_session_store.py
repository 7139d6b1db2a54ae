"""Which sessions the service remembers."""

from sbrcli.serve.session_store import SessionStore


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_session_is_found_again_until_its_time_is_over():
    clock = Clock()
    store = SessionStore(10, 60, clock)
    store.take("a").items.append("1")
    clock.seconds = 60
    assert store.take("a").items == ["1"]  # which was its last use
    clock.seconds = 120.5
    assert store.take("a").items == []


def test_a_session_that_is_used_outlives_an_older_one():
    clock = Clock()
    store = SessionStore(10, 60, clock)
    for name in ("a", "b"):
        store.take(name).items.append(name)
    clock.seconds = 50
    store.take("a")
    clock.seconds = 100
    assert store.take("a").items == ["a"]
    assert len(store) == 1


def test_the_least_recently_used_session_leaves_first():
    store = SessionStore(2, 60, Clock())
    for name in ("a", "b"):
        store.take(name).items.append(name)
    store.take("a")
    store.take("c")
    assert store.take("a").items == ["a"]
    assert len(store) == 2
    assert store.take("b").items == []


def test_a_removed_session_is_gone():
    store = SessionStore(2, 60, Clock())
    store.take("a").items.append("1")
    assert store.remove("a")
    assert not store.remove("a")
    assert store.take("a").items == []
