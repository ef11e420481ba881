"""Keys for tests of signed images."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def flipped(image: bytes) -> bytes:
    """One bit in the middle is another."""
    at = len(image) // 2
    return image[:at] + bytes([image[at] ^ 1]) + image[at + 1 :]


def make_pair(key: Path, certificate: Path) -> None:
    """A key, and a certificate of its own for ten years."""
    private = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, certificate.stem)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(1))
    made = made.not_valid_after(now + timedelta(3650))
    signed = made.sign(private, hashes.SHA256())
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate.write_bytes(signed.public_bytes(Encoding.PEM))
