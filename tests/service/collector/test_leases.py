"""Leases: one holder at a time, on both databases."""

import asyncio

import pytest


async def ask(collector, holder, seconds=30, name="drift"):
    answer = await collector.http.put(f"/v1/leases/{name}", json={"holder": holder, "seconds": seconds})
    assert answer.status_code == 200, answer.text
    return answer.json()["holder"]


async def test_the_first_one_holds_it_and_keeps_it_by_asking_again(empty):
    assert await ask(empty, "a") == "a"
    assert await ask(empty, "b") == "a"
    assert await ask(empty, "a") == "a"
    assert await ask(empty, "b", name="other") == "b"


async def test_it_is_the_next_ones_when_it_has_run_out(empty):
    await ask(empty, "a")
    empty.clock.now += 29_999
    assert await ask(empty, "b") == "a"
    empty.clock.now += 1
    assert await ask(empty, "b") == "b"
    assert await ask(empty, "a") == "b"


async def test_it_is_the_next_ones_when_it_was_given_up_and_nobody_gives_up_anothers(empty):
    await ask(empty, "a")
    assert await ask(empty, "b", seconds=0) == "a"
    assert await ask(empty, "c") == "a"
    await ask(empty, "a", seconds=0)
    assert await ask(empty, "b") == "b"


async def test_of_many_who_ask_at_once_one_holds_it(empty):
    told = await asyncio.gather(*(ask(empty, f"drift-{n}") for n in range(12)))
    assert len(set(told)) == 1


@pytest.mark.parametrize(
    ("path", "wish"),
    [
        ("holder", {"seconds": 5}),
        ("holder", {"holder": "", "seconds": 5}),
        ("seconds", {"holder": "a"}),
        ("seconds", {"holder": "a", "seconds": -1}),
        ("seconds", {"holder": "a", "seconds": True}),
        ("seconds", {"holder": "a", "seconds": 3601}),
    ],
)
async def test_what_is_no_wish_is_refused_by_its_field(empty, path, wish):
    answer = await empty.http.put("/v1/leases/drift", json=wish)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == path


async def test_a_name_is_short_and_plain(empty):
    answer = await empty.http.put("/v1/leases/archive%2F..", json={"holder": "a", "seconds": 5})
    assert answer.status_code in (404, 422)
