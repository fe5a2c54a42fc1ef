"""Public answer sets with totals, counts and bands that others published, scored by our tables."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.clinical.findings import Result
from shared.clinical.safety import Flag
from shared.clinical.scoring import Score, score
from shared.clinical.totals import Status

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def public(path: str) -> Path:
    """A file of the public answer sets beside the checkout; the test is skipped where it is not."""
    file = DATA / path
    if not file.exists():
        pytest.skip(f"public answer sets are not here: {path}")
    return file


def nhanes(cycle: str) -> Iterator[Score]:
    """Every asked PHQ-9 of a survey cycle; refused (7) and do-not-know (9) count as unanswered."""
    columns = [f"DPQ0{item}0" for item in range(1, 10)]
    with gzip.open(public(f"nhanes/joined_{cycle}.csv.gz"), "rt", newline="") as file:
        for row in csv.DictReader(file):
            raw = [round(float(row[column])) if row[column] else None for column in columns]
            yield score("PHQ9", [answer if answer is not None and answer <= 3 else None for answer in raw])


class TestNhanes:
    def test_cycle_e_has_the_published_counts(self):
        complete = [result for result in nhanes("E") if result.status is Status.COMPLETE]

        assert len(complete) == 5415
        assert round(sum(result.total for result in complete) / 5415, 2) == 3.32
        assert sum(result.positive is Result.POSITIVE for result in complete) == 523
        assert sum(result.band == "severe" for result in complete) == 50
        assert len({result.answers for result in complete}) == 1354

    @pytest.mark.parametrize(("cycle", "complete", "item_9"), [("E", 5415, 246), ("F", 5546, 202)])
    def test_item_nine_is_flagged_as_often_as_published(self, cycle, complete, item_9):
        results = [result for result in nhanes(cycle) if result.status is Status.COMPLETE]

        assert len(results) == complete
        assert sum(Flag.SI_POSITIVE in result.flags for result in results) == item_9

    def test_incomplete_sets_never_pass_for_complete_ones(self):
        by_missing = Counter((min(result.missing, 3), result.status) for result in nhanes("F"))

        assert set(by_missing) <= {
            (0, Status.COMPLETE),
            (1, Status.PROVISIONAL),
            (2, Status.PROVISIONAL),
            (3, Status.INVALID),
        }
        assert by_missing[(1, Status.PROVISIONAL)] > 0
        assert by_missing[(3, Status.INVALID)] > 0


AWELL_CODES = {
    "phq_2": "PHQ2", "phq_9": "PHQ9", "GAD_7": "GAD7", "pcl_5": "PCL5", "isi": "ISI", "who_5": "WHO5",
}  # fmt: skip
AWELL_BANDS = {
    "None/minimal depression": "minimal",
    "Moderate depression": "moderate",
    "Severe depression": "severe",
    "No anxiety": "minimal",
    "Mild anxiety": "mild",
    "Severe anxiety": "severe",
    "No clinically significant insomnia": "none",
    "Subthreshold insomnia": "subthreshold",
    "Clinical insomnia (severe)": "severe",
}


class TestAwellVectors:
    def test_agree_in_totals_bands_and_clusters(self):
        vectors = json.loads(public("awell-score-vectors/vectors.json").read_text())
        ours = [vector for vector in vectors if vector["instrument"] in AWELL_CODES]

        for vector in ours:
            self.check(vector)

        assert len(ours) == 21

    def check(self, vector: dict) -> None:
        """Compare one vector with our score."""
        result = score(AWELL_CODES[vector["instrument"]], list(vector["response"].values()))
        expected, case = vector["expected"], (vector["instrument"], vector["case"])
        assert result.total == expected.get("total", expected.get("raw")), case
        assert result.percent == expected.get("percent"), case
        assert "band" not in expected or result.band == AWELL_BANDS[expected["band"]], case
        for cluster in "BCDE":
            assert result.finding(f"sum-{cluster}") == expected.get(cluster), case
        if "ptss" in expected:
            assert (result.positive is Result.POSITIVE) == bool(expected["ptss"]), case


class TestUkmStudents:
    def test_agree_with_a_plain_sum_of_their_columns(self):
        with public("ukm-students-phq9-gad7-pss10/psychological_aspects.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))

        for row in rows:
            phq9 = [int(row[f"D{item}"]) for item in range(1, 10)]
            gad7 = [int(row[f"A{item}"]) for item in range(1, 8)]
            pss = {item: int(row[f"S{item}"]) for item in range(1, 11)}
            stress = sum(pss[item] for item in (1, 2, 3, 6, 9, 10)) + 16 - sum(pss[item] for item in (4, 5, 7, 8))

            assert score("PHQ9", phq9).total == sum(phq9), row["row"]
            assert score("GAD7", gad7).total == sum(gad7), row["row"]
            assert score("PSS10", pss).total == stress, row["row"]

        assert len(rows) == 112
