"""The table of functions (hvkernel/include/symbols.h) of a linked image as assembly, for its second link.

Also a program of its own, for hvkernel/Makefile; so it needs nothing but the standard library.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

SHT_SYMTAB, STT_FUNC, STT_NOTYPE = 2, 2, 0


def functions(data: bytes) -> list[tuple[int, str]]:
    """Address and name of every function of an ELF image, sorted; labels of assembly count as functions."""
    wide = data[4] == 2
    at, size, count = struct.unpack_from("<40xQ10xHH", data) if wide else struct.unpack_from("<32xI10xHH", data)
    sections = []
    for n in range(count):
        fields = struct.unpack_from("<IIQQQQII" if wide else "<IIIIIIII", data, at + n * size)
        sections.append((fields[1], fields[4], fields[5], fields[6]))
    found: set[tuple[int, str]] = set()
    for kind, offset, length, link in sections:
        if kind != SHT_SYMTAB:
            continue
        names = sections[link][1]
        for entry in range(offset, offset + length, 24 if wide else 16):
            if wide:
                name, info, _, _, value, _ = struct.unpack_from("<IBBHQQ", data, entry)
            else:
                name, value, _, info, _, _ = struct.unpack_from("<IIIBBH", data, entry)
            text = data[names + name : data.index(b"\0", names + name)].decode()
            if info & 15 in (STT_FUNC, STT_NOTYPE) and text and not text.startswith((".", "$")):
                found.add((value, text))
    return sorted(found)


def assembly(data: bytes) -> str:
    """The table as assembly."""
    table = functions(data)
    place = {text: value for value, text in table}
    inside = {value: text for value, text in reversed(table) if place["_text"] <= value < place["_etext"]}
    table = sorted(inside.items())
    word = ".quad" if data[4] == 2 else ".long"
    lines = [
        '\t.section .symbols, "a", @progbits',
        "\t.balign 8",
        "\t.globl symbol_count, symbol_addresses, symbol_names",
    ]
    lines += [f"symbol_count:\n\t.long {len(table)}\n\t.balign 8", "symbol_addresses:"]
    lines += [f"\t{word} {value:#x}" for value, _ in table]
    lines += ["symbol_names:"] + [f'\t.asciz "{text}"' for _, text in table]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(assembly(Path(sys.argv[1]).read_bytes()), end="")
