"""Which sentences the code asks for: read from the syntax of its modules and of its templates."""

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

from api.attestations.classes import Class
from api.attestations.scorecard import Evidence
from api.complaints.problems import PROBLEMS
from api.complaints.rules import State as ComplaintState
from api.http.attestation_body import PhotoSource
from api.issued.compare import Ground
from api.notifications.digest import What
from api.queries.visits import Reason
from api.reports.annex_columns import COLUMNS
from api.reports.beside import Line
from api.reports.columns import OUTAGE_COLUMNS, ROW_COLUMNS
from api.reports.glance import TABLES
from api.reports.levels import Level
from api.reports.method import METHOD
from api.reports.pdf.chapters import ADVISED
from api.reports.pdf.content import LAYOUT
from api.reports.pdf.facts import Goal
from api.reports.pdf.side_annexes import ANNEXES
from api.reports.pdf.strip import Look
from api.reports.pdf.tables import SHARES, TIMES
from api.reports.period import Unit
from api.reports.sheets import CHANGES, FACTS, SHEETS
from api.reports.sla import Pace
from api.schedules.schedule import MADE_UP_FOR
from api.web.alert_filter import Sort, Stage
from api.web.alert_forms import Snooze, Verb
from api.web.complaints import Act, QuietFor
from api.web.device_page import Stretch
from api.web.looker import Theme
from api.web.navigation import NAVIGATION
from api.web.overview_view import VillageState
from api.web.refusals import SAID
from api.web.setup.health import FIGURES, PARTS
from api.web.setup.index import PAGES
from api.web.setup.quarantine import OTHER
from api.web.setup.site_change import Kind as SiteKind
from api.web.setup.site_change import Mark
from api.words import WORDS, Language
from api.words.said import KEYS
from siaga.database.people import Weakness
from siaga.model.alert_kinds import SEVERITIES, Kind
from siaga.model.caller import Role
from siaga.model.indicators import INDICATORS, evidence_signals
from siaga.model.signals import SIGNALS
from siaga.model.sites import Adapter, Needs, Silence
from siaga.run.doctor.finding import REMEDIES, Said
from siaga.run.doctor.finding import State as Finds
from siaga.timeline.facility_state import DEVICE_SILENT, NO_EVIDENCE, VILLAGE_OFFLINE
from siaga.timeline.spans import State
from siaga.timeline.verdict import Verdict
from siaga.wire.refusal import LABELS

ROOT = Path(__file__).resolve().parents[2]
API = ROOT / "api"
OTHERS = (ROOT / "siaga/run/reports.py", ROOT / "siaga/run/fault_watch.py")
"""Modules elsewhere that say sentences."""
CALLED = ("words", "_words", "t", "say", "_say", "self", "WORDS", "Sentence", "_bad", "_refused")
"""What a thing is called that says sentences: `words("key")`, `words.count("key", n)`, in templates `t("key")`."""

FAMILIES: dict[str, set[str]] = {
    "state_": {state.value for state in State},
    "alert_": {kind.value for kind in Kind},
    "severity_": set(SEVERITIES.values()),
    "cause_": {VILLAGE_OFFLINE, DEVICE_SILENT, NO_EVIDENCE},
    "failed_": {signal for kind in INDICATORS for signal in evidence_signals(kind)} | {"online"},
    "signal_": {signal for kind in INDICATORS for signal in evidence_signals(kind)} | {"online"},
    "kind_": {"power"},
    "duration_": set("dhm"),
    "stage_": {stage.value for stage in Stage},
    "sort_": {sort.value for sort in Sort},
    "snooze_": {snooze.value for snooze in Snooze},
    "kind_of_alert_": {kind.value for kind in Kind},
    "trail_": {"acknowledge", "assign", "comment", "snooze", "assign_to", "assign_nobody", "snooze_not", "withdrawn"},
    "told_": {what.value for what in What},
    "todo_": {kind.value for kind in Kind}
    | {
        f"facility_failed_{cause}"
        for cause in ("gate_open", "internet", "wifi_open", "lamp_on", "checkin", DEVICE_SILENT)
    },
    "alerts_by_": {"kind", "severity", "state", "sort"},
    "alerts_done_": {verb.value for verb in Verb},
    "nav_": {entry.key.removeprefix("nav_") for entry in NAVIGATION},
    "role_": {role.value for role in Role} | {f"about_{role.value}" for role in Role},
    "refusal_": {str(status) for status in SAID} | {f"detail_{status}" for status in SAID},
    "theme_": {theme.value for theme in Theme} | {f"to_{theme.value}" for theme in Theme},
    "password_": {why.value for why in Weakness} | {"differs", "wrong", "wait"},
    "visit_": {reason.value for reason in Reason},
    "class_": {one.value for one in Class},
    "evidence_": {one.value for one in Evidence},
    "evidence_short_": {one.value for one in Evidence if one is not Evidence.NONE},
    "problem_": {problem.name for found in PROBLEMS.values() for problem in found},
    "complaint_state_": {state.value for state in ComplaintState},
    "complaint_done_": {act.value for act in Act},
    "complaints_quiet_": {one.value for one in QuietFor},
    "doctor_": {said.value for said in Said}
    | {f"{said.value}_do" for said in REMEDIES}
    | {f"state_{state.value}" for state in Finds},
    "setup_": {page.key for page in PAGES} | {f"about_{page.key}" for page in PAGES},
    "reports_table_": {str(name) for name in TABLES},
    "reports_unit_": {unit.value for unit in Unit if unit is not Unit.DATES} | {"closed"},
    "reports_every_": {unit.value for unit in MADE_UP_FOR},
    "reports_goal_": {goal.value for goal in Goal if goal is not Goal.NONE},
    "reports_figure_": {f"{note}{name}" for name in ("low", "measured", "not_known") for note in ("", "note_")},
    "reports_why_": {ground.value for ground in Ground},
    "pace_": {pace.value for pace in Pace},
    "stand_": {state.value for state in VillageState} | {"taken"},
    "reading_": set(SIGNALS),
    "stretch_": {stretch.value for stretch in Stretch},
    "refused_": {*LABELS, OTHER},
    "remedy_": {*LABELS, OTHER},
    "said_": {key.removeprefix(KEYS) for key in WORDS[Language.EN].catalogue.forms if key.startswith(KEYS)},
    "site_key_": {
        "code",
        "name",
        "lat",
        "lon",
        "timezone",
        "offline_after",
        "uplink",
        "id",
        "kind",
        "since",
        "needs",
        "grace",
        "recovery",
        "target",
        "schedule",
        "silence",
        "facility",
        "adapter",
        "address",
        "every",
        "map",
        "invert",
        "date",
    },
    "health_part_": set(PARTS),
    "health_": {figure.key for figure in FIGURES},
    "site_kind_": {kind.value for kind in SiteKind},
    "site_mark_": {mark.value for mark in Mark},
    "sites_": {mark.value for mark in Mark},
    "site_adapter_": {adapter.value for adapter in Adapter},
    "site_needs_": {one.value for one in Needs},
    "site_silence_": {one.value for one in Silence} | {"usual"},
    "message_head_": {what.value for what in What},
    "asked_from_": {"missing", "no_date", "not_in_calendar"},
    "asked_to_": {"missing", "no_date", "not_in_calendar"},
    "month_": {verdict.value for verdict in Verdict} | {"of_all"},
    "not_declared_": {"ends", "far", "unknown", "rule", "part"},
    "repeat_": {"once", "daily", "weekly", "monthly"},
    "rule_": {kind for kind, indicator in INDICATORS.items() if indicator.sensed is not None} | {"attested"},
    "annex_": set(ANNEXES) | {f"none_{name}" for name in ANNEXES},
    "annex_sheet_": set(COLUMNS),
    "annex_column_": {column for columns in COLUMNS.values() for column in columns},
    "annex_blank_": {Line.NEVER.value, Line.NO_LINE.value},
    "annex_line_": {line.value for line in Line},
    "annex_source_": {source.value for source in PhotoSource},
    "column_": {*ROW_COLUMNS, *OUTAGE_COLUMNS},
    "method_": set(METHOD),
    "sheet_": {*Level, *SHEETS, *FACTS, *CHANGES},
    "pdf_": set(LAYOUT),
    "pdf_advice_": set(ADVISED),
    "pdf_head_": {*SHARES, *TIMES, State.FAILED.value, State.UNKNOWN.value},
    "pdf_verdict_": {goal.value for goal in Goal},
    "pdf_goal_": {goal.value for goal in Goal},
    "pdf_look_": {look.value for look in Look},
}
"""Keys that are made of a prefix and a word of a fixed list: each word has its sentence, and no other has one."""


def in_modules() -> Iterator[tuple[str, str]]:
    """Yields each key that a module asks for, with where it does."""
    for path in (*sorted(API.rglob("*.py")), *OTHERS):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and _says(node.func):
                for found in ast.walk(node.args[0]):
                    if isinstance(found, ast.Constant) and isinstance(found.value, str) and _is_whole(found, node):
                        yield found.value, f"{path.relative_to(ROOT)} line {found.lineno}"


def in_templates() -> Iterator[tuple[str, str]]:
    """Yields each key that a template asks for, with where it does."""
    environment = Environment(autoescape=True, extensions=["jinja2.ext.do"])
    for path in sorted(API.rglob("*.html")):
        for call in environment.parse(path.read_text(encoding="utf-8")).find_all(nodes.Call):
            if call.args and _is_t(call.node):
                yield from ((key, f"{path.relative_to(API)} line {call.lineno}") for key in _constants(call.args[0]))


def _says(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute) and function.attr == "count":
        function = function.value
    if isinstance(function, ast.Subscript):
        function = function.value
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in CALLED


def _is_whole(found: ast.Constant, call: ast.Call) -> bool:
    """Whether a string is a whole key: not a part of an f-string, nor what a condition compares."""
    return not any(
        found in ast.walk(part)
        for node in ast.walk(call.args[0])
        for part in ([node] if isinstance(node, ast.JoinedStr) else [node.test] if isinstance(node, ast.IfExp) else [])
    )


def _is_t(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Getattr) and node.attr == "count":
        node = node.node
    return isinstance(node, nodes.Name) and node.name == "t"


def _constants(node: nodes.Node) -> Iterator[str]:
    """Yields the whole keys that an argument may be: itself, or each branch of a condition."""
    if isinstance(node, nodes.Const):
        yield str(node.value)
    elif isinstance(node, nodes.CondExpr):
        yield from _constants(node.expr1)
        if node.expr2 is not None:
            yield from _constants(node.expr2)
