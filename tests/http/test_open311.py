"""GeoReport v2, against the examples of its specification: services, definitions, requests, in XML and in JSON."""

from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import httpx
import pytest
from georeport import GeoReport  # type: ignore[import-untyped]  # it has no types
from sqlalchemy import event

from api.complaints.georeport import Form, rendered
from api.complaints.problems import PROBLEMS
from siaga.model.clock import DAY, MINUTE
from tests.http.district import GLAGAH, LICIN, MET, NOW, District, villages

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


def test_a_file_is_refused_in_the_form_of_the_specification(reader: httpx.Client) -> None:
    answer = reader.post(f"{V2}/requests.xml", data=SHUT, files={"media": ("a.jpg", b"\xff\xd8", "image/jpeg")})
    found = xml(answer)
    assert (answer.status_code, found.tag, found[0].findtext("code")) == (400, "errors", "400")
    assert "the form cannot be read" in str(found[0].findtext("description"))


@pytest.mark.parametrize("form", ["xml", "json"])
def test_a_public_client_reads_services_definitions_and_requests(district: District, form: str) -> None:
    """`georeport`, a client of this interface that others wrote: it knows the specification, and nothing of us."""
    district.alternating(GLAGAH, "gerbang", NOW - DAY, (2 * DAY, MET, None))
    with district.served() as client:
        named, other = complain(client), complain(client, description="lagi")
        for complaint in (named, other):
            client.post(f"/api/v1/complaints/{complaint}/seen")
        city = GeoReport(f"{client.base_url}/open311/v2", jurisdiction="banyuwangi.go.id", output_format=form)
        services = {service["service_code"]: service for service in city.get_service_list()}
        assert (len(services), services["gate-other"]["type"]) == (sum(map(len, PROBLEMS.values())), "realtime")
        definition = city.get_service_definition("gate-gate_closed")
        assert definition["service_code"] == "gate-gate_closed"
        found = city.get_service_requests(service_code="gate-gate_closed", status="open")
        assert {request["service_request_id"] for request in found} == {named, other}
        asked = city.get_service_requests(service_request_id=f"{named},{other}")
        assert [request["service_request_id"] for request in asked] == [named, other]
        one = city.get_service_request(named)
        assert (one["status"], one["address_id"], one["service_code"]) == ("open", GATE, "gate-gate_closed")
        assert one["extended_attributes"]["contradicts"] in (True, "true")
        client.post(f"/api/v1/complaints/{named}/close", json={"answer": "Sudah dibuka."})
        assert city.get_service_request(named)["status_notes"] == "Sudah dibuka."
        with pytest.raises(OSError, match="404"):
            city.get_service_definition("gate-none")


def test_a_thousand_ids_take_as_many_queries_as_one(district: District) -> None:
    with district.served() as client:
        made = [complain(client, description=str(n)) for n in range(3)]
        for complaint in made:
            client.post(f"/api/v1/complaints/{complaint}/seen")

        def statements(*ids: str) -> int:
            asked: list[str] = []

            def note(*arguments: object) -> None:
                asked.append(str(arguments[2]))

            event.listen(district.engine, "before_cursor_execute", note)
            try:
                found = client.get(f"{V2}/requests.json", params={"service_request_id": ",".join(ids)}).json()
            finally:
                event.remove(district.engine, "before_cursor_execute", note)
            assert [one["service_request_id"] for one in found] == [one for one in ids if one in made]
            return sum("complaint" in one or "facility" in one for one in asked)

        none = ["aaaaaaaaaaa" + letter for letter in "bcdefghjkmnpqrstvwxyz23456789"] * 26
        assert statements(made[2], *none, made[0], made[1]) == statements(made[0])


def test_a_place_is_the_nearest_village_s_even_if_a_neighbour_has_such_a_facility(district: District) -> None:
    """Licin has no gate, and Glagah, which has one, lies within five kilometres of it."""
    at = {"service_code": "gate-other", "lat": "-8.171", "long": "114.262"}
    with district.served(None) as client:
        district.registry.replace(
            [replace(one, latitude=-8.19, longitude=114.27) if one.code == GLAGAH else one for one in villages()], NOW
        )
        answer = client.post(f"{V2}/requests.json", data=at)
        assert (answer.status_code, "the village there has none" in answer.text) == (400, True)
        assert client.post(f"{V2}/requests.json", data=at | {"lat": "-8.189"}).status_code == 201


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
