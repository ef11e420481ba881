"""Protocol Buffers' wire format, as far as canonical messages need it: varints and length-delimited fields.

Source: https://protobuf.dev/programming-guides/encoding/. Canonical means what the Remote Execution API asks of
content-addressed messages: fields in the order of their numbers, defaults left out, no unknown fields.
"""

from __future__ import annotations

from collections.abc import Iterator

from xenbuild.errors import FormatError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
MAX_VARINT_BYTES = 10  # 64 bits in groups of seven


def varint(value: int) -> bytes:
    """Encode 0 <= value < 2**64."""
    if not 0 <= value < 1 << 64:
        raise ValueError(f"not an unsigned 64-bit number: {value}")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """A varint field; nothing when it is the default, 0."""
    return varint(field << 3 | VARINT) + varint(value) if value else b""


def block(field: int, value: bytes) -> bytes:
    """A length-delimited field that is present even when empty: a message or an element of a repeated field."""
    return varint(field << 3 | BYTES) + varint(len(value)) + value


def text(field: int, value: str) -> bytes:
    """A string field; nothing when it is the default, the empty string."""
    return block(field, value.encode()) if value else b""


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(MAX_VARINT_BYTES):
        if at + count >= len(data):
            raise FormatError("message ends in the middle of a number")
        byte = data[at + count]
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            if value >= 1 << 64:
                break
            return value, at + count + 1
    raise FormatError("message has a number of more than 64 bits")


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The (field number, value) pairs of a message in their order: an int for varints, bytes for the rest.

    Raises FormatError when the message is damaged.
    """
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        field, kind = tag >> 3, tag & 7
        if not field:
            raise FormatError("message has a field without a number")
        if kind == VARINT:
            value, at = _read_varint(data, at)
            yield field, value
            continue
        if kind == BYTES:
            length, at = _read_varint(data, at)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise FormatError(f"message has a field of unknown wire type {kind}")
        if at + length > len(data):
            raise FormatError(f"message ends in the middle of field {field}")
        yield field, data[at : at + length]
        at += length


def as_bytes(value: int | bytes) -> bytes:
    """The value of a field that must be length-delimited."""
    if isinstance(value, bytes):
        return value
    raise FormatError("message has a number where bytes are expected")


def as_text(value: int | bytes) -> str:
    """The value of a field that must be a string."""
    try:
        return as_bytes(value).decode()
    except UnicodeDecodeError:
        raise FormatError("message has a string that is not UTF-8") from None


def as_int(value: int | bytes) -> int:
    """The value of a field that must be a number."""
    if isinstance(value, int):
        return value
    raise FormatError("message has bytes where a number is expected")
