"""Every file in tests/bad/declaration is refused with exactly the message beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from xenbuild.errors import Errors, XenbuildError
from xenbuild.spec.load import load
from xenbuild.spec.problems import excerpt

BAD = Path(__file__).parents[2] / "bad" / "declaration"
CASES = sorted(file.stem for file in BAD.glob("*.yaml"))


def render(error: XenbuildError) -> str:
    """Message, source line with caret and advice; several errors are parted by empty lines."""
    if isinstance(error, Errors):
        return "\n\n".join(render(one) for one in error.errors)
    lines = (str(error), excerpt(error.at), f"  {error.advice}" if error.advice else "")
    return "\n".join(line for line in lines if line)


@pytest.mark.parametrize("case", CASES)
def test_bad_declaration(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    with pytest.raises(XenbuildError) as caught:
        load(Path(f"{case}.yaml"))
    assert render(caught.value) + "\n" == (BAD / f"{case}.txt").read_text("utf-8")
    assert caught.value.exit_code == 3


def test_there_are_cases() -> None:
    assert len(CASES) >= 150
    assert set(CASES) == {file.stem for file in BAD.glob("*.txt")}
