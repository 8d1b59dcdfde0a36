"""GeoReport v2, against the examples of its specification: services, definitions, requests, in XML and in JSON."""

from typing import Any
from xml.etree.ElementTree import Element, fromstring

import httpx
import pytest

from api.complaints.georeport import Form, rendered
from api.complaints.problems import PROBLEMS
from siaga.model.clock import DAY, MINUTE
from tests.http.district import GLAGAH, LICIN, MET, NOW, District

V2 = "/open311/v2"
GATE = f"{GLAGAH}/gerbang"
SHUT = {"service_code": "gate-gate_closed", "address_id": GATE}

# The elements of the examples at https://wiki.open311.org/GeoReport_v2/
SERVICE = ["service_code", "service_name", "description", "metadata", "type", "keywords", "group"]
ATTRIBUTE = ["variable", "code", "datatype", "required", "datatype_description", "order", "description"]
REQUEST = [
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description", "agency_responsible",
    "service_notice", "requested_datetime", "updated_datetime", "expected_datetime", "address", "address_id", "zipcode",
    "lat", "long", "media_url",
]  # fmt: skip
CREATED = ["service_request_id", "service_notice", "account_id"]


def xml(answer: httpx.Response) -> Element:
    assert answer.headers["content-type"] == "text/xml; charset=utf-8", answer.text
    return fromstring(answer.content)


def tags(element: Element) -> list[str]:
    return [one.tag for one in element]


def as_json(element: Element) -> Any:
    """What a document of ours says in JSON, with all values as text."""
    lists = {"services", "service_requests", "attributes", "errors", "endpoints", "formats"}
    if element.tag in lists:
        return [as_json(one) for one in element]
    return {one.tag: as_json(one) for one in element} if len(element) else element.text


def texts(value: object) -> object:
    """JSON with all values as text, as XML has them."""
    if isinstance(value, dict):
        return {name: texts(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [texts(inner) for inner in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def complain(client: httpx.Client, **said: str) -> str:
    answer = client.post(f"{V2}/requests.json", data=SHUT | said)
    assert answer.status_code == 201, answer.text
    [made] = answer.json()
    assert list(made) == CREATED
    return str(made["service_request_id"])


def test_services_and_their_definitions(reader: httpx.Client) -> None:
    found = xml(reader.get(f"{V2}/services.xml"))
    assert found.tag == "services"
    assert {one.tag for one in found} == {"service"}
    assert all(tags(one) == SERVICE for one in found)
    assert len(found) == sum(map(len, PROBLEMS.values()))
    listed = reader.get(f"{V2}/services.json", params={"jurisdiction_id": "banyuwangi.go.id"})
    assert listed.headers["content-type"] == "application/json"
    assert texts(listed.json()) == as_json(found)
    code = "gate-gate_closed"
    definition = xml(reader.get(f"{V2}/services/{code}.xml"))
    assert (definition.tag, tags(definition)) == ("service_definition", ["service_code", "attributes"])
    assert [tags(one) for one in definition.iterfind("attributes/attribute")] == [ATTRIBUTE]
    assert texts(reader.get(f"{V2}/services/{code}.json").json()) == as_json(definition)
    english = reader.get(f"{V2}/services.json", headers={"Accept-Language": "en"}).json()
    assert "Gate is shut" in [one["service_name"] for one in english]


def test_discovery_leads_to_the_endpoint(reader: httpx.Client) -> None:
    for path in ("/open311/discovery", f"{V2}/discovery"):
        found = xml(reader.get(f"{path}.xml"))
        assert tags(found) == ["changeset", "contact", "key_service", "endpoints"]
        [endpoint] = found.iterfind("endpoints/endpoint")
        assert tags(endpoint) == ["specification", "url", "changeset", "type", "formats"]
        assert [one.text for one in endpoint.iterfind("formats/format")] == ["text/xml", "application/json"]
        assert reader.get(f"{endpoint.findtext('url')}/services.xml").status_code == 200
        assert texts(reader.get(f"{path}.json").json()) == as_json(found)


def test_a_complaint_goes_in_and_is_shown_once_somebody_looked(both: District) -> None:
    both.alternating(GLAGAH, "gerbang", NOW - DAY, (2 * DAY, MET, None))
    with both.served() as client:
        named = complain(client, description="Tutup sejak pagi", first_name="Budi", phone="0812", email="a@b.id")
        other = complain(client, service_code="gate-other", description="x")
        assert client.get(f"{V2}/requests.json").json() == [], "nobody has looked at it"
        kept = client.get(f"/api/v1/complaints/{named}").json()
        assert (kept["facility"], kept["problem"], kept["note"]) == (GATE, "gate_closed", "Tutup sejak pagi")
        client.post(f"/api/v1/complaints/{named}/seen")
        client.post(f"/api/v1/complaints/{other}/reject")
        both.clock.advance(MINUTE)
        client.post(f"/api/v1/complaints/{named}/close", json={"answer": "Sudah \x07dibuka & dikunci <lagi>"})
        found = xml(client.get(f"{V2}/requests.xml"))
        assert found.tag == "service_requests"
        [one] = found
        assert (one.tag, tags(one)) == ("request", [*REQUEST, "extended_attributes"])
        assert {
            name: one.findtext(name) for name in ("status", "status_notes", "address_id", "requested_datetime")
        } == {
            "status": "closed",
            "status_notes": "Sudah dibuka & dikunci <lagi>",
            "address_id": GATE,
            "requested_datetime": "2026-03-04T05:00:00Z",
        }
        assert one.findtext("extended_attributes/contradicts") == "true"
        assert "Tutup sejak pagi" not in client.get(f"{V2}/requests.json").text, "a note may name people"
        [shown] = client.get(f"{V2}/requests/{other}.json").json()
        assert (shown["service_request_id"], shown["status"]) == (other, "closed")
        for query, count in (
            ({"status": "open"}, 0),
            ({"status": "open,closed"}, 1),
            ({"service_code": "gate-gate_closed,gate-other"}, 1),
            ({"service_code": "gate-other"}, 0),
            ({"start_date": "2026-03-04T05:00:01Z"}, 0),
            ({"end_date": "2026-03-04T12:00:01+07:00"}, 1),
            ({"service_request_id": f"{named}, {other}, none"}, 2),
        ):
            assert len(client.get(f"{V2}/requests.json", params=query).json()) == count, query


def test_without_a_public_page_the_public_sees_no_states(district: District) -> None:
    district.public_page = False
    with district.served(None) as client:
        made = complain(client)
        assert client.get(f"{V2}/requests.json").status_code == 403
        [one] = client.get(f"{V2}/requests/{made}.json").json()
        assert one["extended_attributes"] is None


def test_a_place_on_earth_is_the_village_s_one_facility(district: District) -> None:
    with district.served(None) as client:
        at = {"service_code": "office_lighting-lamp_off", "lat": "-8.171", "long": "114.262"}
        made = client.post(f"{V2}/requests.xml", data=at)
        assert made.status_code == 201
        assert tags(xml(made)[0]) == CREATED
        attribute = {"service_code": "gate-gate_broken", "attribute[facility]": GATE}
        assert client.post(f"{V2}/requests.json", data=attribute).status_code == 201


@pytest.mark.parametrize(
    ("said", "status", "why"),
    [
        ({}, 400, "service_code: is missing"),
        ({"service_code": "gate-none"}, 404, "there is no service 'gate-none'"),
        ({"service_code": "gate-other"}, 400, "address_id: is missing"),
        ({"service_code": "gate-other", "address_id": f"{GLAGAH}/none"}, 400, "there is no facility"),
        ({"service_code": "gate-other", "address_id": f"{LICIN}/lampu"}, 400, "is a service of a gate"),
        ({"service_code": "gate-other", "lat": "0", "long": "0"}, 400, "the village there has none"),
        ({"service_code": "gate-other", "lat": "91", "long": "0"}, 400, "no place on Earth"),
        (SHUT | {"description": "x" * 2001}, 400, "note"),
    ],
)
def test_what_is_wrong_is_said_in_the_form_of_the_specification(
    reader: httpx.Client, said: dict[str, str], status: int, why: str
) -> None:
    answer = reader.post(f"{V2}/requests.xml", data=said)
    found = xml(answer)
    assert (answer.status_code, found.tag, tags(found[0])) == (status, "errors", ["code", "description"])
    assert (found[0].findtext("code"), why in str(found[0].findtext("description"))) == (str(status), True)


@pytest.mark.parametrize("path", ["services/none.json", "requests/aaaaaaaaaaaa.json", "services.csv", "requests.pdf"])
def test_what_is_not_there_is_404(reader: httpx.Client, path: str) -> None:
    answer = reader.get(f"{V2}/{path}")
    assert (answer.status_code, "404" in answer.text) == (404, True)


def test_a_date_or_a_status_that_is_none_is_400(reader: httpx.Client) -> None:
    for query in ({"start_date": "gestern"}, {"end_date": "2026-03-04"}, {"status": "new"}):
        answer = reader.get(f"{V2}/requests.json", params=query)
        assert (answer.status_code, answer.json()[0]["code"]) == (400, 400)


def test_what_xml_cannot_hold_is_left_out() -> None:
    assert (
        fromstring(rendered(Form.XML, "errors", [{"description": "a\x00\ufffe\U0001f600<b>"}]))[0][0].text == "a😀<b>"
    )
