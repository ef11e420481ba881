"""What decides whether an image must be built again."""

from __future__ import annotations

from pathlib import Path

from xenbuild.cli.session import own_files
from xenbuild.spec.load import load

DECLARATION = """
name: m
release: bookworm
hypervisor: {file: xen}
dom0: {files: [{path: /a, source: source:notes}, {path: /b, source: source:tree/b}, {path: /c, source: c}]}
sources:
  notes: {file: notes}
  tree: {git: "https://x/y.git", commit: "0123456789012345678901234567890123456789"}
  vendor: {apt: "http://x", suites: [s], keyring: key}
"""


def test_own_files_are_those_on_this_machine(tmp_path: Path) -> None:
    for name in ("xen", "notes", "c", "key"):
        (tmp_path / name).write_text(name)
    (tmp_path / "x.yaml").write_text(DECLARATION)
    assert sorted(own_files(load(tmp_path / "x.yaml"))) == [tmp_path / name for name in ("c", "key", "notes", "xen")]
