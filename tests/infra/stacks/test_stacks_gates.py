"""The gates: what general tools say of the templates, and that they would say it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.infra.stacks.conftest import ROOT, tool

STACKS = ROOT / "infra" / "stacks"


def accepted(assembly: Path) -> list[tuple[str, str, str]]:
    """Place, rule and reason of every finding that was accepted."""
    return [
        (place, rule, reason)
        for path in sorted(assembly.glob("assembly-*/*.metadata.json"))
        for place, entries in json.loads(path.read_text()).items()
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for rule, reason in entry["data"].items()
    ]


def test_cdk_nag_finds_nothing_that_is_not_accepted_with_a_reason(assembly: Path) -> None:
    report = json.loads((assembly / "validation-report.json").read_text())
    for plugin in report["pluginReports"]:
        assert plugin["conclusion"] == "success"
        assert plugin["violations"] == []
    found = accepted(assembly)
    assert len(found) > 50
    for place, rule, reason in found:
        assert len(reason.split()) >= 6, f"{place}: {rule}: {reason!r} is no reason"
        # Permissions are accepted one by one: whole, a rule would hide what comes later.
        assert not rule.endswith(("-IAM4", "-IAM5")), place


def test_cdk_nag_would_stop_the_synthesis(tmp_path: Path) -> None:
    script = (
        "import sys, aws_cdk as cdk\n"
        "from aws_cdk import aws_sqs as sqs\n"
        "from infra.app import app\n"
        "made = app(sys.argv[1])\n"
        "sqs.Queue(cdk.Stack(made, 'open'), 'queue')\n"
        "made.synth()\n"
    )
    made = tool(["python", "-c", script, tmp_path / "out"])
    assert made.returncode != 0
    report = json.loads((tmp_path / "out" / "validation-report.json").read_text())
    rules = {v["ruleName"] for plugin in report["pluginReports"] for v in plugin["violations"]}
    assert {"AwsSolutions-SQS3", "AwsSolutions-SQS4"} <= rules


def test_cfn_lint_finds_nothing(assembly: Path, tmp_path: Path) -> None:
    files = sorted(assembly.glob("assembly-*/*.template.json"))
    assert len(files) == 21
    config = ["--config-file", STACKS / "cfnlint.yaml", "--format", "json"]
    found = tool(["cfn-lint", *config, "--", *files])
    assert json.loads(found.stdout or "[]") == []
    assert found.returncode == 0, found.stderr
    # The same call, on a template with a mistake in it.
    body = json.loads(files[0].read_text())
    id = next(id for id, one in body["Resources"].items() if one["Type"] == "AWS::ECS::Service")
    body["Resources"][id]["Properties"]["DesiredCount"] = "many"
    wrong = tmp_path / "wrong.template.json"
    wrong.write_text(json.dumps(body))
    assert json.loads(tool(["cfn-lint", *config, "--", wrong]).stdout)


def test_hadolint_finds_nothing_in_the_image(tmp_path: Path) -> None:
    found = tool(["hadolint", ROOT / "infra" / "images" / "Dockerfile"])
    assert (found.returncode, found.stdout) == (0, "")
    wrong = tmp_path / "Dockerfile"
    wrong.write_text("FROM python\nRUN cd /tmp\n")
    assert "DL3003" in tool(["hadolint", wrong]).stdout


def test_checkov_finds_nothing_beyond_the_baseline(assembly: Path) -> None:
    baseline: dict[str, dict[str, str]] = yaml.safe_load((STACKS / "checkov.yaml").read_text())
    options = ["--framework", "cloudformation", "--skip-download", "--quiet", "--compact"]
    # A path of this machine in it would pass for a secret.
    found = tool(["checkov", "-d", assembly.relative_to(ROOT), *options, "-o", "json"])
    report: Any = json.loads(found.stdout)
    report = report if isinstance(report, dict) else report[0]
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 1000
    unknown, used = [], set()
    for check in report["results"]["failed_checks"]:
        rule, resource = check["check_id"], check["resource"]
        reasons = baseline.get(rule, {})
        matching = [part for part in reasons if part in resource]
        used |= {(rule, part) for part in matching}
        if not matching:
            unknown.append(f"{rule} {resource} {check['check_name']}")
    assert unknown == []
    stale = {(rule, part) for rule, reasons in baseline.items() for part in reasons} - used
    assert stale == set(), "the baseline accepts what is no longer found"


def test_every_entry_of_the_baseline_says_why() -> None:
    baseline: dict[str, dict[str, str]] = yaml.safe_load((STACKS / "checkov.yaml").read_text())
    for check, reasons in baseline.items():
        for resource, reason in reasons.items():
            assert len(reason.split()) >= 6, f"{check} {resource}: {reason!r} is no reason"
