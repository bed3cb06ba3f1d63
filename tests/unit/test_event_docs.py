"""The schemas and the page of topics say what the code says."""

import json
from pathlib import Path
from uuid import UUID

import jsonschema
import pytest

from events import docs
from events.types import FACTS, Fact

ROW = {"asset_id": UUID(int=1), "generation": 1, "run": 1, "change": 1, "model": "builtin-1", "reason": "blocked"}


def test_the_committed_files_are_what_the_code_generates() -> None:
    assert docs.stale(docs.HERE) == []


@pytest.mark.parametrize("kind", FACTS.values(), ids=lambda kind: kind.__name__)
def test_a_fact_fits_its_schema_and_nothing_less_does(kind: type[Fact]) -> None:
    schema = json.loads((docs.HERE / "schemas" / f"{kind.type}.json").read_text(encoding="utf-8"))
    data = kind.model_validate(ROW).model_dump(mode="json", by_alias=True)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(data, schema)
    for name in data:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({key: value for key, value in data.items() if key != name}, schema)


def test_a_check_names_what_is_stale_and_writing_mends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert docs.main([], tmp_path) == 0
    (tmp_path / "topics.md").write_text("old", encoding="utf-8")
    (tmp_path / "schemas" / "gone.v1.json").write_text("{}", encoding="utf-8")
    assert docs.main(["--check"], tmp_path) == 1
    assert capsys.readouterr().out.splitlines() == [
        "stale: events/schemas/gone.v1.json",
        "stale: events/topics.md",
    ]
    assert docs.main([], tmp_path) == 0
    assert docs.main(["--check"], tmp_path) == 0
