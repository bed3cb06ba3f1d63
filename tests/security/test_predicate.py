"""The one predicate says the same in SQL and in plain Python, whatever is asked and whoever looks."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from functions.core.filters import FIELDS, All, Between, Clause, Is, Not, Some, Within, holds
from functions.core.ids import AssetId, UserId
from functions.core.ports import Point
from functions.core.postgres.where import FROM, where
from functions.core.tx import Tx, rows
from functions.core.visibility import Link, Viewer, findable_by, fit_for_others, others_may_see, visible_to
from tests.support.doors import Gallery, Person
from tests.support.worlds import MODEL

ROWS, QUESTIONS = 60, 120
COLORS, TAGS, TYPES = ("red", "teal", "black"), ("sea", "dawn", "it's"), ("image/png", "image/jpeg", None)
SHAPES = [("landscape", 9, 6), ("portrait", 6, 9), ("square", 6, 6), (None, None, None)]
SEED = 20261123
ALIKE = np.eye(MODEL.dim, dtype=np.float32)[0]


Facts = dict[AssetId, dict[str, Any]]


async def a_crowd(gallery: Gallery, rng: random.Random) -> tuple[list[Person], Facts]:
    """People, one of them banned, and what each of their assets is, as the predicate's facts."""
    people = [await gallery.a_person() for _ in range(4)]
    await gallery.do("UPDATE users SET banned_at = now() WHERE id = %s", people[3].user)
    facts: Facts = {}
    for _ in range(ROWS):
        who = rng.choice(people)
        shape, width, height = rng.choice(SHAPES)
        created, trashed = rng.randrange(1_700_000_000, 1_700_000_010), rng.random() < 0.3
        colors, tags = rng.sample(COLORS, rng.randrange(3)), rng.sample(TAGS, rng.randrange(3))
        columns: dict[str, Any] = {
            "visibility": rng.choice(["private", "unlisted", "public"]), "content_type": rng.choice(TYPES),
            "moderation": rng.choice(["pending", "approved", "restricted", "rejected"]), "width": width, "height": height,
        }  # fmt: skip
        at = datetime.fromtimestamp(created, UTC)
        asset = await gallery.a_picture(
            who, **columns, color_names=list(colors), created_at=at, trashed_at=at if trashed else None
        )
        for tag in tags:
            await gallery.do("INSERT INTO tags (asset_id, name, source) VALUES (%s, %s, 'person')", asset, tag)
        facts[asset] = {
            "id": asset,
            "owner": str(who.user), "visibility": columns["visibility"], "moderation": columns["moderation"], "trashed": trashed,
            "banned": who is people[3], "tags": tags, "colors": colors, "orientation": shape, "type": columns["content_type"],
            "created": created,
        }  # fmt: skip
    return people, facts


async def some_collections(gallery: Gallery, rng: random.Random, people: list[Person], facts: Facts) -> list[Within]:
    """Collections of a few assets each, one of them empty, as conditions."""
    made = []
    for count in (0, 5, 20):
        collection, inside = uuid4(), rng.sample(sorted(facts), count)
        await gallery.do(
            "INSERT INTO collections (id, owner, title) VALUES (%s, %s, 'x')", collection, rng.choice(people).user
        )
        for place, asset in enumerate(inside, 1):
            await gallery.do("INSERT INTO collection_items VALUES (%s, %s, %s)", collection, asset, place)
        made.append(Within(collection, frozenset(inside)))
    return made


def a_clause(rng: random.Random, people: list[Person], sets: Sequence[Within] = (), deep: int = 3) -> Clause:
    """Any condition there can be, hostile values among its words."""
    if sets and rng.random() < 0.1:
        return rng.choice(sets)
    values: dict[str, tuple[Any, ...]] = {
        "owner": tuple(str(person.user) for person in people), "visibility": ("private", "public", "' OR 1=1 --"),
        "moderation": ("approved", "pending", "%s"), "trashed": (True, False), "banned": (True, False), "tags": (*TAGS, "$where"),
        "colors": COLORS, "orientation": ("landscape", "portrait", "square"), "type": ("image/png", "image/jpeg", "x"),
    }  # fmt: skip
    kind = rng.randrange(6 if deep else 2)
    if kind == 0:
        low, high = (rng.choice([None, float(rng.randrange(1_700_000_000, 1_700_000_010))]) for _ in range(2))
        return Between("created", low, high)
    if kind == 1:
        field = rng.choice(list(values))
        return Is(field, tuple(rng.sample(values[field], rng.randrange(len(values[field])))))
    if kind == 2:
        return Not(a_clause(rng, people, sets, deep - 1))
    parts = tuple(a_clause(rng, people, sets, deep - 1) for _ in range(rng.randrange(4)))
    return All(parts) if kind < 5 else Some(parts)


async def told(tx: Tx, clause: Clause) -> set[AssetId]:
    sql, values = where(clause)
    return {AssetId(row["id"]) for row in await rows(tx, f"SELECT a.id FROM {FROM} WHERE {sql}", *values)}


@pytest.mark.promises("S46")
async def test_sql_and_python_agree_about_every_asset_viewer_and_condition(gallery: Gallery) -> None:
    """60 assets under 120 random conditions of 6 kinds of viewers, once as found and once as listed; the index says it too."""
    rng = random.Random(SEED)
    people, facts = await a_crowd(gallery, rng)
    sets = await some_collections(gallery, rng, people, facts)
    index = gallery.world.ports.vectors
    await index.upsert([Point(asset, ALIKE, {name: said[name] for name in FIELDS}) for asset, said in facts.items()])
    cases, seen = set(), 0
    async with gallery.world.database.transaction() as tx:
        for _ in range(QUESTIONS):
            asked = a_clause(rng, people, sets)
            for viewer in viewers(rng, people):
                for who in (visible_to(viewer), findable_by(viewer, trashed=rng.random() < 0.5)):
                    clause = All((who, asked))
                    expected = {asset for asset, said in facts.items() if holds(clause, said)}
                    assert await told(tx, clause) == expected, (SEED, clause)
                    assert {hit.id for hit in await index.nearest(ALIKE, clause, ROWS)} == expected, (SEED, clause)
                    cases |= {hash((clause, asset)) for asset in facts}
                    seen += len(expected)
    assert len(cases) > 10_000
    assert seen > ROWS, "conditions that hold for nothing prove nothing"


def viewers(rng: random.Random, people: list[Person]) -> list[Viewer]:
    """Every kind: nobody, somebody, a stranger, a moderator who looks and one who judges, whoever came by a link."""
    one, link = rng.choice(people).user, Link(uuid4(), rng.choice(people).user)
    return [Viewer(), Viewer(one), Viewer(UserId(uuid4())), Viewer(one, moderator=True),
            Viewer(one, moderator=True, judging=True), Viewer(link=link)]  # fmt: skip


@pytest.mark.promises("S39", "S46")
async def test_no_condition_opens_what_the_predicate_closes(gallery: Gallery) -> None:
    rng = random.Random(SEED + 1)
    people, facts = await a_crowd(gallery, rng)
    sets = await some_collections(gallery, rng, people, facts)
    async with gallery.world.database.transaction() as tx:
        for _ in range(QUESTIONS):
            viewer = Viewer(rng.choice(people).user)
            for asset in await told(tx, All((visible_to(viewer), a_clause(rng, people, sets)))) & facts.keys():
                assert facts[asset]["owner"] == str(viewer.user) or holds(others_may_see(), facts[asset])
            by_link = Viewer(link=Link(uuid4(), rng.choice(people).user))
            for asset in await told(tx, All((visible_to(by_link), a_clause(rng, people, sets)))) & facts.keys():
                assert by_link.link
                assert facts[asset]["owner"] == str(by_link.link.maker)
                assert holds(fit_for_others(), facts[asset])
