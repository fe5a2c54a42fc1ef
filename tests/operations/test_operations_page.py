"""docs/operations.md and docs/alerts.yml know every figure and every log line, and name none that is not there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.cli import main
from shared.figures import COUNTERS, GAUGES, HISTOGRAMS
from shared.metrics import http_requests, http_seconds

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
RULES = yaml.safe_load((ROOT / "docs" / "alerts.yml").read_text("utf-8"))
ABOVE_INFO = {"warning", "error", "critical", "exception"}
SUFFIX = re.compile(r"_(total|bucket|count|sum)$")
FIGURE = re.compile(r"\bcaretrail_[a-z_]+\b")


def figures() -> dict[str, tuple[str, ...]]:
    """Every figure of ours and its labels."""
    requests = {metric._name: metric._labelnames for metric in (http_requests, http_seconds)}
    return requests | {name: labels for kind in (GAUGES, COUNTERS, HISTOGRAMS) for name, (_, labels) in kind.items()}


def named(text: str) -> set[str]:
    known = figures()
    return {name if name in known else SUFFIX.sub("", name) for name in FIGURE.findall(text)}


def log_lines() -> Iterator[str]:
    """The name of every line that our code writes above the level info."""
    for source in [*(ROOT / "shared").rglob("*.py"), *(ROOT / "services").rglob("*.py")]:
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _is_loud(node.func):
                yield from (each.value for each in ast.walk(node.args[0]) if isinstance(each, ast.Constant))


def _is_loud(called: ast.expr) -> bool:
    return (
        isinstance(called, ast.Attribute)
        and called.attr in ABOVE_INFO
        and isinstance(called.value, ast.Name)
        and called.value.id == "log"
    )


def rules() -> list[dict[str, Any]]:
    return [rule for group in RULES["groups"] for rule in group["rules"]]


class TestThePage:
    def test_knows_every_figure_and_no_other(self):
        assert named(PAGE) == set(figures())

    def test_knows_every_log_line_that_somebody_should_see(self):
        table = PAGE.partition("## What the logs say")[2]

        first = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
        told = {name for cell in first for name in re.findall(r"`([a-z-]+)`", cell)}

        assert told == set(log_lines())

    def test_names_commands_that_exist(self):
        said = set(re.findall(r"`caretrail ([a-z-]+)", PAGE))

        assert said - set(main.commands) == set()

    def test_links_to_files_that_exist(self):
        links = re.findall(r"\]\(([^)#]+)\)", PAGE)

        assert links
        assert [link for link in links if not (ROOT / "docs" / link).exists()] == []

    def test_is_found_from_the_readme(self):
        assert "(docs/operations.md)" in (ROOT / "README.md").read_text("utf-8")


class TestAlertRules:
    def test_have_what_prometheus_asks_for(self):
        for rule in rules():
            assert (
                {"alert", "expr", "labels", "annotations"}
                <= rule.keys()
                <= {
                    "alert",
                    "expr",
                    "for",
                    "labels",
                    "annotations",
                }
            )
            assert rule["expr"].count("(") == rule["expr"].count(")")
            assert re.fullmatch(r"\d+[smhd]", rule.get("for", "1m"))
            assert rule["annotations"].keys() == {"summary", "do"}
            assert rule["labels"]["severity"] in ("page", "warn")

    @pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
    def test_use_figures_and_labels_that_exist(self, rule: dict[str, Any]):
        known = figures()
        (figure,) = named(rule["expr"])

        given = {*known[figure], "instance", "job", "le"}
        used = {label for group in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in re.split(r",\s*", group)}
        used |= set(re.findall(r"(\w+)=~?\"", rule["expr"]))

        assert used <= given
        last = re.match(r"\w+(?:\([\d.]+, \w+)? by \(([^)]*)\)", rule["expr"])
        kept = set(re.split(r",\s*", last[1])) if last else given
        said = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert said <= kept

    def test_are_all_explained_on_the_page(self):
        assert [rule["alert"] for rule in rules() if rule["alert"] not in PAGE] == []
