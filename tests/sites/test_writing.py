"""What is written as a sites file is read back as the same."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings

from siaga.model.sites import Village
from siaga.sites.file import SitesDocument, read_document
from siaga.sites.writing import fingerprint, share_text, write_document
from tests.sites.strategies import documents
from tests.sites.test_sites_file import BESIDE, WHOLE


@given(documents())
@settings(max_examples=80, deadline=None)
def test_any_file_is_read_back_as_it_was_written(document: SitesDocument) -> None:
    text = write_document(document.villages, document.regions, document.holidays)
    back = read_document(text, "sites.yaml")
    assert back.villages == document.villages
    assert back.regions == document.regions
    assert back.holidays == (document.holidays if document.villages else {})


def test_a_written_file_looks_as_people_write_it() -> None:
    document = read_document(WHOLE + BESIDE, "sites.yaml")
    text = write_document(document.villages, document.regions, document.holidays)
    assert read_document(text, "sites.yaml") == document
    assert "    map: {Switch1: gate_open, '0': battery}\n" in text
    assert "- {date: 2026-03-20, name: Cuti bersama Idulfitri}\n" in text
    assert "every: 30s" in text


@pytest.mark.parametrize("text", ["0.95", "0.99", "99.9 %", "0.000000001", "33.3333333 %", "1"])
def test_a_share_is_written_as_the_same_number(text: str) -> None:
    share = float(text.removesuffix(" %")) / (100 if "%" in text else 1)
    again = share_text(share)
    assert float(again.removesuffix(" %")) / (100 if "%" in again else 1) == share


def test_villages_with_different_holidays_are_no_single_file() -> None:
    village = Village("35.10.15.2012", "A", 0, 0, "UTC")
    with pytest.raises(ValueError, match="different holidays"):
        write_document([village, replace(village, holidays=frozenset({date(2026, 1, 1)}))])
    assert fingerprint(village) == fingerprint(replace(village, told=5))
    assert fingerprint(village) != fingerprint(replace(village, holidays=frozenset({date(2026, 1, 1)})))
