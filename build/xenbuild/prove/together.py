"""Many proofs at once, at most as many as there are processors; an interruption ends all machines."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from xenbuild.prove.machine import Programs
from xenbuild.prove.verdict import Proof, Verdict, prove


def prove_all(
    proofs: Sequence[tuple[Proof, Programs]], jobs: int, finished: Callable[[Verdict], None] = lambda verdict: None
) -> list[Verdict]:
    """Runs every proof, calls `finished` with each verdict as it comes, and returns them in the order of `proofs`."""
    cancel = threading.Event()
    with ThreadPoolExecutor(max(jobs, 1)) as pool:
        futures = [pool.submit(prove, proof, programs, cancel) for proof, programs in proofs]
        try:
            for future in as_completed(futures):
                finished(future.result())
        except BaseException:
            cancel.set()  # the consoles notice it within a tick and kill their machines
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [future.result() for future in futures]
