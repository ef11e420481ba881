"""The probe's ROM on a real QEMU: a guest of ours that needs no image."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from xenbuild.errors import HostError
from xenbuild.prove.console import Console
from xenbuild.prove.probe import runs_guest_code

pytestmark = pytest.mark.smoke


@pytest.fixture
def qemu(tool: Callable[[str], list[str]]) -> list[str]:
    return tool("qemu-system-x86_64")


def test_the_probes_code_runs(qemu: list[str]) -> None:
    assert runs_guest_code(qemu, accelerator="tcg", deadline=30)


def test_a_wrong_argument_is_told_in_qemus_words(qemu: list[str], tmp_path: Path) -> None:
    with Console([*qemu, "-machine", "nonsense"], log=tmp_path / "log") as console, pytest.raises(HostError) as caught:
        console.expect("never", time.monotonic() + 30)
    assert "unsupported machine type" in caught.value.message
