"""Signs the SHA256SUMS of finished images: a detached OpenPGP signature that gpg and sqv verify as well.

The key is read from a file when it is needed and is in no message; its password is asked for or read from a file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xenbuild.errors import HostError, IntegrityError
from xenbuild.store.files import in_words
from xenbuild.trust.sums import SIGNATURE, SUMS
from xenbuild.trust.verify import check_sums


@dataclass(frozen=True, slots=True)
class Key:
    """A secret key, ready to sign, and the fingerprint of its certificate."""

    fingerprint: str
    signer: Any
    certificate: Any


def load_key(path: Path, password: Callable[[], str]) -> Key:
    """The key of a file; `password` is called if it is locked.

    Raises HostError for a file that others can read, and IntegrityError for what is no key, or a wrong password.
    """
    with in_words(path):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise HostError(f"{path} can be read by others (mode {mode:04o})", advice=f"chmod 600 {path}")
        content = path.read_bytes()
    return _key(content, str(path), password)


def load_variable(name: str, environment: Mapping[str, str], password: Callable[[], str]) -> Key:
    """The key that an environment variable holds, as CI systems hand secrets out. Raises as load_key() does."""
    content = environment.get(name, "")
    if not content.strip():
        advice = "give it the armoured secret key, as `gpg --armor --export-secret-keys` writes it"
        raise HostError(f"the environment variable {name} holds no key", advice=advice)
    return _key(content.encode(), f"the environment variable {name}", password)


def _key(content: bytes, path: str, password: Callable[[], str]) -> Key:
    import pysequoia

    try:
        key = pysequoia.Tsk.from_bytes(content)
    except RuntimeError:
        raise _no_key(path, "is no OpenPGP key") from None
    fingerprint = str(key.extract_certificate().fingerprint)
    try:
        return Key(fingerprint, key.signer(), key.extract_certificate())
    except RuntimeError as error:
        if "encrypted" not in str(error):
            raise _no_key(path, f"holds no secret key of {fingerprint} that can sign") from None
    try:
        return Key(fingerprint, key.signer(password()), key.extract_certificate())
    except RuntimeError:
        raise IntegrityError(f"the password does not open {path}", advice="try again") from None


def _no_key(path: str, why: str) -> IntegrityError:
    return IntegrityError(f"{path} {why}", advice="give a secret key, as `gpg --export-secret-keys` or sq writes it")


def is_signed(folder: Path, key: Key) -> bool:
    """Whether SHA256SUMS has a good signature of this key already."""
    import pysequoia

    try:
        signature = pysequoia.Sig.from_file(str(folder / SIGNATURE))
        sums = (folder / SUMS).read_bytes()
        return bool(pysequoia.verify(bytes=sums, store=lambda ids: [key.certificate], signature=signature).valid_sigs)
    except (OSError, RuntimeError):
        return False


def sign(folder: Path, key: Key) -> Path:
    """Sign what lies in a folder of results; returns the signature's file.

    Raises IntegrityError if the files are not what SHA256SUMS says: nobody should sign those.
    """
    import pysequoia

    check_sums(folder)
    path, new = folder / SIGNATURE, folder / f".{SIGNATURE}.{os.getpid()}"
    with in_words(path):
        signature = pysequoia.sign(key.signer, (folder / SUMS).read_bytes(), mode=pysequoia.SignatureMode.DETACHED)
        try:
            new.write_bytes(signature)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
    return path
