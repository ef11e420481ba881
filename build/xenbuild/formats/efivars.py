"""Variables of UEFI firmware in the flash image of EDK2 (MdeModulePkg: VariableFormat.h): what a machine trusts."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from uuid import UUID

from xenbuild.errors import FormatError

GLOBAL = UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
SECURITY_DATABASE = UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")
SECURE_BOOT_ENABLE = UUID("f0a30bc7-af08-4556-99c4-001009c93a44")
_X509 = UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
_OWNER = UUID("77fa9abd-0359-4d32-bd60-28f4e78f784b")
_STORE = UUID("aaf32c78-947b-439a-a180-2e144ec37792")  # authenticated variables
_STORE_HEADER = struct.Struct("<16sIBBHI")
_VARIABLE = struct.Struct("<HBBIQ16sIII16s")
_START, _ADDED = 0x55AA, 0x3F
_TIME = struct.pack("<HBBBBBBIhBB", 2000, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0)
NON_VOLATILE, BOOT, RUNTIME, TIME_BASED = 1, 2, 4, 0x20


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    vendor: UUID
    attributes: int
    data: bytes

    def encode(self) -> bytes:
        label = self.name.encode("utf-16-le") + b"\0\0"
        time = _TIME if self.attributes & TIME_BASED else bytes(16)
        head = _VARIABLE.pack(
            _START, _ADDED, 0, self.attributes, 0, time, 0, len(label), len(self.data), self.vendor.bytes_le
        )
        body = head + label + self.data
        return body + b"\xff" * (-len(body) % 4)


def trusting(flash: bytes, certificate: bytes) -> bytes:
    """The flash of a machine that starts only what the owner of the certificate (DER) has signed."""
    keys = _signature_list(certificate)
    trusted = NON_VOLATILE | BOOT | RUNTIME | TIME_BASED
    return with_variables(
        flash,
        [
            Variable("PK", GLOBAL, trusted, keys),
            Variable("KEK", GLOBAL, trusted, keys),
            Variable("db", SECURITY_DATABASE, trusted, keys),
            Variable("SecureBootEnable", SECURE_BOOT_ENABLE, NON_VOLATILE | BOOT, b"\1"),
        ],
    )


def with_variables(flash: bytes, variables: list[Variable]) -> bytes:
    """The flash with variables behind those that it has. Raises FormatError if it is no store of variables or full."""
    (header,) = struct.unpack_from("<H", flash, 48)  # of the firmware volume: PI specification, volume 3, 3.2.1
    if flash[40:44] != b"_FVH" or flash[header : header + 16] != _STORE.bytes_le:
        raise FormatError("the firmware's flash holds no authenticated variables")
    _, size, *_ = _STORE_HEADER.unpack_from(flash, header)
    at = header + _STORE_HEADER.size
    while struct.unpack_from("<H", flash, at)[0] == _START:
        fields = _VARIABLE.unpack_from(flash, at)
        at += _VARIABLE.size + fields[7] + fields[8]
        at += -(at - header) % 4
    more = b"".join(variable.encode() for variable in variables)
    if at + len(more) > header + size:
        raise FormatError("the firmware's flash has no room for more variables")
    return flash[:at] + more + flash[at + len(more) :]


def _signature_list(certificate: bytes) -> bytes:
    """An EFI_SIGNATURE_LIST with one X.509 certificate (UEFI specification, 32.4.1)."""
    size = 16 + len(certificate)
    return _X509.bytes_le + struct.pack("<III", 28 + size, 0, size) + _OWNER.bytes_le + certificate
