"""Compiled FLASK policies, by their first bytes (xen, xsm/flask/ss/policydb.c: policydb_read)."""

from __future__ import annotations

import struct

from xenbuild.errors import FormatError

MAGIC = 0xF97CFF8C
NAME = b"XenFlask"  # what Xen itself holds where it is built with FLASK


def check_policy(data: bytes | memoryview, name: str) -> None:
    """Raises FormatError if the file is no policy for Xen."""
    advice = "compile it with `checkpolicy -t Xen`, as Xen's tools/flask/policy does"
    head = bytes(data[: 8 + len(NAME)])
    if len(head) < 8 or struct.unpack_from("<I", head)[0] != MAGIC:
        raise FormatError(f"{name} is no compiled FLASK policy", advice=advice)
    if head[8:] != NAME:
        what = head[8 : 8 + struct.unpack_from("<I", head, 4)[0]].decode("latin-1")
        raise FormatError(f"{name} is a policy for {what!r}, not for Xen", advice=advice)
