"""Decodes .xz files with several blocks in parallel (The .xz File Format 1.0.4).

The index at the end of a stream says where each block lies. Every block is handed to liblzma as a stream of its own
(the original stream header, the block, an index of one record, a footer), so that the block's own check is
verified too. liblzma releases the interpreter's lock, so threads really run side by side.
"""

from __future__ import annotations

import binascii
import lzma
import os
import struct
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

_MAGIC = b"\xfd7zXZ\x00"
# Bytes read and written at a time: a decoder needs these and its dictionary (8 MiB for xz -6), whatever the block size.
_INPUT, _OUTPUT = 256 << 10, 1 << 20


class XzError(ValueError):
    """The bytes are not a whole and sound .xz file."""


@dataclass(frozen=True, slots=True)
class _Block:
    offset: int  # in the file
    unpadded: int  # "Unpadded Size" of the index: header, data and check, without padding
    size: int  # decoded
    place: int  # where its decoded bytes start in the whole


def decode_xz(source: int, offset: int, length: int, sink: int, *, jobs: int = 2) -> int:
    """Decodes `length` bytes at `offset` of file descriptor `source` to the start of descriptor `sink`.

    Returns the number of decoded bytes. Raises XzError. Uses memory for `jobs` dictionaries.
    """
    found = _blocks(source, offset, length)
    try:
        if found is None or len(found[1]) < 2:
            return _write(_read(source, offset, offset + length), sink, 0)
        return _parallel(source, *found, sink, jobs)
    except (lzma.LZMAError, EOFError) as error:
        raise XzError(str(error)) from None


def _parallel(source: int, header: bytes, blocks: list[_Block], sink: int, jobs: int) -> int:
    def decode(block: _Block) -> None:
        end = block.offset + _padded(block.unpadded)
        pieces = chain([header], _read(source, block.offset, end), [_tail(header, block)])
        _write(pieces, sink, block.place)

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        list(pool.map(decode, blocks))  # cancels what has not begun if one fails
    return blocks[-1].place + blocks[-1].size


def _read(source: int, offset: int, end: int) -> Iterator[bytes]:
    while offset < end and (chunk := os.pread(source, min(_INPUT, end - offset), offset)):
        offset += len(chunk)
        yield chunk


def _write(pieces: Iterable[bytes], sink: int, place: int) -> int:
    """Decode whole streams, one behind the other, to `place` of the sink; returns where the decoded bytes end.

    In bounded pieces in and out: large buffers cost memory, and more time than they save.
    """
    decoder = lzma.LZMADecompressor(format=lzma.FORMAT_XZ)
    for piece in pieces:
        left = piece
        while left or not (decoder.needs_input or decoder.eof):
            if decoder.eof:  # another stream, or padding of zeros in multiples of four
                left = left.lstrip(b"\0")
                if not left:
                    break
                decoder = lzma.LZMADecompressor(format=lzma.FORMAT_XZ)
            place += _write_at(sink, decoder.decompress(left, _OUTPUT), place)
            left = decoder.unused_data if decoder.eof else b""
    if not decoder.eof:
        raise XzError("the .xz stream is cut short")
    return place


def _blocks(source: int, offset: int, length: int) -> tuple[bytes, list[_Block]] | None:
    """The stream's header and blocks as its index lists them, or None if this is not exactly one plain stream."""
    header = os.pread(source, 12, offset)
    footer = os.pread(source, 12, offset + length - 12) if length >= 32 else b""
    if header[:6] != _MAGIC:
        raise XzError("not an .xz stream")
    if len(footer) != 12 or footer[10:] != b"YZ" or footer[8:10] != header[6:8]:
        return None
    (index_size,) = struct.unpack("<I", footer[4:8])
    index_size = (index_size + 1) * 4
    index_at = offset + length - 12 - index_size
    if index_at < offset + 12:
        return None
    index = os.pread(source, index_size, index_at)
    if index[:1] != b"\0" or binascii.crc32(index[:-4]) != int.from_bytes(index[-4:], "little"):
        return None
    count, at = _number(index, 1)
    blocks: list[_Block] = []
    block_at, place = offset + 12, 0
    for _ in range(count):
        unpadded, at = _number(index, at)
        size, at = _number(index, at)
        blocks.append(_Block(block_at, unpadded, size, place))
        block_at += _padded(unpadded)
        place += size
    return (header, blocks) if block_at == index_at else None


def _tail(header: bytes, block: _Block) -> bytes:
    """What makes a stream of one block, behind header and block (sections 2.1 and 4 of the format's description)."""
    index = b"\0\x01" + _encode_number(block.unpadded) + _encode_number(block.size)
    index += b"\0" * (-len(index) % 4)
    index += struct.pack("<I", binascii.crc32(index))
    tail = struct.pack("<I", len(index) // 4 - 1) + header[6:8]
    return index + struct.pack("<I", binascii.crc32(tail)) + tail + b"YZ"


def _padded(size: int) -> int:
    return (size + 3) & ~3


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Reads a variable-length integer (section 1.2); returns it and the place after it."""
    value = 0
    for shift in range(0, 63, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
    raise XzError("the .xz index is damaged")


def _encode_number(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _write_at(sink: int, data: bytes, place: int) -> int:
    view, done = memoryview(data), 0
    while done < len(view):
        done += os.pwrite(sink, view[done:], place + done)
    return done
