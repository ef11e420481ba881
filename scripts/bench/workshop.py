"""Where the bench works: a copy of the checkout with stores of its own, so that checkout and cache stay untouched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from measure import Cost, Unavailable, spend

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("build", "dom0-image", "hvkernel", "pv-drivers", "recipes", "scripts", "xenbuild.yaml", "xenbuild.lock")
DEB = b"!<arch>\ndebian-binary"  # how each package starts: deb(5)


class Workshop:
    """A folder with checkout/ (run the build there), warm/ (its store), cold/ (stores that are thrown away)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkout = folder / "checkout"
        self.warm = folder / "warm"
        self.venv = Path(os.environ.get("XENBUILD_VENV", ROOT / ".venv")).absolute()
        self.python = str(self.venv / "bin" / "python")
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, self.checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                shutil.copy2(source, self.checkout / name)

    def environment(self, store: Path | None = None) -> dict[str, str]:
        return {"XENBUILD_CACHE": str(store or self.warm), "XENBUILD_VENV": str(self.venv)}

    def xenbuild(self, *words: str, store: Path | None = None) -> Cost:
        """Run the copy's scripts/xenbuild in the copy."""
        return spend(["scripts/xenbuild", *words], self.checkout, self.environment(store))

    def sums(self) -> str:
        """SHA256SUMS of the results: differs if and only if a bundle differs."""
        return "".join(path.read_text() for path in sorted(self.checkout.glob("out/*/SHA256SUMS")))

    def ask(self, *argv: str) -> str:
        """What a command says on its standard output. Raises Unavailable if it fails."""
        result = subprocess.run(
            argv,
            cwd=self.checkout,
            env={**os.environ, **self.environment()},
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            last = (result.stderr.strip() or "no message").splitlines()[-1]
            raise Unavailable(f"{argv[0]} ended with {result.returncode}: {last}")
        return result.stdout

    def packages(self, kind: str = "") -> list[str]:
        """The packages that the first build fetched, as files of the warm store; kind: "target", "tools" or both."""
        script = str(self.checkout / "scripts" / "bench" / "packages.py")
        names = json.loads(self.ask(self.python, "-I", script, str(self.checkout / "build")))
        wanted = names[kind] if kind else names["target"] + names["tools"]
        paths = [self.warm / "cas" / name[:2] / name for name in wanted]
        return [str(path) for path in paths if path.exists()]  # a package that only leads to others is never fetched

    def cold_store(self) -> Path:
        """A new store with the downloaded packages and nothing else; results of earlier builds are taken away."""
        store = self.folder / "cold"
        shutil.rmtree(store, ignore_errors=True)
        shutil.rmtree(self.checkout / "out", ignore_errors=True)
        link_packages(self.packages(), self.warm, store)
        return store


def link_packages(packages: Sequence[str], old: Path, new: Path) -> None:
    """The same files at the same places of another, new store: links, or copies where there are no links."""
    for folder in ("ac", "trees", "cas"):  # store/store.py takes a folder with cas/ for a complete store
        (new / folder).mkdir(parents=True)
    for package in map(Path, packages):
        place = new / package.relative_to(old)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            place.hardlink_to(package)
        except OSError:
            shutil.copy2(package, place)


def all_packages(store: Path) -> list[str]:
    """Every package that a store holds, whatever it is for."""
    found = []
    for path in sorted((store / "cas").glob("*/*")):
        with path.open("rb") as file:
            if file.read(len(DEB)) == DEB:
                found.append(str(path))
    return found
