from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from xenbuild.errors import HostError, Position, ProofFailed
from xenbuild.prove.junit import to_json, to_junit
from xenbuild.prove.verdict import StepTime, Verdict

AT = Position(Path("xenbuild.yaml"), 9, 5)


def verdict(target: str, name: str, error: ProofFailed | HostError | None = None) -> Verdict:
    return Verdict(
        target=target,
        name=name,
        nonce="00",
        accelerator="tcg",
        log=Path("out/log"),
        reproduce=("xenbuild run", "qemu -x"),
        seconds=1.5,
        steps=[StepTime("expect 'a'", AT, 1.25)],
        error=error,
        console=("last \x1b <line> & more",) if error else (),
    )


VERDICTS = [
    verdict("x86_64/xen", "boot"),
    verdict("arm64/xen", "boot", ProofFailed("no \x00 luck", at=AT)),
    verdict("x86_64/xen", "again", HostError("no QEMU", advice="get one")),
]


def test_junit_counts_and_says_why() -> None:
    root = ElementTree.fromstring(to_junit(VERDICTS))
    assert root.attrib == {"name": "xenbuild", "tests": "3", "failures": "1", "errors": "1", "time": "4.500"}
    assert [(s.get("name"), s.get("tests")) for s in root] == [("arm64/xen", "1"), ("x86_64/xen", "2")]
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("message") == "xenbuild.yaml:9:5: expect 'a': no \ufffd luck"
    assert failure.text == (
        "last lines of the console (out/log):\n  | last \ufffd <line> & more\n"
        "to see it yourself:\n  xenbuild run\n  qemu -x"
    )
    assert [c.get("name") for c in root.iter("testcase") if c.find("error") is not None] == ["again"]


def test_json_has_the_same() -> None:
    listed = json.loads(to_json(VERDICTS))
    assert [(v["target"], v["name"], v["passed"]) for v in listed] == [
        ("arm64/xen", "boot", False),
        ("x86_64/xen", "again", False),
        ("x86_64/xen", "boot", True),
    ]
    assert listed[0]["at"] == "xenbuild.yaml:9:5"
    assert listed[2]["error"] is None
    assert listed[2]["steps"] == [{"step": "expect 'a'", "at": "xenbuild.yaml:9:5", "seconds": 1.25}]
