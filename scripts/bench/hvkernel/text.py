"""Prints the bytes of code of the hypervisor in a bundle: text.py FOLDER-OF-XENBUILD'S-CODE BUNDLE

Runs in xenbuild's own Python environment.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

sys.path.insert(0, sys.argv[1])

from elftools.elf.elffile import ELFFile

from xenbuild.compose.inspect import inspect

bundle = Path(sys.argv[2])
part = inspect(bundle).facts["parts"][0]  # the bundle's first part is what it starts
image = bundle.read_bytes()[part["offset"] :][: part["size"]]
print(ELFFile(BytesIO(image)).get_section_by_name(".text").data_size)
