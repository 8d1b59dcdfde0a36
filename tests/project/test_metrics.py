"""Each metric stands in the guide, and the rules for alerts ask for metrics that there are."""

import ast
import json
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
KINDS = {"Counter": "_total", "Gauge": "", "Histogram": ""}
RULES = ROOT / "deploy" / "prometheus"


def metrics() -> dict[str, str]:
    """Returns what each metric of the code says, by its name in `/metrics`."""
    found = {}
    for room in ("api", "collector", "gateway", "siaga"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
                    said = [str(one.value) for one in node.args[:2] if isinstance(one, ast.Constant)]
                    if len(said) == 2 and said[0].startswith("siaga_"):  # another Counter counts things
                        found[said[0] + KINDS[node.func.id]] = said[1]
    return found


def test_the_guide_has_each_metric_with_what_it_says_and_no_other() -> None:
    guide = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \| \w+ \| (.*) \|$", guide, re.MULTILINE))
    assert {name: text.lower() for name, text in told.items()} == {
        name: text.lower() for name, text in metrics().items()
    }


def test_the_rules_ask_for_metrics_that_there_are_and_say_what_helps() -> None:
    known = set(metrics())
    groups = yaml.safe_load((RULES / "siaga.rules.yml").read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 10
    for rule in rules:
        asked = set(re.findall(r"\bsiaga_\w+", rule["expr"]))
        assert asked <= known, rule["alert"]
        assert asked or "up{" in rule["expr"]
        assert rule["labels"]["severity"] in ("critical", "major", "warning")
        assert rule["annotations"].keys() == {"summary", "remedy"}


def test_the_configuration_names_the_rules() -> None:
    config = yaml.safe_load((RULES / "prometheus.yml").read_text(encoding="utf-8"))
    assert all((RULES / name).exists() for name in config["rule_files"])


def test_each_metric_is_on_the_dashboard_and_it_asks_for_no_other() -> None:
    board = json.loads((RULES / "dashboard.json").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    names = set(re.findall(r"\bsiaga_\w+", " ".join(asked)))
    assert {name.removesuffix("_bucket") for name in names} == set(metrics())
    assert all(expr.count("(") == expr.count(")") for expr in asked)
    for panel in board["panels"]:
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)
        assert panel["description"]
