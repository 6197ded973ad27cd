"""Samples are unbiased, in the window, repeatable, and know how large the window was."""

from collections import Counter

import pytest
from scipy import stats

from testkit.collector.driver import NOW, Ids, row, running

ROWS = 24_000


@pytest.fixture
async def many(database_url):
    """24,000 records over 24,000 s; `Kind` is one of eight, which become rarer and drift over time."""
    async with running(database_url) as collector:
        await collector.ready()
        await collector.announce()
        ids = Ids(seed=7)
        rows = [row(record_id=ids(NOW - (ROWS - i) * 1000), area=float(i), Kind=f"k{kind(i)}") for i in range(ROWS)]
        for start in range(0, ROWS, 4000):
            await collector.store(rows[start : start + 4000])
        yield collector


def kind(i):
    return (i * 7919 % 36 + i // 6000) % 8


async def sample(collector, rows, **query):
    answer = await collector.http.get(
        "/v1/records", params={"model": "houses", "sample": rows, "columns": "id,area,Kind"} | query
    )
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("size", [500, 2000, 6000])
async def test_a_sample_is_like_the_whole(many, size):
    """Chi-square of the classes, and Kolmogorov-Smirnov of the time, against the whole table."""
    records = (await sample(many, size)).json()["records"]
    assert len({r["id"] for r in records}) == size
    seen = Counter(r["Kind"] for r in records)
    whole = Counter(f"k{kind(i)}" for i in range(ROWS))
    expected = [whole[k] * size / ROWS for k in sorted(whole)]
    assert stats.chisquare([seen[k] for k in sorted(whole)], expected).pvalue > 0.01
    assert stats.kstest([r["area"] for r in records], stats.uniform(0, ROWS).cdf).pvalue > 0.01


async def test_every_place_of_a_window_is_as_likely(many):
    """24 windows that share no record, a tenth of each: the places of what is chosen are spread evenly."""
    places = Counter()
    for start in range(0, ROWS, 1000):
        window = {"from": NOW - (ROWS - start) * 1000, "to": NOW - (ROWS - start - 1000) * 1000}
        records = (await sample(many, 100, **window)).json()["records"]
        places.update(int(r["area"]) % 1000 // 100 for r in records)
    assert sum(places.values()) == 2400
    assert stats.chisquare([places[p] for p in range(10)]).pvalue > 0.01


async def test_a_sample_is_of_its_window_and_in_order(many):
    start, end = NOW - 9000 * 1000, NOW - 3000 * 1000
    answer = await sample(many, 700, **{"from": start, "to": end})
    areas = [r["area"] for r in answer.json()["records"]]
    assert areas == sorted(areas)
    assert areas[0] >= ROWS - 9000
    assert areas[-1] < ROWS - 3000
    window = int(answer.headers["pilothouse-window-rows"])
    assert answer.headers["pilothouse-window-rows-estimated"] == "true"
    assert abs(window - 6000) < 4 * 6000 / 700**0.5


async def test_the_same_sample_comes_again(many):
    assert (await sample(many, 300)).content == (await sample(many, 300)).content


async def test_the_size_of_the_whole_table_is_counted_not_estimated(many):
    headers = (await sample(many, 300)).headers
    assert headers["pilothouse-window-rows"] == str(ROWS)
    assert "pilothouse-window-rows-estimated" not in headers


async def test_a_small_window_comes_whole_and_is_counted(many):
    answer = await sample(many, 700, **{"from": NOW - 50_000})
    assert len(answer.json()["records"]) == 50
    assert answer.headers["pilothouse-window-rows"] == "50"


async def test_a_sample_of_filtered_records_has_only_those(many):
    answer = await sample(many, 200, prediction="yes", has_label="false", format="csv")
    assert answer.text.count("\r\n") == 201


async def test_a_sample_of_the_newest_rows(many):
    records = (await sample(many, 100, last=1000)).json()["records"]
    assert len(records) == 100
    assert min(r["area"] for r in records) >= ROWS - 1000


async def test_a_sample_of_an_empty_table_is_empty(collector):
    answer = await sample(collector, 10)
    assert answer.json()["records"] == []
