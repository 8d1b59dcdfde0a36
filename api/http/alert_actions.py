"""Actions on one alert as a call asks for them: by `If-Match`, and refused as a problem."""

from api.alert_records.actions import Act, Changed, NoSuchAlert
from api.alert_records.actions import act as do
from api.http.problems import Refused, not_found
from api.http.services import Services
from siaga.model.caller import Caller

__all__ = ["act", "etag"]


def act(services: Services, caller: Caller, alert: str, what: Act, if_match: str | None) -> None:
    """Do it, unless the alert is no longer at a revision that `If-Match` names.

    Raises:
        Refused: 404, there is no such alert; 412, somebody else was first.
    """
    allowed = None if if_match is None else (lambda revision: _matches(if_match, revision))
    try:
        do(services.engine, caller, alert, what, services.clock.now(), allowed=allowed)
    except NoSuchAlert:
        raise not_found("alert", alert) from None
    except Changed as problem:
        tag = etag(problem.revision)
        sentence = f"If-Match: {str(if_match)[:60]!r} is not the alert's revision now, {tag}"
        raise Refused(412, sentence, {"ETag": tag}) from None
    services.signal.ring()


def etag(revision: int) -> str:
    """The entity tag of a revision."""
    return f'"{revision}"'


def _matches(if_match: str, revision: int) -> bool:
    """By RFC 9110, section 13.1.1: `*`, or one of the tags listed; a weak tag never matches."""
    return if_match.strip() == "*" or etag(revision) in [tag.strip() for tag in if_match.split(",")]
