"""A worker of shipping in a process of its own: `python -m tests.messaging.worker BAKERY SHIPPING BROKER`."""

from __future__ import annotations

import signal
import sys
import threading

from shared.messaging import Listener, Supervisor
from tests.messaging.delivery import opened

if __name__ == "__main__":
    bakery, shipping, broker = sys.argv[1:]
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    with opened({"bakery": bakery, "shipping": shipping}) as place:
        supervisor = Supervisor()
        supervisor.start("shipping-listener", Listener("shipping", place.inbox(), broker).run)
        stopping.wait()
        late = supervisor.stop()
    sys.exit(1 if late else 0)
