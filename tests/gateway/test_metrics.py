"""What Prometheus is told: everything that matters, nothing of anybody, and as much as stays the same size."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from events.flow import FLOW
from functions.core.errors import Unavailable
from functions.core.model import State
from functions.core.runtime.answer import Outcome
from functions.core.settings import Settings
from functions.core.tx import Database
from gateway.exposition import joined
from gateway.local.steps import STEPS
from gateway.routes.metrics import shown
from gateway.shell.telemetry import METHODS
from tests.support.doors import Gallery, Person
from tests.support.images import a_jpeg
from tests.support.runs import ready
from tests.support.worlds import a_user

SECRET = "pomegranate"
VALUES = {
    "step": {*STEPS, "probe"}, "outcome": {each.value for each in Outcome}, "cause": {"limit", "clock", "parent"},
    "kind": {"words", "example", "both", "similar"}, "group": {each.name for each in FLOW}, "method": {*METHODS, "OTHER"},
    "status": {"2xx", "3xx", "4xx", "5xx"}, "process": {"answer", "work"}, "state": {each.value for each in State},
    "generation": {"0", "1", "2"},
}  # fmt: skip
"""What a label may say; the others are routes, error codes and bounds of buckets, which the code has."""


async def exposed(gallery: Gallery) -> list[Sample]:
    answer = await gallery.get("/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return [each for family in text_string_to_metric_families(answer.data.decode()) for each in family.samples]


async def value(gallery: Gallery, name: str, **labels: str) -> float:
    """The sum of the samples of a name that have these labels."""
    return sum(
        each.value for each in await exposed(gallery) if each.name == name and labels.items() <= each.labels.items()
    )


async def much(gallery: Gallery, who: Person, turn: int) -> None:
    """Requests of all sorts, most of them hostile, that name things found nowhere else."""
    asset = await gallery.a_picture(who)
    for path in (
        f"/v1/search?q={SECRET}{turn}", f"/v1/search?like={asset}", f"/v1/search?q={SECRET}&like={asset}",
        f"/v1/assets/{asset}/similar", f"/{SECRET}/{turn}", f"/store/{SECRET}{turn}", f"/media/{asset}/{turn}/{SECRET}",
        f"/v1/assets/{SECRET}{turn}", f"/start/{SECRET}{turn}",
    ):  # fmt: skip
        await gallery.get(path, who)
    await gallery.ask(("PROPFIND", "TRACE")[turn % 2], f"/v1/{SECRET}", who)


@pytest.mark.promises("S73")
async def test_no_person_asset_or_query_is_told_and_strangers_add_no_series(gallery: Gallery) -> None:
    people = [await gallery.a_person(f"{SECRET} {turn}") for turn in range(3)]
    await much(gallery, people[0], 0)
    await gallery.get("/metrics")
    once = {(each.name, *sorted(each.labels.items())) for each in await exposed(gallery)}
    for turn, who in enumerate(people):
        await much(gallery, who, turn + 1)
    samples = await exposed(gallery)
    again = {(each.name, *sorted(each.labels.items())) for each in samples}
    assert {series[0] for series in again - once} <= {"miraveja_requests_total"}, "only another class of status is new"
    routes = {getattr(route, "path", "") for route in gallery.app.routes} | {"/store", "unmatched"}
    text = (await gallery.get("/metrics")).data.decode()
    assert SECRET not in text
    for who in people:
        assert str(who.user) not in text
        assert who.subject not in text
    for each in samples:
        for label, said in each.labels.items():
            assert label in ("le", "reason", "route") or said in VALUES[label], each
            assert label != "route" or said in routes or "{" in said or said.startswith("/"), each
    assert len(samples) < 3_000


@pytest.mark.promises("S73")
async def test_each_search_counts_by_its_kind_and_each_request_by_its_template(gallery: Gallery) -> None:
    ann = await gallery.a_person()
    await much(gallery, ann, 0)
    before = {kind: await value(gallery, "miraveja_search_seconds_count", kind=kind) for kind in VALUES["kind"]}
    refused = {"method": "GET", "route": "/v1/assets/{assetId}", "status": "4xx"}
    strange = {"method": "OTHER", "route": "unmatched"}
    asked = await value(gallery, "miraveja_requests_total", **refused)
    brewed = await value(gallery, "miraveja_requests_total", **strange)
    await much(gallery, ann, 1)
    after = {kind: await value(gallery, "miraveja_search_seconds_count", kind=kind) for kind in VALUES["kind"]}
    assert {kind: after[kind] - before[kind] for kind in after} == dict.fromkeys(VALUES["kind"], 1.0)
    assert await value(gallery, "miraveja_requests_total", **refused) == asked + 1
    assert await value(gallery, "miraveja_requests_total", **strange) == brewed + 1


async def test_an_upload_is_counted_from_its_bytes_to_ready_and_a_bad_one_by_its_reason(gallery: Gallery) -> None:
    names = ("miraveja_uploads_total", "miraveja_upload_bytes_total", "miraveja_ready_seconds_count")
    before = [await value(gallery, name) for name in names]
    worked = {step: await value(gallery, "miraveja_step_seconds_count", step=step) for step in STEPS}
    good, bad = a_jpeg(1), a_jpeg(2)[:2_500]
    await ready(gallery.world, await a_user(gallery.world), [good, bad])
    assert [await value(gallery, name) for name in names] == [
        before[0] + 2, before[1] + len(good) + len(bad), before[2] + 1,
    ]  # fmt: skip
    for step, times in {"ingest": 2, "thumbnail": 2, "embed": 1, "moderate": 1, "index": 1}.items():
        assert await value(gallery, "miraveja_step_seconds_count", step=step) >= worked[step] + times
        assert await value(gallery, "miraveja_steps_total", step=step, outcome="done") >= 1
    assert await value(gallery, "miraveja_rejected_total", reason="unreadable_image") >= 1


async def test_queues_dead_letters_and_the_outbox_are_told_with_their_age(gallery: Gallery) -> None:
    await gallery.do(
        'INSERT INTO deliveries (topic, "group", key, message, created_at, not_before) VALUES'
        " ('assets.deleted', 'purge', 'k', '{}', now() - interval '1 hour', 'infinity')"
    )
    await gallery.do(
        'INSERT INTO dead_letters (topic, "group", key, message, error, attempts)'
        " VALUES ('assets.deleted.dlq', 'purge', 'k', '{}', 'x', 5)"
    )
    await gallery.do(
        "INSERT INTO outbox (topic, key, event, created_at) VALUES ('assets.deleted', 'k', '{}', now() - interval '2 hours')"
    )
    assert await value(gallery, "miraveja_queue_depth", group="purge") == 1
    assert 3_600 <= await value(gallery, "miraveja_queue_age_seconds", group="purge") < 3_700
    assert await value(gallery, "miraveja_queue_age_seconds", group="ingest") == 0
    assert await value(gallery, "miraveja_dead_letters", group="purge") == 1
    assert 7_200 <= await value(gallery, "miraveja_outbox_age_seconds") < 7_300
    await gallery.do("DELETE FROM deliveries")
    await gallery.do("DELETE FROM outbox")
    await gallery.do("DELETE FROM dead_letters")
    assert await value(gallery, "miraveja_queue_depth", group="purge") == 0


async def test_another_process_is_told_beside_this_one_and_missed_when_it_is_down(gallery: Gallery) -> None:
    async def work() -> str:
        return '# HELP a_total What "x" is.\n# TYPE a_total counter\na_total{why="}"} 2.0\n'

    async def down() -> str:
        raise Unavailable

    with gallery.with_other(others={"work": work}):
        assert await value(gallery, "a_total", process="work", why="}") == 2
        assert await value(gallery, "miraveja_process_up", process="work") == 1
        assert await value(gallery, "process_cpu_seconds_total", process="answer") > 0
    with gallery.with_other(others={"work": down}):
        assert await value(gallery, "miraveja_process_up", process="work") == 0


async def test_without_its_database_the_gallery_still_tells_what_it_counted(gallery: Gallery) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none", wait_s=0.1)
    other: dict[str, Any] = {"world": type(gallery.world)(nowhere, gallery.world.ports)}
    with gallery.with_other(**other):
        samples = await exposed(gallery)
    told = {each.name: each.value for each in samples}
    assert told["miraveja_database_up"] == 0
    assert "miraveja_queue_depth" not in told
    assert "process_cpu_seconds_total" in told


def test_a_family_of_two_processes_is_told_once() -> None:
    text = "# HELP a A.\n# TYPE a gauge\na 1.0\n# HELP b B.\n# TYPE b gauge\nb 2.0\n"
    assert joined({"x": text, "y": text}) == (
        '# HELP a A.\n# TYPE a gauge\na{process="x"} 1.0\na{process="y"} 1.0\n'
        '# HELP b B.\n# TYPE b gauge\nb{process="x"} 2.0\nb{process="y"} 2.0\n'
    )


@pytest.mark.promises("S76")
@pytest.mark.parametrize(
    ("environ", "is_shown"),
    [
        ({}, True),
        ({"MIRAVEJA_METRICS": "false"}, False),
        ({"MIRAVEJA_HOST": "0.0.0.0"}, False),  # noqa: S104 -- what is refused
        ({"MIRAVEJA_HOST": "0.0.0.0", "MIRAVEJA_METRICS": "true"}, True),  # noqa: S104
        ({"MIRAVEJA_PUBLIC_URL": "https://gallery.example"}, False),
        ({"MIRAVEJA_PUBLIC_URL": "https://gallery.example", "MIRAVEJA_METRICS": "true"}, True),
    ],
)
def test_metrics_are_for_this_machine_unless_the_setting_says_otherwise(
    environ: dict[str, str], is_shown: bool
) -> None:
    assert shown(Settings.load(environ)) is is_shown


@pytest.mark.promises("S76")
async def test_where_the_setting_says_no_there_are_no_metrics(gallery: Gallery) -> None:
    with gallery.with_other({"metrics": False}):
        assert (await gallery.get("/metrics")).code == "not_found"
