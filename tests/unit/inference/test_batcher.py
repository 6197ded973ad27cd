import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.inference.predictor import TurnBatcher


@pytest.fixture
def executor():
    with ThreadPoolExecutor(1) as pool:
        yield pool


class Doubler:
    """Doubles numbers, remembers its batches, and fails on None."""

    def __init__(self):
        self.batches = []
        self.threads = set()

    def __call__(self, items):
        self.batches.append(list(items))
        self.threads.add(threading.current_thread())
        return [ValueError("None") if i is None else i * 2 for i in items]


def batcher(work, executor, inline=True, max_rows=64):
    return TurnBatcher(work, max_rows, lambda rows: inline, executor)


async def test_what_arrives_in_one_turn_shares_a_run(executor):
    work = Doubler()
    turn = batcher(work, executor)
    assert await asyncio.gather(*(turn.submit(n, 1) for n in range(5))) == [0, 2, 4, 6, 8]
    assert work.batches == [[0, 1, 2, 3, 4]]


async def test_a_lone_request_does_not_wait_for_company(executor):
    work = Doubler()
    turn = batcher(work, executor)
    assert [await turn.submit(n, 1) for n in (1, 2)] == [2, 4]
    assert work.batches == [[1], [2]]


async def test_a_batch_is_capped_by_rows_but_takes_a_large_request_whole(executor):
    work = Doubler()
    turn = batcher(work, executor, max_rows=4)
    await asyncio.gather(turn.submit(1, 3), turn.submit(2, 2), turn.submit(3, 100), turn.submit(4, 1))
    assert work.batches == [[1], [2], [3], [4]]


async def test_one_failure_is_its_own(executor):
    turn = batcher(Doubler(), executor)
    results = await asyncio.gather(turn.submit(1, 1), turn.submit(None, 1), return_exceptions=True)
    assert results[0] == 2
    assert isinstance(results[1], ValueError)


async def test_work_that_raises_answers_every_request(executor):
    def broken(items):
        raise RuntimeError("the graph is broken")

    turn = batcher(broken, executor)
    results = await asyncio.gather(*(turn.submit(n, 1) for n in range(3)), return_exceptions=True)
    assert [str(r) for r in results] == ["the graph is broken"] * 3


async def test_slow_work_runs_in_a_thread_and_gathers_what_comes_meanwhile(executor):
    work = Doubler()
    turn = batcher(work, executor, inline=False)
    first = turn.submit(1, 1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [turn.submit(n, 1) for n in (2, 3)]
    assert await asyncio.gather(first, *rest) == [2, 4, 6]
    assert threading.main_thread() not in work.threads


async def test_a_caller_that_went_away_does_not_disturb_the_others(executor):
    work = Doubler()
    turn = batcher(work, executor)
    gone = turn.submit(1, 1)
    stays = turn.submit(2, 1)
    await asyncio.sleep(0)
    gone.cancel()  # after it was submitted, before the run
    assert await stays == 4
