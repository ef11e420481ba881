"""Start a command as the child of this small process, and say on a descriptor which it is and what it cost.

exec(2) counts the largest size of the process that was forked as the new program's own (Linux, fs/exec.c,
setmax_mm_hiwater_rss), so the process that is forked has to be a small one.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    """Words: the descriptor, then the command, which leads a session of its own."""
    report = os.fdopen(int(sys.argv[1]), "w")
    os.set_inheritable(report.fileno(), False)
    began = time.monotonic()
    child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ, setsid=True)
    print(child, file=report, flush=True)
    _, status, usage = os.wait4(child, 0)
    wall = time.monotonic() - began
    cpu = usage.ru_utime + usage.ru_stime
    print(json.dumps([os.waitstatus_to_exitcode(status), wall, cpu, usage.ru_maxrss]), file=report)


if __name__ == "__main__":
    main()
