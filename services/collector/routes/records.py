"""Records in, and records out."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ConfigDict, Field, model_validator

from pilothouse.ids import floor_id
from pilothouse.serving.observe import note
from pilothouse.wire.records import MSGPACK, Batch
from services.collector.components import Components
from services.collector.errors import NotAnnouncedError
from services.collector.records import decoding, export
from services.collector.records.reading import Order
from services.collector.records.selection import (
    Selection,
    SelectionFilters,
    ShortText,
    decode_cursor,
    encode_cursor,
    fields_of,
)
from services.collector.routes.bodies import answer, body_schema, read_body
from services.collector.routes.parameters import INGEST, READ, Moment
from services.collector.store.record_table import RecordTable

JSON_ROWS = 1000


class RecordQuery(SelectionFilters):
    """What `GET /v1/records` understands; a parameter that it does not know is an error, not everything."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    model: ShortText = Field(default=None, description="needed, but with `id`")
    version: ShortText = Field(default=None, description="without it, the version with the newest record")
    start: Moment | None = Field(default=None, alias="from", description="from this moment on: ISO 8601 or ms")
    end: Moment | None = Field(default=None, alias="to", description="up to, but without, this moment")
    id: uuid.UUID | None = Field(default=None, description="the record with this id")
    last: int | None = Field(default=None, ge=1, le=1_000_000, description="the newest so many")
    sample: int | None = Field(default=None, ge=1, le=100_000, description="an unbiased sample of so many")
    limit: int | None = Field(default=None, ge=1, description="rows of a page of JSON (1,000), or of an export (all)")
    cursor: str | None = Field(default=None, max_length=64, description="`next` of an earlier answer")
    order: Literal["asc", "desc"] = "asc"
    format: Literal["json", "csv", "parquet", "arrow"] = "json"
    columns: str | None = Field(default=None, max_length=60_000, description="names with commas between them; all")
    labels: bool = Field(default=False, description="join the ground truth as the column `label`")

    @model_validator(mode="after")
    def _check(self) -> RecordQuery:
        if self.model is None and self.id is None:
            raise ValueError("model: say which (GET /v1/models lists them)")
        if self.cursor and (self.sample or self.last):
            raise ValueError("cursor: goes on with pages; a sample and the last rows come whole")
        if self.format == "json" and self.limit is not None and self.limit > 10_000:
            raise ValueError("limit: a page of JSON has at most 10000 records; csv, parquet and arrow have no limit")
        return self


@dataclass(slots=True)
class _Found:
    """What to stream: the pages, how large the window is, and (for pages of JSON) where to go on."""

    pages: export.Pages
    headers: dict[str, str]
    tail: dict[str, Any]


def records_router(components: Components) -> APIRouter:
    router = APIRouter(prefix="/v1/records", tags=["records"])

    @router.post(
        "",
        dependencies=INGEST,
        summary="Take in batches of records in one transaction; idempotent by id, each record judged by itself",
        openapi_extra=body_schema("application/json", MSGPACK),
    )
    async def store(request: Request) -> Response:
        body = await read_body(request, components.limits.body_bytes, components.limits.decoded_bytes)
        batches = decoding.decode(body, request.headers.get("content-type", ""))
        result = await components.ingest.store(batches)
        note(request.scope, **_named(batches), records=result.accepted, rejected=len(result.rejected))
        return answer(result)

    @router.get("", dependencies=READ, summary="Records by model, version, time or id; samples; exports")
    async def find(query: Annotated[RecordQuery, Query()]) -> Response:
        table = await _table(components, query)
        selection = _select(table, query)
        found = await _find(components, selection, query)
        head = {"model": table.model, "version": table.version}
        headers = {"Pilothouse-Model": table.model, "Pilothouse-Version": table.version, **found.headers}
        stream = _stream(query.format, selection, found, head)
        return StreamingResponse(stream, 200, headers, export.CONTENT_TYPES[query.format])

    return router


def _named(batches: list[Batch]) -> dict[str, Any]:
    """For the log: the model and the version, or all of them. They are known ones: others were refused."""
    keys = sorted({(b.model, b.version) for b in batches})
    one = dict(zip(("model", "version"), keys[0], strict=True)) if len(keys) == 1 else None
    return one or {"models": ["/".join(key) for key in keys]}


async def _table(components: Components, query: RecordQuery) -> RecordTable:
    if query.model is None:
        return await _table_with(components, query.id or uuid.UUID(int=0))
    if query.version is None:
        return await components.stats.newest_version(query.model)
    return await components.models.table(query.model, query.version)


async def _table_with(components: Components, record_id: uuid.UUID) -> RecordTable:
    """The model version that made a record; any, when there is no such record."""
    tables = await components.models.tables()
    if not tables:
        raise NotAnnouncedError("MODEL", None)
    for table in tables:
        wanted = Selection(table, fields_of(table, ["id"], labels=False)).between(record_id, _after(record_id))
        if (await components.reader.page(wanted, after=None, order="asc", rows=1)).rows:
            return table
    return tables[0]


def _select(table: RecordTable, query: RecordQuery) -> Selection:
    names = None if query.columns is None else [name.strip() for name in query.columns.split(",") if name.strip()]
    wanted = Selection(table, fields_of(table, names, labels=query.labels), filters=query)
    if query.id is not None:
        return wanted.between(query.id, _after(query.id))
    start = None if query.start is None else floor_id(query.start)
    return wanted.between(start, None if query.end is None else floor_id(query.end))


async def _find(components: Components, wanted: Selection, query: RecordQuery) -> _Found:
    wanted.conditions(components.reader.adapter)  # a filter that cannot be is an error while there can still be one
    reader, order = components.reader, query.order
    window: dict[str, str] = {}
    if query.last is not None:
        wanted, rows = await reader.newest(wanted, query.last)
        window = {"Pilothouse-Window-Rows": str(rows)}
    if query.sample is not None:
        sample = await reader.sample(wanted, query.sample)
        window = {"Pilothouse-Window-Rows": str(sample.window_rows)}
        if sample.estimated:
            window["Pilothouse-Window-Rows-Estimated"] = "true"
        ids = sample.ids if order == "asc" else sample.ids[::-1]
        return _Found(reader.by_id(wanted, ids, order), window, {"next": None, "total": sample.window_rows})
    if query.last is not None:
        return _Found(reader.pages(wanted, order=order, rows=None), window, {"next": None, "total": rows})
    after = decode_cursor(query.cursor) if query.cursor else None
    if query.format == "json":
        return await _json_page(components, wanted, query.limit or JSON_ROWS, order, after)
    return _Found(reader.pages(wanted, order=order, rows=query.limit, after=after), window, {})


async def _json_page(
    components: Components, wanted: Selection, rows: int, order: Order, after: uuid.UUID | None
) -> _Found:
    """A page. Behind a filter that finds little it may have fewer rows than asked for and still a `next`: no more
    than the setting `searched_rows` records are looked at for one answer."""
    horizon = None
    if wanted.filters.any:
        most = components.limits.searched_rows
        horizon = await components.reader.horizon(wanted, after=after, order=order, rows=most)
    page = await components.reader.page(_up_to(wanted, horizon, order), after=after, order=order, rows=rows)

    async def only() -> export.Pages:
        if page.rows:
            yield page

    last = page.last if page.rows == rows else horizon
    return _Found(only(), {}, {"next": None if last is None else encode_cursor(last)})


def _up_to(wanted: Selection, horizon: uuid.UUID | None, order: Order) -> Selection:
    if horizon is None:
        return wanted
    return wanted.between(wanted.start, _after(horizon)) if order == "asc" else wanted.between(horizon, wanted.end)


def _stream(kind: str, wanted: Selection, found: _Found, head: dict[str, Any]) -> export.Bytes:
    if kind == "csv":
        return export.csv_stream(wanted.fields, found.pages)
    if kind == "parquet":
        return export.parquet_stream(wanted.fields, found.pages)
    if kind == "arrow":
        return export.arrow_stream(wanted.fields, found.pages)
    return export.json_stream(wanted.fields, found.pages, head, found.tail)


def _after(record_id: uuid.UUID) -> uuid.UUID:
    """The next larger id, so that one id is a window too."""
    return uuid.UUID(int=min(record_id.int + 1, 2**128 - 1))
