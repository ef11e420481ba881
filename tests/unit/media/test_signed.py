"""Keys and certificates for Secure Boot: what does not go together is said with its place, and no word of a key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from xenbuild.errors import DeclarationError, Position
from xenbuild.media.signed import check
from xenbuild.spec.image import Sign

PLACE = Path("xenbuild.yaml")


@cache
def key(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    lock: KeySerializationEncryption = BestAvailableEncryption(password) if password else NoEncryption()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)


def certificate(private: rsa.RSAPrivateKey, begin: int = -1, end: int = 1) -> bytes:
    """Valid from `begin` to `end` days from now."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    made = made.serial_number(1).not_valid_before(now + timedelta(begin)).not_valid_after(now + timedelta(end))
    return made.sign(private, hashes.SHA256()).public_bytes(Encoding.PEM)


def sign(folder: Path, private: bytes, public: bytes) -> Sign:
    (folder / "db.key").write_bytes(private)
    (folder / "db.pem").write_bytes(public)
    origins = {"key_": Position(PLACE, 3, 4), "certificate": Position(PLACE, 5, 6)}
    return Sign(key_=folder / "db.key", certificate=folder / "db.pem", origins=origins)  # type: ignore[arg-type]


def test_a_pair(tmp_path: Path) -> None:
    check(sign(tmp_path, pem(key(1)), certificate(key(1))))


@pytest.mark.parametrize(
    ("private", "public", "line", "message"),
    [
        (lambda: pem(key(1)), lambda: certificate(key(2)), 5, "the certificate db.pem is of another key than db.key"),
        (lambda: pem(key(1)), lambda: certificate(key(1), -3, -2), 5, "the certificate db.pem has expired on "),
        (lambda: pem(key(1)), lambda: certificate(key(1), 2, 3), 5, "the certificate db.pem is valid from "),
        (lambda: pem(key(1)), lambda: b"x", 5, "db.pem is no X.509 certificate in PEM"),
        (lambda: b"x", lambda: certificate(key(1)), 3, "db.key is no private key in PEM"),
        (lambda: pem(key(1), b"secret"), lambda: certificate(key(1)), 3, "the key db.key needs a password"),
        (
            lambda: pem(ec.generate_private_key(ec.SECP256R1())),
            lambda: certificate(key(1)),
            3,
            "db.key is no RSA key",
        ),
    ],
    ids=["another", "expired", "not yet", "no certificate", "no key", "password", "elliptic"],
)
def test_what_does_not_go_together(tmp_path: Path, private, public, line: int, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DeclarationError) as caught:
        check(sign(tmp_path, private(), public()))
    assert caught.value.message.startswith(message)
    assert caught.value.at is not None and caught.value.at.line == line
    assert "PRIVATE" not in str(caught.value) + (caught.value.advice or "")
