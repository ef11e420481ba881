"""Checks OpenPGP signatures against a keyring (RFC 9580): cleartext ones of InRelease files, detached ones of ours."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from xenbuild.errors import IntegrityError


def verify(signed: bytes, keyring: Path, what: str, now: datetime) -> tuple[bytes, str]:
    """The text that is really signed, and the fingerprint of the certificate that signed it.

    One good signature of a key that has not expired is enough: archives sign with the old and the new key for a while.
    Raises IntegrityError, naming `what` was signed.
    """
    import pysequoia

    certificates = _certificates(keyring)
    alive = [c for c in certificates if not _expired(c, now)]
    asked: list[str] = []

    def lookup(ids: list[str]) -> list[Any]:
        asked.extend(ids)
        return alive

    try:
        result = pysequoia.verify(bytes=signed, store=lookup)
    except RuntimeError as error:
        raise _refused(what, keyring, certificates, now, asked, _first_line(error)) from None
    signers = sorted(str(signature.certificate) for signature in result.valid_sigs)
    if not signers or result.bytes is None:
        raise _refused(what, keyring, certificates, now, asked, "no signature")
    return bytes(result.bytes), signers[0]


def _refused(
    what: str, keyring: Path, certificates: list[Any], now: datetime, asked: list[str], reason: str
) -> IntegrityError:
    known = ", ".join(f"{c.fingerprint}{' (expired)' if _expired(c, now) else ''}" for c in certificates)
    signed = f"; it is signed by {', '.join(sorted(set(asked)))}" if asked else ""
    return IntegrityError(
        f"{what}: no valid signature by a key of {keyring.name}: {reason.rstrip('.')}{signed}",
        advice=f"{keyring.name} knows {known or 'no key'}; if the archive changed its keys, put the new keyring"
        f" into recipes/keyrings/{keyring.name} beside the declaration",
    )


def _expired(certificate: Any, now: datetime) -> bool:
    """Also true for a certificate that is bound by signatures which are not trusted any more, such as SHA-1."""
    try:
        expiration: datetime | None = certificate.expiration
    except RuntimeError:
        return True
    return expiration is not None and expiration <= now


def _first_line(error: BaseException) -> str:
    """Sequoia's errors carry a native stack trace below their first line."""
    return str(error).split("\n", 1)[0]


def verify_detached(data: bytes, signature: Path, keyring: Path, what: str, now: datetime) -> str:
    """The fingerprint of the certificate of `keyring` that signed `data`, whose signature is in a file of its own.

    Raises IntegrityError, naming `what` was signed.
    """
    import pysequoia

    certificates = _certificates(keyring)
    asked: list[str] = []

    def lookup(ids: list[str]) -> list[Any]:
        asked.extend(ids)
        return [c for c in certificates if not _expired(c, now)]

    try:
        parsed = pysequoia.Sig.from_file(str(signature))
    except RuntimeError:
        advice = "sign again with `xenbuild sign`, or get the file anew"
        raise IntegrityError(f"{signature} is no OpenPGP signature, or damaged", advice=advice) from None
    try:
        result = pysequoia.verify(bytes=data, store=lookup, signature=parsed)
        signers = sorted(str(signature.certificate) for signature in result.valid_sigs)
    except RuntimeError:
        signers = []
    if signers:
        return signers[0]
    known = ", ".join(f"{c.fingerprint}{' (expired)' if _expired(c, now) else ''}" for c in certificates)
    by = sorted({*asked, *([str(parsed.issuer_fingerprint)] if parsed.issuer_fingerprint else [])})
    raise IntegrityError(
        f"{what} is not what a key of {keyring.name} signed: its signature is by {', '.join(by) or 'nobody named'}",
        advice=f"{keyring.name} has the certificates {known or '(none)'}; if the signer is one of them or a subkey,"
        " the file was changed after it was signed",
    )


def _certificates(keyring: Path) -> list[Any]:
    import pysequoia

    try:
        found: list[Any] = pysequoia.Cert.split_bytes(keyring.read_bytes())
    except (OSError, RuntimeError) as error:
        raise IntegrityError(f"{keyring}: cannot be read as an OpenPGP keyring: {_first_line(error)}") from None
    return found
