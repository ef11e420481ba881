"""A folder with a declaration and its lock, in which tests call the real command line as a user would."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xenbuild.sources.lock import load_lock
from xenbuild.spec.load import load
from xenbuild.store.digest import Digest
from xenbuild.store.store import Store

TOP = Path(__file__).resolve().parent.parent
DEADLINE = 600  # seconds for one call, which may have to fetch and build everything


@dataclass(frozen=True)
class Outcome:
    """How a call ended."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """Errors and advice on standard error, without progress and without the excerpts of files."""
        other = re.compile(r"fetch  |done  |failed  | *\d* \|")
        return "".join(line for line in self.err.splitlines(True) if not other.match(line))

    def objects(self) -> list[Any]:
        """What was printed with --json."""
        return [json.loads(line) for line in self.out.splitlines()]

    def steps(self) -> set[str]:
        """Labels of the steps that really ran (with --json)."""
        return {item["label"] for item in self.objects() if item.get("kind") == "done"}


@dataclass
class Project:
    """A declaration in a folder of its own and the store that it is built in."""

    folder: Path
    store: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, declaration: Path, folder: Path, store: Path) -> Project:
        """A copy of a declaration that includes nothing, with the lock and the files of its sources."""
        folder.mkdir(parents=True)
        for source in load(declaration).sources.values():
            for file in [*(source.program or ()), *(source.unikernel or ())]:
                copy = folder / file.relative_to(declaration.parent)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
        shutil.copyfile(declaration, folder / "xenbuild.yaml")
        shutil.copyfile(declaration.with_name("xenbuild.lock"), folder / "xenbuild.lock")
        return cls(folder, store)

    @property
    def declaration(self) -> Path:
        return self.folder / "xenbuild.yaml"

    def replace(self, old: str, new: str) -> None:
        """Change words of the declaration, which must be there."""
        text = self.declaration.read_text()
        assert old in text
        self.declaration.write_text(text.replace(old, new))

    def start(self, *words: str, before: Callable[[], object] | None = None) -> subprocess.Popen[str]:
        """Begin a call; `before` is called in the new process (to set limits)."""
        environment = {**os.environ, "PYTHONPATH": str(TOP / "build"), "XENBUILD_CACHE": str(self.store)}
        return subprocess.Popen(
            [sys.executable, "-m", "xenbuild.cli.main", *words],
            cwd=self.folder,
            env={**environment, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,
        )

    def run(self, *words: str, before: Callable[[], object] | None = None) -> Outcome:
        """A whole call."""
        return finish(self.start(*words, before=before))

    def image(self, name: str = "x86_64-xen/showcase.elf") -> Path:
        return self.folder / "out" / name


def finish(process: subprocess.Popen[str]) -> Outcome:
    """Wait for a call to end. Whatever happened, the user saw no traceback."""
    try:
        out, err = process.communicate(timeout=DEADLINE)
    finally:
        process.kill()
    assert "Traceback" not in out + err, err
    return Outcome(process.returncode, out, err)


def share_packages(source: Store, target: Path) -> None:
    """Give a new store the locked packages that another one has, so that nothing is fetched twice."""
    with Store(target) as store:
        for package in load_lock(TOP / "xenbuild.lock").all_packages().values():
            digest = Digest(package.sha256, package.size)
            if source.has(digest):
                store.put_file(source.path(digest))
