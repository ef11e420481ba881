"""Make the Python environment that xenbuild runs in: bootstrap.py VENV REQUIREMENTS...

Needs Python >= 3.11 and a network, nothing else: where Debian has taken ensurepip out of Python, pip itself is
fetched by its hash. An environment is complete when it holds a copy of each requirements file, written last; what an
interrupted run left behind is thrown away. A lock beside the environment keeps two runs apart.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import venv
from pathlib import Path

PIP = "pip-26.3-py3-none-any.whl"
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
INDEX = "https://pypi.org/simple"


class Failure(Exception):
    """One line for the user; the second argument is the advice."""


def main(arguments: list[str]) -> int:
    """Bring the environment up to date; 0 if it is complete, 8 (the host lacks something) or 6 (network) if not."""
    folder = Path(arguments[0]).resolve()
    requirements = [Path(name) for name in arguments[1:]]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_name(folder.name + ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            prepare(folder, requirements)
    except OSError as error:
        return fail(f"cannot make the Python environment {folder}: {error}", "set XENBUILD_VENV to a folder", 8)
    except Failure as failure:
        return fail(failure.args[0], failure.args[1], 6)
    return 0


def fail(message: str, advice: str, code: int) -> int:
    print(f"xenbuild: {message}\n  advice: {advice}", file=sys.stderr)
    return code


def prepare(folder: Path, requirements: list[Path]) -> None:
    """Install what is missing; an environment with other versions in it is made afresh."""
    stale = [file for file in requirements if not is_installed(folder, file)]
    if not stale:
        return
    names = " and ".join(str(file.name) for file in stale)
    print(f"xenbuild: installing Python packages ({names}) into {folder}; once only", file=sys.stderr, flush=True)
    if not runs(folder) or any((folder / file.name).exists() for file in stale):
        create(folder)
        stale = requirements
    for file in stale:
        install(folder, file)


def is_installed(folder: Path, requirements: Path) -> bool:
    """Whether the environment works and holds this very list; renews the stamp's time, which the wrapper looks at."""
    stamp = folder / requirements.name
    if not stamp.exists() or stamp.read_bytes() != requirements.read_bytes() or not runs(folder):
        return False
    os.utime(stamp)
    return True


def runs(folder: Path) -> bool:
    """Whether an earlier run completed the environment and its Python still starts (an upgrade may have removed it)."""
    python = folder / "bin" / "python"
    if not python.exists() or not (folder / "requirements.txt").exists():
        return False
    return subprocess.run([python, "-I", "-c", ""], stderr=subprocess.DEVNULL, check=False).returncode == 0


def create(folder: Path) -> None:
    """An empty environment with a pip: Python's own, or the pinned wheel where there is none."""
    shutil.rmtree(folder, ignore_errors=True)
    own_pip = has_ensurepip()
    venv.EnvBuilder(symlinks=True, with_pip=own_pip).create(folder)
    if not own_pip:
        (folder / PIP).write_bytes(fetch_pip())


def has_ensurepip() -> bool:
    """Whether this Python can install its own pip (Debian's cannot, unless python3-venv is there)."""
    try:
        return importlib.util.find_spec("ensurepip.__main__") is not None
    except ImportError:
        return False


def fetch_pip() -> bytes:
    """The pinned wheel of pip from the package index (PIP_INDEX_URL, or PyPI)."""
    page = os.environ.get("PIP_INDEX_URL", INDEX).rstrip("/") + "/pip/"
    context = ssl.create_default_context(cafile=os.environ.get("PIP_CERT") or None)
    try:
        with urllib.request.urlopen(page, timeout=60, context=context) as answer:
            link = re.search(rf'href="([^"#]*/{re.escape(PIP)})[#"]', answer.read().decode())
        if link is None:
            raise Failure(f"{page} does not offer {PIP}", "set PIP_INDEX_URL to a complete package index")
        with urllib.request.urlopen(urllib.parse.urljoin(page, link[1]), timeout=60, context=context) as answer:
            wheel = bytes(answer.read())
    except urllib.error.URLError as error:
        raise Failure(f"cannot fetch {PIP} from {page}: {error.reason}", "check the network and the proxy") from error
    if hashlib.sha256(wheel).hexdigest() != PIP_SHA256:
        raise Failure(f"{PIP} from {page} has a wrong SHA-256", "something between here and there changes files")
    return wheel


def install(folder: Path, requirements: Path) -> None:
    """Install a list, every file by its hash, and stamp it."""
    wheel = folder / PIP
    pip = [str(wheel / "pip")] if wheel.exists() else ["-m", "pip"]
    options = ["--quiet", "--require-hashes", "--only-binary", ":all:", "--disable-pip-version-check", "--no-input"]
    command = [str(folder / "bin" / "python"), "-I", *pip, "install", *options, "-r", str(requirements)]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        last = "\n    ".join((result.stderr or result.stdout).strip().splitlines()[-5:])
        raise Failure(f"pip cannot install {requirements.name}:\n    {last}", "check the network, the proxy and space")
    copy = folder / (requirements.name + ".new")
    shutil.copyfile(requirements, copy)
    copy.rename(folder / requirements.name)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
