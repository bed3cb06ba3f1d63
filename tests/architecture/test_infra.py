"""Alerts and the dashboard ask only for numbers that the code tells, by labels that they have."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from functions.core import metrics
from tests.support.documents import ROOT

PROMETHEUS, GRAFANA = ROOT / "infra" / "prometheus", ROOT / "infra" / "grafana"
ALERTS = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = [rule for group in ALERTS["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((GRAFANA / "dashboards" / "miraveja.json").read_text(encoding="utf-8"))
PROMETHEUS_OWN = {"up"}
SUFFIXES = ("_bucket", "_count", "_sum")
NAME = re.compile(r"\b(?:miraveja|process|python)_[a-z0-9_]+|\bup\b")
LABELLED = re.compile(r"\b((?:miraveja|process)_[a-z0-9_]+)\{([^}]*)\}")
GROUPED = re.compile(r"\b(?:by|without) \(([^)]*)\)")

PANEL = {
    "type": "object",
    "required": ["id", "type", "title", "datasource", "gridPos", "targets", "fieldConfig"],
    "properties": {
        "type": {"enum": ["timeseries", "stat"]},
        "datasource": {"const": {"type": "prometheus", "uid": "prometheus"}},
        "gridPos": {
            "type": "object",
            "required": ["x", "y", "w", "h"],
            "properties": {name: {"type": "integer", "minimum": 0, "maximum": 200} for name in "xywh"},
        },
        "targets": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "required": ["refId", "expr", "legendFormat"]},
        },
    },
}
SCHEMA = {
    "type": "object",
    "required": ["uid", "title", "schemaVersion", "panels", "time", "refresh"],
    "properties": {"panels": {"type": "array", "minItems": 1, "items": PANEL}},
}
RULE = {
    "type": "object",
    "required": ["alert", "expr", "labels", "annotations"],
    "additionalProperties": False,
    "properties": {
        "alert": {"pattern": "^[A-Z][A-Za-z]+$"},
        "expr": {"type": "string"},
        "for": {"pattern": "^[0-9]+[smh]$"},
        "labels": {"required": ["severity"], "properties": {"severity": {"enum": ["critical", "warning"]}}},
        "annotations": {"required": ["summary", "action"]},
    },
}


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in RULES)
    yield from (target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"])


def told() -> dict[str, set[str]]:
    """Every name that may be asked for, and its labels."""
    declared = [each for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)]
    found = {name: {"process", *each._labelnames} for each in declared for name in _names(each)}
    families = text_string_to_metric_families(metrics.own() + metrics.shared())
    return {sample.name: {"process"} for family in families for sample in family.samples} | found


def _names(metric: MetricWrapperBase) -> list[str]:
    family = next(iter(metric.describe()))
    if family.type == "histogram":
        return [f"{family.name}{suffix}" for suffix in SUFFIXES]
    return [f"{family.name}_total" if family.type == "counter" else family.name]


def test_every_name_that_is_asked_for_is_told() -> None:
    asked = {name for expression in expressions() for name in NAME.findall(expression)}
    assert sorted(asked - told().keys() - PROMETHEUS_OWN) == []


def test_every_label_that_is_asked_for_is_one_of_the_metric() -> None:
    known = told()
    for expression in expressions():
        for name, said in LABELLED.findall(expression):
            assert set(re.findall(r"(\w+)[=!]", said)) <= known[name] | {"le"}, expression
        labels = {label.strip() for group in GROUPED.findall(expression) for label in group.split(",")}
        names = [name for name in NAME.findall(expression) if name not in PROMETHEUS_OWN]
        assert all(labels <= known[name] | {"le"} for name in names), expression


def test_alerts_have_one_name_each_and_say_what_to_do() -> None:
    for rule in RULES:
        jsonschema.validate(rule, RULE)
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


def test_the_dashboard_is_one_and_its_panels_do_not_overlap() -> None:
    jsonschema.validate(DASHBOARD, SCHEMA)
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in panels):
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_what_matters_most_is_shown_and_watched() -> None:
    shown = " ".join(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"])
    watched = " ".join(rule["expr"] for rule in RULES)
    for name in (
        "miraveja_ready_seconds", "miraveja_queue_age_seconds", "miraveja_dead_letters", "miraveja_search_seconds",
        "miraveja_decode_kills_total", "miraveja_steps_total",
    ):  # fmt: skip
        assert name in shown
        assert name in watched


def test_the_files_that_start_both_name_each_other() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    [job] = config["scrape_configs"]
    assert all((PROMETHEUS / name).exists() for name in config["rule_files"])
    assert job["job_name"] == "miraveja", "an alert asks for it"
    [source] = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text(encoding="utf-8"))[
        "datasources"
    ]
    assert source["uid"] == "prometheus"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_agrees() -> None:
    for arguments in (("check", "config", "prometheus.yml"), ("test", "rules", "alerts_test.yml")):
        done = subprocess.run(["promtool", *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
