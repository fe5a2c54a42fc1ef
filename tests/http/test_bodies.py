"""Bodies that are not what was asked for: cases 1 to 34 and 85 of the catalogue of bad input."""

import json
from typing import Any

import pytest

from tests.http.bakery import CUSTOMER
from tests.http.shop import Shop

GOOD = {"patient_id": str(CUSTOMER), "loaves": 2}


def with_(**changes: Any) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def raw(field: str, literal: str) -> bytes:
    """The good body with one more field, written as it is."""
    return f'{{"patient_id": "{CUSTOMER}", "loaves": 2, "{field}": {literal}}}'.encode()


def loaves(literal: str) -> bytes:
    return f'{{"patient_id": "{CUSTOMER}", "loaves": {literal}}}'.encode()


MALFORMED = {
    "1 empty": b"",
    "1 blank": b"   ",
    "2 truncated": b'{"loaves": 2',
    "4 a name twice": f'{{"patient_id": "{CUSTOMER}", "loaves": 1, "loaves": 2}}'.encode(),
    "4 a name twice, written differently": f'{{"patient_id": "{CUSTOMER}", "loaves": 1, "l\\u006faves": 2}}'.encode(),
    "5 NaN": loaves("NaN"),
    "5 Infinity": loaves("Infinity"),
    "5 minus Infinity": loaves("-Infinity"),
    "5 1e400": loaves("1e400"),
    "6 nested 100,000 deep": b"[" * 100_000,
    "6 nested 50,000 deep in objects": b'{"a":' * 50_000,
    "6 nested 33 deep": raw("toppings", "[" * 33 + "]" * 33),
    "7 5,000 digits": loaves("1" * 5000),
    "7 401 digits": loaves("1" * 401),
    "8 byte order mark": b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
    "9 invalid UTF-8": raw("note", '"\xff"').decode().encode("latin-1"),
    "9 UTF-16": json.dumps(GOOD).encode("utf-16"),
    "9 UTF-16 without mark": json.dumps(GOOD).encode("utf-16-le"),
    "trailing words": json.dumps(GOOD).encode() + b" GARBAGE",
    "single quotes": b"{'loaves': 2}",
    "a comment": b'{"loaves": 2 /* two */}',
    "a control character": b'{"note": "a\nb"}',
}

UNFIT = {
    "3 null": (b"null", "#"),
    "3 list": (b"[]", "#"),
    "3 text": (b'"x"', "#"),
    "3 number": (b"5", "#"),
    "10 lone surrogate": (raw("note", '"\\ud800"'), "#/note"),
    "10 lone surrogate in a list": (raw("toppings", '["\\udfff"]'), "#/toppings/0"),
    "10 lone surrogate in a name": (raw("\\ud800", "1"), "#"),
    "11 NUL": (raw("note", '"a\\u0000b"'), "#/note"),
    "12 unknown field": (with_(sesame=1), "#/sesame"),
    "13 missing field": (json.dumps({"patient_id": str(CUSTOMER)}).encode(), "#/loaves"),
    "14 text for a whole number": (loaves('"7"'), "#/loaves"),
    "15 fraction for a whole number": (loaves("7.9"), "#/loaves"),
    "15 1e300 for a whole number": (loaves("1e300"), "#/loaves"),
    "15 1e-300 for a whole number": (loaves("1e-300"), "#/loaves"),
    "16 true for a whole number": (loaves("true"), "#/loaves"),
    "17 Arabic digits": (loaves('"١٢"'), "#/loaves"),
    "18 10^30": (loaves("1" + "0" * 30), "#/loaves"),
    "19 minus zero": (loaves("-0"), "#/loaves"),
    "19 minus zero of a quantity": (raw("kilograms", "-0.0"), "#/kilograms"),
    "19 negative": (raw("kilograms", "-0.5"), "#/kilograms"),
    "19 zero": (loaves("0"), "#/loaves"),
    "null for a whole number": (loaves("null"), "#/loaves"),
    "text for a quantity": (raw("kilograms", '"1.5"'), "#/kilograms"),
    "true for a quantity": (raw("kilograms", "true"), "#/kilograms"),
    "too many decimals": (raw("kilograms", "0.123"), "#/kilograms"),
    "20 off": (raw("organic", '"off"'), "#/organic"),
    "20 1": (raw("organic", "1"), "#/organic"),
    "20 text true": (raw("organic", '"true"'), "#/organic"),
    "21 moment without zone": (with_(pick_up_at="2026-11-24T09:00:00"), "#/pick_up_at"),
    "21 a day for a moment": (with_(pick_up_at="2026-11-24"), "#/pick_up_at"),
    "22 year 1": (with_(pick_up_at="0001-01-01T00:00:00Z"), "#/pick_up_at"),
    "22 year 1, day": (with_(pick_up_on="0001-01-01"), "#/pick_up_on"),
    "22 year 9999": (with_(pick_up_on="9999-12-31"), "#/pick_up_on"),
    "22 beyond year 9999 in UTC": (with_(pick_up_at="9999-12-31T23:59:59-01:00"), "#/pick_up_at"),
    "23 February 30": (with_(pick_up_on="2026-02-30"), "#/pick_up_on"),
    "23 leap second": (with_(pick_up_at="2026-12-31T23:59:60Z"), "#/pick_up_at"),
    "a week date": (with_(pick_up_on="2026-W48-1"), "#/pick_up_on"),
    "a day without hyphens": (with_(pick_up_on="20261124"), "#/pick_up_on"),
    "a number for a moment": (with_(pick_up_at=1764000000), "#/pick_up_at"),
    "25 long text": (with_(note="a" * 101), "#/note"),
    "26 UUID in braces": (with_(patient_id=f"{{{CUSTOMER}}}"), "#/patient_id"),
    "26 UUID as urn": (with_(patient_id=f"urn:uuid:{CUSTOMER}"), "#/patient_id"),
    "26 UUID in upper case": (with_(patient_id="AAAAAAAA-AAAA-4AAA-8AAA-AAAAAAAAAAAA"), "#/patient_id"),
    "26 UUID without hyphens": (with_(patient_id=CUSTOMER.hex), "#/patient_id"),
    "27 right-to-left override": (with_(note="rye\u202edaerb"), "#/note"),
    "27 zero-width space": (with_(note="r\u200bye"), "#/note"),
    "27 byte order mark within": (with_(note="r\ufeffye"), "#/note"),
    "27 a thousand combining marks": (with_(note="e" + "\u0301" * 50), "#/note"),
    "27 escape sequence": (with_(note="\u001b[31mrye"), "#/note"),
    "27 line break in one line": (with_(note="rye\nwheat"), "#/note"),
    "27 line separator": (with_(note="rye\u2028wheat"), "#/note"),
    "27 private use": (with_(note="\ue000"), "#/note"),
    "blank text": (with_(note="  "), "#/note"),
    "empty text": (with_(note=""), "#/note"),
    "29 too many items": (with_(toppings=["seeds"] * 10_001), "#/toppings"),
    "29 one item too many": (with_(toppings=["seeds"] * 11), "#/toppings"),
    "an item of another kind": (with_(toppings=["seeds", 7]), "#/toppings/1"),
    "an object for a list": (with_(toppings={"0": "seeds"}), "#/toppings"),
    "a word that is none": (with_(flour="oats"), "#/flour"),
    "the name of a word": (with_(flour="RYE"), "#/flour"),
    "a list for a word": (with_(flour=["rye"]), "#/flour"),
    "85 role": (with_(role="operator"), "#/role"),
    "85 tenant_id": (with_(tenant_id="x"), "#/tenant_id"),
    "85 recorded_at": (with_(recorded_at="2020-01-01T00:00:00Z"), "#/recorded_at"),
    "85 id": (with_(id=str(CUSTOMER)), "#/id"),
}

TAKEN = {
    "the least": (with_(), {"loaves": 2, "note": None}),
    "all fields": (
        with_(
            note="Grüße",
            organic=True,
            flour="rye",
            pick_up_at="2026-11-24T09:00:00.5+01:00",
            pick_up_on="2026-11-24",
            kilograms=1.25,
            toppings=["seeds"],
        ),
        {"note": "Grüße"},
    ),
    "27 decomposed letters are composed": (with_(note="Gru\u0308n"), {"note": "Grün"}),
    "27 joiners within words": (with_(note="می\u200cخواهم"), {"note": "می\u200cخواهم"}),
    "27 emoji": (with_(note="🥨"), {"note": "🥨"}),
    "28 script": (with_(note="<script>alert(1)</script>"), {"note": "<script>alert(1)</script>"}),
    "28 SQL": (with_(note="'; DROP TABLE orders;--"), {"note": "'; DROP TABLE orders;--"}),
    "28 template": (with_(note="{{7*7}}"), {"note": "{{7*7}}"}),
    "28 formula": (with_(note="=cmd|' /C calc'!A0"), {"note": "=cmd|' /C calc'!A0"}),
    "a whole number for a quantity": (raw("kilograms", "2"), {}),
    "7.0 is a whole number to JSON Schema": (loaves("7.0"), {"loaves": 7}),
    "1e1 too": (loaves("1e1"), {"loaves": 10}),
    "the longest text": (with_(note="a" * 100), {"note": "a" * 100}),
}


class TestBody:
    @pytest.mark.parametrize("case", MALFORMED)
    def test_that_is_malformed_is_answered_400(self, shop: Shop, case: str):
        before = shop.events()

        answer = shop.post("/v1/orders", MALFORMED[case])

        assert answer.status_code == 400
        assert answer.content_type == "application/problem+json"
        assert answer.get_json()["type"] == "urn:caretrail:problem:malformed-body"
        assert shop.events() == before

    @pytest.mark.parametrize("case", UNFIT)
    def test_that_does_not_fit_is_answered_422_with_a_pointer(self, shop: Shop, case: str):
        body, pointer = UNFIT[case]

        answer = shop.post("/v1/orders", body)

        assert answer.status_code == 422
        assert answer.content_type == "application/problem+json"
        assert pointer in [error["pointer"] for error in answer.get_json()["errors"]]
        assert shop.events() == 0

    @pytest.mark.parametrize("case", TAKEN)
    def test_that_fits_is_taken(self, shop: Shop, case: str):
        body, expected = TAKEN[case]

        answer = shop.post("/v1/orders", body)

        assert answer.status_code == 201
        assert answer.get_json().items() >= expected.items()

    def test_is_answered_with_at_most_fifty_errors(self, shop: Shop):
        answer = shop.post("/v1/orders", {**GOOD, **{f"field-{number}": 1 for number in range(1000)}})

        assert answer.status_code == 422
        assert len(answer.get_json()["errors"]) == 50

    def test_is_never_repeated_in_the_answer(self, shop: Shop):
        answer = shop.post("/v1/orders", with_(note="Mrs Smith\u202e", flour="Mrs Smith", loaves="Mrs Smith"))

        assert answer.status_code == 422
        assert "Smith" not in answer.get_data(as_text=True)


class TestFraming:
    def test_of_256_kilobytes_and_one_is_answered_413(self, shop: Shop):
        body = json.dumps(GOOD).encode()

        assert shop.post("/v1/orders", body.ljust(256 * 1024 + 1)).status_code == 413
        assert shop.post("/v1/orders", body.ljust(256 * 1024)).status_code == 201

    def test_may_be_larger_where_a_route_says_so(self, shop: Shop):
        recipe = {"steps": ["knead"] * 100}

        answer = shop.post("/v1/recipes", json.dumps(recipe).encode().ljust(1024 * 1024))

        assert (answer.status_code, answer.get_json()) == (200, {"steps": 100})
        assert shop.post("/v1/recipes", json.dumps(recipe).encode().ljust(1024 * 1024 + 1)).status_code == 413

    def test_in_chunks_is_answered_411(self, shop: Shop):
        answer = shop.post("/v1/orders", json.dumps(GOOD).encode(), headers={"Transfer-Encoding": "chunked"})

        assert answer.status_code == 411

    @pytest.mark.parametrize(
        "content_type",
        [
            "text/plain",
            "",
            None,
            "application/json; charset=utf-16",
            "application/jsonp",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/merge-patch+json",
        ],
    )
    def test_of_another_content_type_is_answered_415(self, shop: Shop, content_type: str | None):
        answer = shop.post("/v1/orders", json.dumps(GOOD).encode(), content_type=content_type)

        assert answer.status_code == 415

    @pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=UTF-8"])
    def test_of_json_in_utf_8_is_taken(self, shop: Shop, content_type: str):
        assert shop.post("/v1/orders", json.dumps(GOOD).encode(), content_type=content_type).status_code == 201

    def test_that_is_compressed_is_answered_415(self, shop: Shop):
        answer = shop.post("/v1/orders", b"\x1f\x8b\x08\x00", headers={"Content-Encoding": "gzip"})

        assert answer.status_code == 415

    @pytest.mark.parametrize(("body", "status"), [(None, 200), (b"{}", 200), (b'{"now": true}', 422), (b"[", 400)])
    def test_is_not_needed_for_a_command_without_words(self, shop: Shop, body: bytes | None, status: int):
        order = shop.an_order()

        assert shop.post(f"/v1/orders/{order['id']}/bake", body).status_code == status
