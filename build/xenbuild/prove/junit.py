"""Verdicts as JUnit XML (the form that CI systems read) and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any
from xml.etree import ElementTree

from xenbuild.prove.verdict import Verdict

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


def to_junit(verdicts: Sequence[Verdict]) -> bytes:
    """One suite a target, one case a test; the failing step and the last console lines are the failure's text."""
    root = ElementTree.Element("testsuites", _counts(verdicts, "xenbuild"))
    for target, group in groupby(sorted(verdicts, key=lambda v: (v.target, v.name)), key=lambda v: v.target):
        cases = list(group)
        suite = ElementTree.SubElement(root, "testsuite", _counts(cases, target))
        for v in cases:
            case = ElementTree.SubElement(suite, "testcase", classname=target, name=v.name, time=f"{v.seconds:.3f}")
            if v.error:
                kind = "failure" if v.error.exit_code == 1 else "error"
                element = ElementTree.SubElement(case, kind, message=_clean(v.headline()))
                element.text = _clean("\n".join(v.details()))
    ElementTree.indent(root)
    xml: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml + b"\n"


def to_json(verdicts: Sequence[Verdict]) -> str:
    """A list of verdicts, in the order of targets and tests."""
    return json.dumps([_plain(v) for v in sorted(verdicts, key=lambda v: (v.target, v.name))], indent=2)


def _plain(v: Verdict) -> dict[str, Any]:
    return {
        "target": v.target,
        "name": v.name,
        "passed": v.passed,
        "seconds": round(v.seconds, 3),
        "accelerator": v.accelerator,
        "nonce": v.nonce,
        "log": str(v.log),
        "steps": [
            {"step": s.label, "at": str(s.at) if s.at else None, "seconds": round(s.seconds, 3)} for s in v.steps
        ],
        "error": v.headline() if v.error else None,
        "at": str(v.error.at) if v.error and v.error.at else None,
        "console": list(v.console),
        "guest": {"name": v.guest.name, "log": str(v.guest.log), "console": list(v.guest.lines)} if v.guest else None,
        "files": [str(file) for file in v.files],
        "reproduce": list(v.reproduce),
    }


def _counts(verdicts: Sequence[Verdict], name: str) -> dict[str, str]:
    failed = sum(1 for v in verdicts if v.error and v.error.exit_code == 1)
    errors = sum(1 for v in verdicts if v.error and v.error.exit_code != 1)
    return {
        "name": name,
        "tests": str(len(verdicts)),
        "failures": str(failed),
        "errors": str(errors),
        "time": f"{sum(v.seconds for v in verdicts):.3f}",
    }


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
