"""Signing for UEFI Secure Boot.

The key stays where it lies: it is read when something is signed and put into neither the store nor any message. Like a
program of the host (parts/toolstree.py), it is an input by its place and digest.
"""

from __future__ import annotations

from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xenbuild.errors import DeclarationError
from xenbuild.plan.action import Action, OutputOf

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

    from xenbuild.media.medium import Making
    from xenbuild.plan.job import Job
    from xenbuild.spec.image import Sign


def signed(making: Making, sign: Sign, image: OutputOf) -> OutputOf:
    """The image with a signature. Raises DeclarationError for a key and a certificate that do not go together."""
    from xenbuild.spec.inputs import refers

    at = sign.at("key_")
    if not refers(sign.certificate):  # known before anything is built
        check(sign)
    with sign.key_.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    inputs = {"image": image, "certificate": making.file(sign.certificate, sign.at("certificate"))}
    params = {"key": str(sign.key_), "sha256": digest, "certificate": sign.certificate.name}
    label = f"sign {making.image.name}"
    return Action(label, "xenbuild.media.signed:run", params, inputs, ("image",), at=at).output("image")


def check(sign: Sign) -> None:
    """Raises DeclarationError, with its place, for a key or certificate that is damaged, too old or of another pair."""
    name = "certificate"
    try:
        certificate = read_certificate(sign.certificate.read_bytes(), sign.certificate.name)
        name = "key_"
        key = read_key(sign.key_)
        name = "certificate"
        check_pair(key, certificate, sign.key_.name, sign.certificate.name)
    except DeclarationError as error:
        error.at = error.at or sign.at(name)
        raise


def run(job: Job) -> None:
    """Action: params key (path), sha256, certificate (name); inputs image, certificate -> image."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.serialization import Encoding

    from xenbuild.formats import authenticode

    certificate = read_certificate(job.path("certificate").read_bytes(), job.params["certificate"])
    key = read_key(Path(job.params["key"]))
    check_pair(key, certificate, Path(job.params["key"]).name, job.params["certificate"])

    def rsa(data: bytes) -> bytes:
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())

    issuer, serial = certificate.issuer.public_bytes(), certificate.serial_number
    der = certificate.public_bytes(Encoding.DER)
    job.out("image").write_bytes(authenticode.sign(job.path("image").read_bytes(), der, issuer, serial, rsa))


def read_certificate(data: bytes, name: str) -> Certificate:
    """An X.509 certificate in PEM that is in force today. Raises DeclarationError."""
    from datetime import UTC, datetime

    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(data)
    except ValueError:
        advice = "make one with `openssl req -new -x509 -newkey rsa:2048 -nodes -keyout db.key -out db.pem`"
        raise DeclarationError(f"{name} is no X.509 certificate in PEM", advice=advice) from None
    now, end = datetime.now(UTC), certificate.not_valid_after_utc
    if now > end:
        message = f"the certificate {name} has expired on {end:%Y-%m-%d}"
        raise DeclarationError(message, advice="sign with a new one, which the firmware has to be given as well")
    if now < certificate.not_valid_before_utc:
        message = f"the certificate {name} is valid from {certificate.not_valid_before_utc:%Y-%m-%d} on"
        raise DeclarationError(message, advice="check this machine's clock")
    return certificate


def read_key(path: Path) -> RSAPrivateKey:
    """An RSA key. Raises DeclarationError; no message ever has a word of the key."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key: Any = load_pem_private_key(path.read_bytes(), None)
    except TypeError:
        advice = "builds run unattended: take the password off and keep the file where only you can read it"
        raise DeclarationError(f"the key {path.name} needs a password", advice=advice) from None
    except OSError as error:
        raise DeclarationError(f"cannot read the key {path}: {error.strerror}") from None
    except ValueError:
        raise DeclarationError(f"{path.name} is no private key in PEM") from None
    if not isinstance(key, RSAPrivateKey):
        advice = "UEFI firmware knows RSA: `openssl genrsa 2048` makes one"
        raise DeclarationError(f"{path.name} is no RSA key", advice=advice)
    return key


def check_pair(key: RSAPrivateKey, certificate: Certificate, key_name: str, name: str) -> None:
    """Raises DeclarationError for a certificate of another key."""
    if key.public_key() != certificate.public_key():
        message = f"the certificate {name} is of another key than {key_name}"
        raise DeclarationError(message, advice="name the certificate that was made for this key")
