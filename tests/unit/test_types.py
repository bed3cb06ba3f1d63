"""Facts have one name for one piece of work, and say nothing that should not be in a log."""

from dataclasses import dataclass
from uuid import UUID

import pytest
from pydantic import ValidationError

from events import types
from events.types import FACTS, AssetChanged, AssetPreviewed, AssetRejected, AssetVectorized, ObjectArrived, StepFact

ASSET = UUID("0199d3a0-7c1e-7b2a-9a3e-2f4c6d8e0a1b")


@dataclass(frozen=True)
class ARow:
    id: UUID = ASSET
    generation: int = 1
    run: int = 2
    change: int = 3


def test_a_fact_is_made_of_a_row() -> None:
    assert AssetPreviewed.of(ARow()) == AssetPreviewed(asset_id=ASSET, generation=1, run=2)
    assert AssetVectorized.of(ARow(), model="builtin-1").model == "builtin-1"
    assert AssetRejected.of(ARow(), reason="unreadable_image").reason == "unreadable_image"
    assert AssetChanged.of(ARow()) == AssetChanged(asset_id=ASSET, generation=1, change=3)


def test_a_fact_without_its_own_field_cannot_be_made() -> None:
    with pytest.raises(ValidationError, match="reason"):
        AssetRejected.of(ARow())


def test_the_wire_is_camel_case() -> None:
    data = AssetPreviewed.of(ARow()).model_dump(mode="json", by_alias=True)
    assert data == {"assetId": str(ASSET), "generation": 1, "run": 2}


def test_the_key_is_the_asset() -> None:
    assert ObjectArrived(asset_id=ASSET).key == str(ASSET)


@pytest.mark.promises("O1")
def test_the_same_work_has_the_same_id() -> None:
    assert AssetPreviewed.of(ARow()).event_id == AssetPreviewed.of(ARow(change=9)).event_id
    assert AssetVectorized.of(ARow(), model="a").event_id == AssetVectorized.of(ARow(), model="b").event_id


def test_an_id_never_changes_between_releases() -> None:
    assert AssetPreviewed.of(ARow()).event_id == UUID("54e3a21e-ef11-5dc3-9c9a-c040785a2f55")
    assert AssetChanged.of(ARow()).event_id == UUID("d80b9d18-6ee9-53a0-bd71-2e59a8e42d0d")
    assert ObjectArrived(asset_id=ASSET).event_id == UUID("9dea87c3-895f-547d-b3de-3b83e953ddfa")


@pytest.mark.promises("O1")
@pytest.mark.parametrize(
    "other", [ARow(run=3), ARow(generation=2), ARow(id=UUID(int=7))], ids=["run", "generation", "asset"]
)
def test_a_repair_new_bytes_or_another_asset_is_other_work(other: ARow) -> None:
    assert AssetPreviewed.of(ARow()).event_id != AssetPreviewed.of(other).event_id


def test_a_change_is_named_by_its_counter_alone() -> None:
    assert AssetChanged.of(ARow()).event_id == AssetChanged.of(ARow(generation=8)).event_id
    assert AssetChanged.of(ARow()).event_id != AssetChanged.of(ARow(change=4)).event_id


def test_two_kinds_of_fact_about_one_row_have_two_ids() -> None:
    kinds = [kind for kind in FACTS.values() if issubclass(kind, StepFact)]
    facts = [kind.of(ARow(), model="m", reason="r") for kind in kinds]
    assert len({fact.event_id for fact in facts}) == len(kinds)


def test_every_fact_is_in_the_table_under_its_versioned_name() -> None:
    named = [kind for kind in vars(types).values() if isinstance(kind, type) and "type" in vars(kind)]
    assert sorted(FACTS) == sorted(kind.type for kind in named if issubclass(kind, types.Fact))
    assert all(name.startswith("org.miraveja.") and name.endswith(".v1") for name in FACTS)


@pytest.mark.promises("S60")
@pytest.mark.parametrize("kind", FACTS.values(), ids=lambda kind: kind.__name__)
def test_facts_carry_ids_and_numbers_only(kind: type[types.Fact]) -> None:
    words = {name for name, field in kind.model_fields.items() if field.annotation not in (UUID, int)}
    assert words <= {"reason", "model"}


@pytest.mark.promises("S60")
@pytest.mark.parametrize("reason", ["", "a reason in words", "a@b.org", "x" * 65, "ends_with_newline\n"])
def test_a_reason_is_a_code_and_never_a_sentence(reason: str) -> None:
    with pytest.raises(ValidationError):
        AssetRejected.of(ARow(), reason=reason)


@pytest.mark.parametrize("number", [-1, 2**31, True, 1.0, "1"])
def test_counters_fit_their_column(number: object) -> None:
    with pytest.raises(ValidationError):
        AssetPreviewed.model_validate({"asset_id": ASSET, "generation": number, "run": 1})


def test_facts_do_not_change() -> None:
    with pytest.raises(ValidationError):
        ObjectArrived(asset_id=ASSET).asset_id = UUID(int=1)
