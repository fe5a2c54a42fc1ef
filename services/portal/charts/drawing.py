"""Drawing of charts in a process of its own; what was drawn is kept by its content."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import threading
from collections import OrderedDict
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

Spec = dict[str, Any]

PATIENCE = 30.0
"""Seconds that a drawing may take, the start of its process included."""

KEPT = 256
"""Charts kept in memory, about 15 kB each."""

VEGA_LITE = "5.21"


class NotDrawn(Exception):
    """The chart could not be drawn in time."""


class Charts:
    """Draws specifications as SVG, one at a time, in a child process that ends with this one."""

    def __init__(self, patience: float = PATIENCE):
        self._patience = patience
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._drawn: OrderedDict[str, bytes] = OrderedDict()

    def svg(self, spec: Spec) -> bytes:
        """Give the drawing; NotDrawn if the child process fails or takes too long."""
        key = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()
        with self._lock:
            if key not in self._drawn:
                self._drawn[key] = self._draw(spec)
            self._drawn.move_to_end(key)
            if len(self._drawn) > KEPT:
                self._drawn.popitem(last=False)
            return self._drawn[key]

    def close(self) -> None:
        """End the child process."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _draw(self, spec: Spec) -> bytes:
        if self._pool is None:
            # spawned, never forked: the drawing library hangs in a fork of a process that has used it
            spawning = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(max_workers=1, mp_context=spawning, initializer=_end_with_the_parent)
        try:
            return self._pool.submit(_svg_of, spec).result(timeout=self._patience)
        except (BrokenProcessPool, TimeoutError) as error:
            self.close()
            raise NotDrawn from error


def _svg_of(spec: Spec) -> bytes:
    # imported in the child alone: the library takes 100 MB of memory
    import vl_convert  # noqa: PLC0415

    drawn: str = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)
    return drawn.encode()


def _end_with_the_parent() -> None:
    """Let the child not outlive a parent that was killed."""
    threading.Thread(target=_wait_for_the_parent, daemon=True).start()


def _wait_for_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
