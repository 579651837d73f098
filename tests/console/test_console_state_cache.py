"""States for many pages: made once, in a thread, whoever leaves meanwhile."""

import asyncio
import json
import threading

import pytest
from drift_console.state_cache import FRESH, StateCache

from tests.support.waiting import PATIENCE


class Reader:
    """Builds a document when `go` is set, and counts them."""

    def __init__(self):
        self.made = []
        self.go = threading.Event()
        self.go.set()

    def state(self, model, minutes, now):
        assert self.go.wait(PATIENCE)
        self.made.append((model, minutes))
        if model == "broken":
            raise OSError("broken on purpose")
        return {"now": now, "number": len(self.made), "series": {"times": [now]}}


@pytest.fixture
def reader():
    return Reader()


@pytest.fixture
def now():
    return [1000.0]


@pytest.fixture
def cache(reader, now):
    return StateCache(reader, clock=lambda: now[0], health=lambda: {"lag_seconds": 0})


def number(shown):
    return json.loads(shown.json)["number"]


def test_pages_share(cache, reader):
    """Pages that ask while a document is made get that one."""

    async def pages():
        return await asyncio.gather(*(cache.read("m", 30) for _ in range(64)), cache.read("m", 5))

    *shown, other = asyncio.run(pages())
    assert {id(each) for each in shown} == {id(shown[0])}
    assert sorted(reader.made) == [("m", 5), ("m", 30)]
    assert other is not shown[0]
    assert json.loads(other.json)["service"] == {"lag_seconds": 0}


def test_page_that_leaves(cache, reader):
    """A page that leaves while its document is made takes it from nobody."""
    reader.go.clear()

    async def pages():
        leaving, staying = (asyncio.create_task(cache.read("m", 30)) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        reader.go.set()
        return leaving.cancelled(), number(await staying)

    assert asyncio.run(pages()) == (True, 1)
    assert reader.made == [("m", 30)]


def test_error_is_not_kept(cache, reader):
    """Everybody who waits gets the error, and the next one asks anew."""

    async def pages():
        return await asyncio.gather(*(cache.read("broken", 30) for _ in range(2)), return_exceptions=True)

    for attempt in range(2):
        assert [type(each) for each in asyncio.run(pages())] == [OSError, OSError]
        assert len(reader.made) == attempt + 1


def test_fresh_and_old(cache, now):
    """A document is shown again for a moment, and never one of a clock that was ahead."""
    assert number(asyncio.run(cache.read("m", 30))) == 1
    now[0] += FRESH
    assert number(asyncio.run(cache.read("m", 30))) == 1
    now[0] += 0.1
    assert number(asyncio.run(cache.read("m", 30))) == 2
    now[0] -= 3600
    assert number(asyncio.run(cache.read("m", 30))) == 3
    cache.close()
    assert number(asyncio.run(cache.read("m", 30))) == 4


def test_timeless(cache):
    """What is compared has no times, and what is sent has them."""
    first = asyncio.run(cache.read("m", 30))
    assert json.loads(first.json)["series"]["times"] == [1000.0]
    assert "1000" not in first.timeless
