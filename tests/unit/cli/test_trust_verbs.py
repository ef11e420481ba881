"""`xenbuild sign`, `verify` and `diff` as a user calls them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "trust"))
from results import write_folder

from xenbuild.cli import group

Run = Callable[..., tuple[int, str, str]]
OUT = "out/x86_64-xen"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_folder(tmp_path / OUT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str, str]:
        code = group.run(words)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def fingerprint(folder: Path) -> str:
    """Files us.key and us.asc."""
    import pysequoia

    key = pysequoia.Tsk.generate(user_id="us")
    (folder / "us.key").touch(mode=0o600)
    (folder / "us.key").write_text(str(key))
    (folder / "us.asc").write_text(str(key.extract_certificate()))
    return str(key.extract_certificate().fingerprint)


# Made by `gpg --quick-gen-key` for this test; its password is "secret", and it never expires.
LOCKED = """\
-----BEGIN PGP PRIVATE KEY BLOCK-----

lIYEawYp5BYJKwYBBAHaRw8BAQdATUyGxNskAmVukniWPNbOD7xPEImGtmXlZdjI
I8jPZq/+BwMCzJGFmiIaFZD/t6IPweDCEUTYIHl70kEAfEVn2LLNKIGbh4XAXTZl
rV2HQyAAftI4CzZJLxipDIYXQkUeFH/z7uGJER8z0FkUOungd8paqrQGbG9ja2Vk
iJAEExYIADgWIQQN0muZs/gxTpj9o+5XwPnuCb9LuAUCawYp5AIbAwULCQgHAgYV
CgkICwIEFgIDAQIeAQIXgAAKCRBXwPnuCb9LuM1DAP4xpUDNMk4dyldWzxN1LY0k
iSrLcvg0c2mtrWiTEkrupQD/Ter8VnrlwT/jtYgcofDlmHkS9S1I+vG/8yoEPa2B
Rg0=
=kKcf
-----END PGP PRIVATE KEY BLOCK-----
"""


def test_sign_and_verify(run: Run, fingerprint: str) -> None:
    assert run("sign", "--key", "us.key") == (0, f"{OUT}/SHA256SUMS.asc: signed by {fingerprint}\n", "")
    code, out, err = run("verify", "--keyring", "us.asc", f"{OUT}/lab.raw")
    assert (code, err) == (0, "")
    assert out.splitlines()[:3] == [
        f"{OUT}/lab.raw",
        "  sums        5 files are what SHA256SUMS says",
        f"  signature   by {fingerprint}",
    ]
    told = json.loads(run("verify", "--json", OUT)[1])["verify"]
    assert (told["path"], told["ok"]) == (OUT, True)
    assert list(told["checked"]) == ["sums", "signature", "parts", "provenance", "sbom"]


def test_a_changed_image(run: Run, folder: Path) -> None:
    (folder / OUT / "lab.raw").write_bytes(b"changed")
    code, out, err = run("verify", OUT)
    assert code == 5
    assert f"  sums        WRONG: {OUT}/lab.raw is not what was built" in out
    assert err.startswith(f"error: {OUT}/lab.raw is not what was built: its SHA-256 is ")
    assert err.endswith("  advice: build or copy the images again\n")
    assert json.loads(run("verify", "--json", OUT)[1])["verify"]["ok"] is False


def test_a_locked_key(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "locked.key").touch(mode=0o600)
    (folder / "locked.key").write_text(LOCKED)
    monkeypatch.setattr(sys, "stdin", open("/dev/null"))  # noqa: PTH123, SIM115
    words = ("sign", "--key", "locked.key")
    code, _, err = run(*words)
    message = "locked.key is locked, and there is no terminal to ask for its password"
    assert (code, err) == (8, f"error: {message}\n  advice: give --password-file\n")
    (folder / "password").write_text("wrong\n")
    code, _, err = run(*words, "--password-file", "password")
    assert (code, err) == (5, "error: the password does not open locked.key\n  advice: try again\n")
    (folder / "password").write_text("secret\n")
    code, out, err = run(*words, "--password-file", "password")
    assert (code, err) == (0, "")
    assert "secret" not in out


def test_nothing_to_sign(run: Run, fingerprint: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "empty").mkdir()
    monkeypatch.chdir(folder / "empty")
    code, _, err = run("sign", "--key", "../us.key")
    assert (code, err.splitlines()[0]) == (8, "error: there is nothing to sign: out/ holds no images")


def test_a_key_is_never_a_word_of_the_command_line(run: Run, fingerprint: str, folder: Path) -> None:
    """What is given is a file's name; the key itself is none, and is not repeated."""
    code, _, err = run("sign", "--key", (folder / "us.key").read_text().splitlines()[3], OUT)
    assert code == 8
    assert err.startswith("error: cannot use ")


def test_diff(run: Run, folder: Path) -> None:
    write_folder(folder / "new", "1:1.1", "verbose", b"more")
    assert run("diff", OUT, "new") == (
        0,
        "image raw: 4.0 KiB -> 4.0 KiB (+4 bytes)\n"
        "part initramfs: 1 B -> 5 B (+4 bytes)\n"
        "xen command line: -quiet +verbose\n"
        "kernel command line: -quiet +verbose\n"
        "initramfs command line: -quiet +verbose\n"
        "package libc6: 1:1.0+b1 -> 1:1.1\n",
        "",
    )
    told = json.loads(run("diff", "--json", OUT, "new")[1])["diff"]
    assert told["differ"] is True
    assert told["packages"] == [{"name": "libc6", "old": "1:1.0+b1", "new": "1:1.1"}]
    assert run("diff", OUT, OUT)[1] == "no difference\n"
    (folder / "new" / "sbom.cdx.json").unlink()
    assert run("diff", OUT, "new")[1].endswith(
        "packages: not known, since an image has no bill of materials beside it\n"
    )
