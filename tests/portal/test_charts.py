"""The PHQ-9 chart: what it shows, and its drawing."""

from __future__ import annotations

from datetime import datetime
from xml.etree import ElementTree

import pytest

from services.portal.charts import PHONE, WIDE, Charts, Mark, NotDrawn, Point, description, phq9_spec


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


POINTS = [Point(at("2026-09-01T09:00"), 16), Point(at("2026-10-27T17:30"), 9)]
MARKS = [Mark(at("2026-09-07T10:00"), 1), Mark(at("2026-10-12T10:00"), 2), Mark(at("2026-10-13T10:00"), 3)]


@pytest.fixture(scope="module")
def charts():
    drawing = Charts()
    yield drawing
    drawing.close()


def texts_in(svg: bytes) -> list[str]:
    return [element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]


class TestDrawing:
    @pytest.mark.parametrize("size", [WIDE, PHONE])
    def test_shows_totals_bands_and_revisions(self, charts: Charts, size):
        texts = texts_in(charts.svg(phq9_spec(POINTS, MARKS, size)))

        assert {"16", "9"} <= set(texts)
        assert {"minimal", "mild", "moderate", "mod. severe", "severe"} <= set(texts)
        assert {"Program", "Rev. 2–3"} <= set(texts)

    def test_of_a_single_total_is_possible(self, charts: Charts):
        assert "16" in texts_in(charts.svg(phq9_spec(POINTS[:1], [], WIDE)))

    def test_asks_for_no_foreign_address_and_carries_no_style(self, charts: Charts):
        svg = charts.svg(phq9_spec(POINTS, MARKS, WIDE))

        assert b"href" not in svg.replace(b"xmlns:xlink", b"")
        assert b"style=" not in svg
        assert b"<script" not in svg

    def test_is_done_once_for_the_same_content(self, charts: Charts):
        first = charts.svg(phq9_spec(POINTS, MARKS, WIDE))

        assert charts.svg(phq9_spec(POINTS, MARKS, WIDE)) is first

    def test_that_takes_too_long_is_given_up_and_the_next_one_works(self):
        charts = Charts(patience=0)
        with pytest.raises(NotDrawn):
            charts.svg(phq9_spec(POINTS, MARKS, WIDE))
        charts.close()

        patient = Charts()
        assert patient.svg(phq9_spec(POINTS, [], PHONE)).startswith(b"<svg")
        patient.close()


class TestDescription:
    def test_says_the_course_and_when_the_program_changed(self):
        assert description(POINTS, MARKS) == (
            "PHQ-9 totals, 2 values, from 16 on 1 Sep 2026 to 9 on 27 Oct 2026. "
            "The program was written or changed on 7 Sep 2026, 12 Oct 2026, 13 Oct 2026. "
            "The table below holds every value."
        )

    def test_of_one_total_is_that_total(self):
        assert description(POINTS[:1], []) == "PHQ-9 total: 16 on 1 Sep 2026."

    def test_of_none_says_so(self):
        assert description([], MARKS) == "No PHQ-9 totals."
