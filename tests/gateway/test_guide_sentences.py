"""What the guides to devices say outside of their snippets is a promise: each key, word and setting has a proof."""

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, CollectorRegistry

from gateway import GatewayMetrics
from gateway.pollers import reach
from gateway.pollers.interface import Values
from tests.gateway.guide_proofs import PROOFS, Case, Elsewhere, Proof
from tests.gateway.places import labels, read, values
from tests.gateway.pollers.test_meaning import OWN, translated

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
CODE_SPAN = re.compile(r"`[^`]+`")


def plain(guide: str) -> str:
    """A guide without its snippets, its lines joined."""
    return " ".join(FENCE.sub("", (ROOT / "docs" / guide).read_text(encoding="utf-8")).split())


def unproven(text: str, quotations: list[str]) -> list[str]:
    """Returns the inline code that no quotation covers, with the text around it."""
    covered = [(at, at + len(each)) for each in quotations if (at := text.find(each)) >= 0]
    return [
        text[max(0, span.start() - 40) : span.end() + 20]
        for span in CODE_SPAN.finditer(text)
        if not any(start <= span.start() and span.end() <= end for start, end in covered)
    ]


@pytest.mark.parametrize("guide", PROOFS)
def test_every_key_word_and_setting_has_a_proof(guide: str) -> None:
    assert unproven(plain(guide), [quotation for quotation, _ in PROOFS[guide]]) == []


@pytest.mark.parametrize("guide", PROOFS)
def test_every_proof_quotes_the_guide_to_the_letter(guide: str) -> None:
    text = plain(guide)
    assert [quotation for quotation, _ in PROOFS[guide] if quotation not in text] == []
    assert [quotation for quotation, proofs in PROOFS[guide] if not proofs] == []


def test_a_new_sentence_is_found() -> None:
    text = plain("devices.md") + " A key `kunci` means something new."
    assert len(unproven(text, [quotation for quotation, _ in PROOFS["devices.md"]])) == 1


PROVEN: list[tuple[str, Proof]] = [
    (quotation, proof) for proofs in PROOFS.values() for quotation, each in proofs for proof in each
]
CASES = [(quotation, proof) for quotation, proof in PROVEN if isinstance(proof, Case)]
TESTS = sorted({proof.test for _, proof in PROVEN if isinstance(proof, Elsewhere)})


@pytest.mark.parametrize(
    ("quotation", "case"), CASES, ids=[f"{case.one.adapter}: {case.topic} {case.payload}"[:90] for _, case in CASES]
)
def test_means_what_the_sentence_says(quotation: str, case: Case) -> None:
    found = read(case.kind, case.one, case.topic, case.payload)
    assert values(found) == case.means, quotation
    assert tuple(labels(found)) == case.refused, quotation


@pytest.mark.parametrize("test", TESTS)
def test_the_test_that_proves_it_is_there(test: str) -> None:
    path, _, name = test.partition("::")
    assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


def test_the_metrics_that_the_guides_name_are_there() -> None:
    named = set(re.findall(r"`(siaga_\w+)`", plain("devices.md") + plain("probes.md")))
    own = CollectorRegistry()
    GatewayMetrics(own)
    there = {metric.name for registry in (own, REGISTRY) for metric in registry.collect()}
    assert {name.removesuffix("_total") for name in named} <= there
    assert named


def test_the_ports_and_pings_are_those_of_the_guide() -> None:
    ports = re.search(r"connections to ports ([\d, and]+) at once", plain("probes.md"))
    assert ports is not None
    assert [int(port) for port in re.findall(r"\d+", ports[1])] == list(reach.PORTS)
    assert reach.PINGS == 3


def test_a_table_is_summed_or_counted() -> None:
    assert values(translated({f"{OWN}.*": "clients"}, Values({}, {OWN: [3, 4]}))) == {"clients": 7}
    assert values(translated({f"{OWN}.*": "wifi_up"}, Values({}, {OWN: [2, 1]}))) == {"wifi_up": True}
    assert values(translated({f"{OWN}.*": "wifi_up"}, Values({}, {OWN: [2, 2]}))) == {"wifi_up": False}
    assert values(translated({f"{OWN}.#": "clients"}, Values({}, {OWN: [b"\x02\x00\x00", 9]}))) == {"clients": 2}
