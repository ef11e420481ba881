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
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

_MAGIC = b"\xfd7zXZ\x00"
_CHUNK = 1 << 20
# Blocks beyond this size are streamed instead, which bounds the memory to a few blocks (xz -6 makes 24 MiB blocks).
_LARGEST_BLOCK = 64 << 20


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

    Returns the number of decoded bytes. Raises XzError. Uses memory for `jobs` + 1 blocks at most.
    """
    found = _blocks(source, offset, length)
    try:
        if found is None or len(found[1]) < 2 or max(b.size for b in found[1]) > _LARGEST_BLOCK:
            return _stream(source, offset, length, sink)
        return _parallel(source, *found, sink, jobs)
    except (lzma.LZMAError, EOFError) as error:
        raise XzError(str(error)) from None


def _parallel(source: int, header: bytes, blocks: list[_Block], sink: int, jobs: int) -> int:
    def decode(block: _Block) -> None:
        body = os.pread(source, _padded(block.unpadded), block.offset)
        data = lzma.decompress(_single_block_stream(header, body, block), format=lzma.FORMAT_XZ)
        _write_at(sink, data, block.place)

    flying: deque[Future[None]] = deque()
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for block in blocks:
            if len(flying) > jobs:
                flying.popleft().result()
            flying.append(pool.submit(decode, block))
        for future in flying:
            future.result()
    return blocks[-1].place + blocks[-1].size


def _stream(source: int, offset: int, length: int, sink: int) -> int:
    """Plain decoding, for files of one block and for concatenated streams."""
    decoder = lzma.LZMADecompressor(format=lzma.FORMAT_XZ)
    end, place = offset + length, 0
    while offset < end:
        chunk = os.pread(source, min(_CHUNK, end - offset), offset)
        if not chunk:
            break
        offset += len(chunk)
        while chunk:
            if decoder.eof:  # another stream, or padding of zeros in multiples of four
                chunk = chunk.lstrip(b"\0")
                if not chunk:
                    break
                decoder = lzma.LZMADecompressor(format=lzma.FORMAT_XZ)
            data = decoder.decompress(chunk)
            place += _write_at(sink, data, place)
            chunk = decoder.unused_data
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


def _single_block_stream(header: bytes, body: bytes, block: _Block) -> bytes:
    """A stream of one block (sections 2.1 and 4 of the format's description)."""
    index = b"\0\x01" + _encode_number(block.unpadded) + _encode_number(block.size)
    index += b"\0" * (-len(index) % 4)
    index += struct.pack("<I", binascii.crc32(index))
    tail = struct.pack("<I", len(index) // 4 - 1) + header[6:8]
    return header + body + index + struct.pack("<I", binascii.crc32(tail)) + tail + b"YZ"


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
