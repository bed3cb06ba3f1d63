"""Libraries that once had holes are here in versions without them, now and wherever this is installed."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
FLOORS = {
    "pyjwt": "2.12.0",  # CVE-2026-32597: `crit` was ignored
    "pillow": "12.2.0",  # CVE-2026-25990: a write outside bounds
    "pillow-heif": "1.3.0",  # CVE-2026-28231: a read outside bounds
}


@pytest.mark.promises("S69")
@pytest.mark.parametrize("name", FLOORS)
def test_no_version_with_a_known_hole_is_installed_or_allowed(name: str) -> None:
    floor = Version(FLOORS[name])
    assert Version(version(name)) >= floor
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    needed = next(found for found in map(Requirement, needs) if re.sub("[-_.]+", "-", found.name).lower() == name)
    least = [Version(part.version) for part in needed.specifier if part.operator in (">=", "==")]
    assert max(least) >= Version(f"{floor.major}.{floor.minor}")
