"""The table of hypercalls in docs/hvkernel.md is that of the code."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from types import ModuleType

import pytest
from project import TOP


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("abi_table", str(TOP / "scripts/abi-table"))
    spec = importlib.util.spec_from_loader("abi_table", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_the_document_is_current(script: ModuleType) -> None:
    text = (TOP / "docs/hvkernel.md").read_text("utf-8")
    assert text == script.written(text), "run scripts/abi-table --write"
    assert text.count("\n| ") > 35


CODE = """
long hypercall(ulong nr, ulong *args)
{
	switch (nr) {
	case HC_sched_op:
		return sched_op((u32)args[0], args[1]);
	case HC_domctl:
		return privileged(domctl, nr, args[0]);
	case HC_nmi_op:
		return -ENOSYS;
	}
}
long sched_op(u32 cmd, ulong arg)
{
	if (cmd == SCHEDOP_poll)
		return poll(arg);
	switch (cmd) {
	case SCHEDOP_yield:
	case SCHEDOP_block:
		return block();
	case SCHEDOP_watchdog:
		return -ENOSYS;
	}
}
"""
KNOWN = ["SCHEDOP_yield", "SCHEDOP_block", "SCHEDOP_poll", "SCHEDOP_watchdog", "SCHEDOP_shutdown", "DOMCTL_pausedomain"]


def test_what_the_code_says(script: ModuleType) -> None:
    found = {row[1]: row[2:] for row in script.rows(CODE, KNOWN)}
    assert found["sched_op"] == ("all", "yield, block, poll", "watchdog, shutdown")
    assert found["domctl"] == ("dom0", "", "pausedomain")
    assert found["nmi_op"] == found["memory_op"] == ("", "", "all")


def test_a_change_shows(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    before = script.table()
    text = script.code()
    assert "case SCHEDOP_poll:" in text
    monkeypatch.setattr(script, "code", lambda: text.replace("case SCHEDOP_poll:", ""))
    assert script.table() != before
