"""Guests that loop, crash, flood and hoard disturb nobody, and get what their weights say: neighbours/xenbuild.yaml."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from project import TOP, Project

from xenbuild.media.build import Settings

pytestmark = pytest.mark.smoke

GUESTS = TOP / "recipes" / "examples" / "guests"
SLOW = pytest.mark.slow
# Target, processors of the machine, those that the guests share, seconds that are looked at.
CASES = [
    pytest.param("ia32/hvkernel", 1, "all", 3),
    pytest.param("x86_64/hvkernel", 1, "all", 3),
    *(
        pytest.param(target, cpus, shared, 10, marks=SLOW)
        for target in ("ia32/hvkernel", "x86_64/hvkernel")
        for cpus, shared in ((2, "all"), (4, "1-2"), (8, "1-2"))
    ),
]


@pytest.mark.parametrize(("target", "cpus", "shared", "window"), CASES)
def test_nobody_is_disturbed(
    target: str, cpus: int, shared: str, window: int, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(Path(__file__).with_name("neighbours"), folder, ignore=shutil.ignore_patterns("out"))
    for file in ("echo/echo.c", "exercise/exercise.c"):
        shutil.copy(GUESTS / file, folder)
    shutil.copy(TOP / "xenbuild.lock", folder)
    sets: dict[str, object] = {"machine": cpus, "cpus": shared, "window": window}
    if cpus > 1:
        # Time in which the host runs a CPU of the machine not is charged all the same, and a cap pays for it only
        # afterwards. Without a cap it would be a half.
        sets["capped"] = r"[12]\d"
    words = [word for name, value in sets.items() for word in ("--set", f"{name}={value}")]
    outcome = Project(folder, settings.store.root).run("test", target, "--json", *words)
    [verdict] = json.loads(outcome.out) if outcome.out else [{"passed": False}]
    assert outcome.code == 0 and verdict["passed"], outcome.err + json.dumps(verdict, indent=1)
    log = (folder / verdict["log"]).read_text(errors="replace")
    while_all_run = log[log.index("hoard: refused") : log.index("share(%)")]
    # The guests' own count agrees with what hvkernel has charged them for.
    assert 1.6 < rounds(while_all_run, "work") / rounds(while_all_run, "less") < 2.5


def rounds(log: str, guest: str) -> float:
    """How fast a guest computed: rounds in a second."""
    said = re.findall(rf"\[{guest}\] work: round (\d+) at (\d+) ms", log)
    (first, begin), (last, end) = said[0], said[-1]
    return (int(last) - int(first)) * 1000 / (int(end) - int(begin))
