"""Signing and verifying: each file with each bit flipped, keys that do not match, papers that do not agree."""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from results import write_folder, write_sums

from xenbuild.errors import FormatError, HostError, IntegrityError
from xenbuild.trust.sign import is_signed, load_key, load_variable, sign
from xenbuild.trust.sums import read_sums
from xenbuild.trust.verify import verify

NOW = datetime.now(UTC)
FILES = ("lab.raw", "manifest.json", "sbom.spdx.json", "sbom.cdx.json", "provenance.json", "SHA256SUMS")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_folder(tmp_path / "x86_64-xen")
    return tmp_path / "x86_64-xen"


def make_key(folder: Path, name: str) -> tuple[Path, Path]:
    """Files of a secret key and of its certificate."""
    import pysequoia

    key = pysequoia.Tsk.generate(user_id=f"{name} <{name}@example.org>")
    secret, public = folder / f"{name}.key", folder / f"{name}.asc"
    secret.touch(mode=0o600)
    secret.write_text(str(key))
    public.write_text(str(key.extract_certificate()))
    return secret, public


@pytest.fixture
def us(tmp_path: Path) -> tuple[Path, Path]:
    return make_key(tmp_path, "us")


def nobody() -> str:
    raise AssertionError("no password is needed")


def wrong(path: Path, keyring: Path | None = None) -> list[str]:
    return [error.message for error in verify(path, keyring, NOW).wrong]


def test_all_is_well(folder: Path) -> None:
    for path in (folder, folder / "lab.raw"):
        verdict = verify(path, None, NOW)
        assert verdict.wrong == []
        assert verdict.checked == {
            "sums": "5 files are what SHA256SUMS says",
            "signature": "none",
            "parts": "3 parts are whole",
            "provenance": "6 inputs by digest, among them xenbuild.lock " + verdict.checked["provenance"][-17:],
            "sbom": "3 packages, the same in SPDX, CycloneDX and provenance",
        }


def test_a_signature(folder: Path, us: tuple[Path, Path]) -> None:
    key = load_key(us[0], nobody)
    assert sign(folder, key) == folder / "SHA256SUMS.asc"
    assert verify(folder, None, NOW).checked["signature"] == "not checked: no keyring was given"
    assert verify(folder, us[1], NOW).checked["signature"] == f"by {key.fingerprint}"


def test_gpg_takes_the_signature(folder: Path, us: tuple[Path, Path], tmp_path: Path) -> None:
    gpgv = shutil.which("gpgv")
    if not gpgv:
        pytest.skip("no gpgv on this machine")
    import pysequoia

    sign(folder, load_key(us[0], nobody))
    ring = tmp_path / "ring.gpg"
    ring.write_bytes(bytes(pysequoia.Cert.from_file(str(us[1]))))
    argv = [gpgv, "--keyring", str(ring), str(folder / "SHA256SUMS.asc"), str(folder / "SHA256SUMS")]
    assert subprocess.run(argv, capture_output=True, check=False).returncode == 0
    (folder / "SHA256SUMS").write_text("x")
    assert subprocess.run(argv, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_anywhere(name: str, folder: Path, us: tuple[Path, Path]) -> None:
    sign(folder, load_key(us[0], nobody))
    whole = (folder / name).read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 12)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 7
        (folder / name).write_bytes(damaged)
        try:
            found = wrong(folder, us[1])
        except FormatError:
            continue
        assert found, f"byte {at} of {name}"
    (folder / name).write_bytes(whole)
    assert wrong(folder, us[1]) == []


def test_a_flipped_bit_of_the_signature_itself(folder: Path, us: tuple[Path, Path]) -> None:
    """Its last bytes, that is; others may say anything without being signed (RFC 9580, 5.2.3.8)."""
    import pysequoia

    armoured = sign(folder, load_key(us[0], nobody)).read_text()
    whole = b64decode("".join(armoured.split("\n\n")[1].split("\n=")[0].split("-----")[0].split()))
    for bit in range(0, 8 * 60, 7):
        damaged = bytearray(whole)
        damaged[-1 - bit // 8] ^= 1 << bit % 8
        (folder / "SHA256SUMS.asc").write_text(pysequoia.armor(bytes(damaged), pysequoia.ArmorKind.Signature))
        assert wrong(folder, us[1]), bit


def test_messages_of_damage(folder: Path, us: tuple[Path, Path]) -> None:
    (folder / "lab.raw").write_bytes(b"another image")
    (found,) = wrong(folder)
    assert found.startswith(f"{folder}/lab.raw is not what was built: its SHA-256 is ")
    (folder / "lab.raw").unlink()
    assert wrong(folder) == [f"{folder}/lab.raw is missing"]


def test_signed_by_somebody_else(folder: Path, us: tuple[Path, Path], tmp_path: Path) -> None:
    _, them = make_key(tmp_path, "them")
    sign(folder, load_key(us[0], nobody))
    (found,) = wrong(folder, them)
    assert found.startswith(f"{folder}/SHA256SUMS is not what a key of them.asc signed: its signature is by ")
    both = tmp_path / "both.asc"
    both.write_text(us[1].read_text() + them.read_text())
    assert wrong(folder, both) == []


def test_changed_after_it_was_signed(folder: Path, us: tuple[Path, Path]) -> None:
    sign(folder, load_key(us[0], nobody))
    (folder / "lab.raw").write_bytes(b"another image")
    write_sums(folder)
    verdict = verify(folder, us[1], NOW)
    assert "sums" in verdict.checked and "parts" not in verdict.checked
    (error,) = verdict.wrong
    assert error.message.startswith(f"{folder}/SHA256SUMS is not what a key of us.asc signed")
    assert error.advice.endswith("the file was changed after it was signed")


def test_a_key_that_has_expired(folder: Path, tmp_path: Path) -> None:
    import pysequoia

    key = pysequoia.Tsk.generate(user_id="old", validity_seconds=3600)
    secret, public = tmp_path / "old.key", tmp_path / "old.asc"
    secret.touch(mode=0o600)
    secret.write_text(str(key))
    public.write_text(str(key.extract_certificate()))
    sign(folder, load_key(secret, nobody))
    assert verify(folder, public, NOW).wrong == []
    (error,) = verify(folder, public, NOW + timedelta(days=1)).wrong
    assert "(expired)" in error.advice


def test_unsigned_and_no_signature(folder: Path, us: tuple[Path, Path]) -> None:
    assert wrong(folder, us[1]) == [f"{folder}/SHA256SUMS is not signed: there is no SHA256SUMS.asc"]
    (folder / "SHA256SUMS.asc").write_text("words")
    assert wrong(folder, us[1]) == [f"{folder}/SHA256SUMS.asc is no OpenPGP signature, or damaged"]
    (folder / "SHA256SUMS.asc").unlink()
    sign(folder, load_key(us[0], nobody))
    (found,) = wrong(folder, folder / "lab.raw")
    assert found.startswith(f"{folder}/lab.raw: cannot be read as an OpenPGP keyring: ")


PROVENANCE, SPDX, CYCLONEDX, MANIFEST = "provenance.json", "sbom.spdx.json", "sbom.cdx.json", "manifest.json"
DISAGREE = f"{{}}/{SPDX} and {CYCLONEDX} do not agree on "


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (PROVENANCE, lambda d: d.update(_type="x"), "{}/provenance.json is no SLSA provenance"),
        (PROVENANCE, lambda d: d.update(predicateType="x"), "{}/provenance.json is no SLSA provenance"),
        (PROVENANCE, lambda d: d["subject"].clear(), "{}/provenance.json and SHA256SUMS do not speak of the same lab"),
        (PROVENANCE, lambda d: d.pop("predicate"), "{}/provenance.json is damaged"),
        (SPDX, lambda d: d["packages"].pop(4), f"{DISAGREE}busybox 1:1.0+b1"),
        (CYCLONEDX, lambda d: d["components"][5].update(version="2"), DISAGREE),
        (CYCLONEDX, lambda d: d.update(components=[1]), "{}/sbom.cdx.json is damaged"),
        (
            MANIFEST,
            lambda d: d["bundle"]["parts"][0].update(sha256="0"),
            "{}/sbom.spdx.json does not tell of xen as it",
        ),
        (MANIFEST, lambda d: d.update(bundle=[]), "{}/manifest.json is damaged"),
    ],
)
def test_papers_that_do_not_agree(
    name: str, change: Callable[[dict[str, object]], object], message: str, folder: Path
) -> None:
    """Somebody who can write the sums changes a paper with them."""
    content = json.loads((folder / name).read_text())
    change(content)
    (folder / name).write_text(json.dumps(content))
    write_sums(folder)
    assert wrong(folder)[-1].startswith(message.format(folder))


def test_a_part_that_no_image_holds(folder: Path) -> None:
    content = json.loads((folder / MANIFEST).read_text())
    content["bundle"]["parts"].append({**content["bundle"]["parts"][0], "name": "more"})
    (folder / MANIFEST).write_text(json.dumps(content))
    write_sums(folder)
    (found,) = wrong(folder)
    assert found.endswith(" does not hold the part 'more' that manifest.json tells of")


def test_a_package_that_provenance_does_not_know(folder: Path) -> None:
    content = json.loads((folder / "provenance.json").read_text())
    materials = content["predicate"]["buildDefinition"]["resolvedDependencies"]
    materials[:] = [one for one in materials if one.get("name") != "libc6"]
    (folder / "provenance.json").write_text(json.dumps(content))
    write_sums(folder)
    assert wrong(folder) == [f"{folder}/provenance.json knows nothing of libc6 1:1.0+b1"]


def test_sums_that_leave_a_paper_out(folder: Path) -> None:
    sums = folder / "SHA256SUMS"
    lines = sums.read_text().splitlines(keepends=True)
    sums.write_text("".join(line for line in lines if not line.endswith("provenance.json\n")))
    verdict = verify(folder, None, NOW)
    assert verdict.checked["sums"] == f"WRONG: {sums} does not list provenance.json"


def test_what_is_not_ours(folder: Path, tmp_path: Path) -> None:
    (folder / "other.raw").write_bytes(b"x")
    for path, message in (
        (folder / "other.raw", f"{folder}/other.raw is not an image of ours: SHA256SUMS beside it does not list it"),
        (folder / "none.raw", f"there is no file {folder}/none.raw"),
        (tmp_path, f"there is no {tmp_path}/SHA256SUMS"),
    ):
        with pytest.raises(FormatError) as caught:
            verify(path, None, NOW)
        assert caught.value.message == message


# Keys


def test_a_key_that_others_can_read(us: tuple[Path, Path]) -> None:
    us[0].chmod(0o640)
    with pytest.raises(HostError) as caught:
        load_key(us[0], nobody)
    assert caught.value.message == f"{us[0]} can be read by others (mode 0640)"
    assert caught.value.advice == f"chmod 600 {us[0]}"


def test_a_key_in_an_environment_variable(us: tuple[Path, Path], folder: Path) -> None:
    key = load_variable("KEY", {"KEY": us[0].read_text()}, nobody)
    assert not is_signed(folder, key)
    sign(folder, key)
    assert is_signed(folder, key)
    assert verify(folder, us[1], NOW).wrong == []
    other, _ = make_key(us[0].parent, "other")
    assert not is_signed(folder, load_key(other, nobody))
    (folder / "SHA256SUMS").write_text("changed")
    assert not is_signed(folder, key)
    for environment, error in (({}, HostError), ({"KEY": " "}, HostError), ({"KEY": "secret words"}, IntegrityError)):
        with pytest.raises(error) as caught:
            load_variable("KEY", environment, nobody)
        assert caught.value.message.startswith("the environment variable KEY ")
        assert "words" not in caught.value.message + caught.value.advice


def test_what_is_no_key(us: tuple[Path, Path], tmp_path: Path) -> None:
    us[1].chmod(0o600)
    (tmp_path / "words").touch(mode=0o600)
    for path, message in ((us[1], "holds no secret key of "), (tmp_path / "words", "is no OpenPGP key")):
        with pytest.raises(IntegrityError) as caught:
            load_key(path, nobody)
        assert caught.value.message.startswith(f"{path} {message}")
    with pytest.raises(HostError, match=r"cannot use .*none: No such file or directory"):
        load_key(tmp_path / "none", nobody)


def test_what_is_damaged_is_not_signed(folder: Path, us: tuple[Path, Path]) -> None:
    (folder / "lab.raw").write_bytes(b"another image")
    with pytest.raises(IntegrityError, match=r"lab.raw is not what was built"):
        sign(folder, load_key(us[0], nobody))
    assert not (folder / "SHA256SUMS.asc").exists()


# SHA256SUMS

NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)


@given(st.dictionaries(NAMES, st.integers(0, 1 << 255), min_size=1))
def test_sums_come_back(sums: dict[str, int]) -> None:
    wanted = {name: f"{number:064x}" for name, number in sums.items()}
    assert read_sums("".join(f"{digest}  {name}\n" for name, digest in wanted.items()), "s") == wanted


@pytest.mark.parametrize("line", ["", "x", "0" * 64 + "  ../x", "0" * 64 + "  /x", "0" * 64 + " x", "0" * 63 + "  x"])
def test_damaged_sums(line: str) -> None:
    with pytest.raises(FormatError, match=r"s is (damaged in line 2|empty)"):
        read_sums("0" * 64 + "  a\n" + line + "\n" if line else "", "s")
    with pytest.raises(FormatError):
        read_sums(("0" * 64 + "  a\n") * 2, "s")
