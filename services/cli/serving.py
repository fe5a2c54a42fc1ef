"""How processes answer HTTP: gunicorn with its traps closed, and a small listener where a worker tells how it is."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

from flask import Flask
from gunicorn.app.base import BaseApplication
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.serving import WSGIRequestHandler, make_server

from shared.http.health import log_check
from shared.http.service import plain_app
from shared.messaging import Supervisor
from shared.service import RunningService

THREADS = 16
GRACE = 25
MEMORY = Path("/dev/shm")  # noqa: S108 - the memory file system itself, for gunicorn's heartbeat


class Served(BaseApplication):  # type: ignore[misc]
    """Gunicorn around an application that is built in the worker, after the fork; `leave` runs when a worker ends.

    `proxies` of ours stand in front, and only what they say about the client is believed.
    """

    def __init__(
        self,
        build: Callable[[], WSGIApplication],
        bind: str,
        leave: Callable[[], None] = lambda: None,
        *,
        proxies: int = 0,
    ):
        self._build = build
        self._bind = bind
        self._leave = leave
        self._proxies = proxies
        super().__init__()

    def load_config(self) -> None:
        """Set what we need; everything else is gunicorn's default."""
        options: dict[str, Any] = {
            "bind": self._bind,
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "graceful_timeout": GRACE,
            "timeout": 60,
            "accesslog": None,
            # Two services of one user would overwrite each other's control socket.
            "control_socket_disable": True,
            # The heartbeat must not wait for a disk, nor need one that can be written to.
            "worker_tmp_dir": str(MEMORY) if MEMORY.is_dir() else None,
            # Gunicorn would believe every local client about scheme and mount point: see `behind`.
            "forwarded_allow_ips": "",
            "limit_request_line": 4094,
            "limit_request_fields": 64,
            "limit_request_field_size": 8190,
            # Ctrl-C reaches the worker too; told twice, by the terminal and by its master, it would wait for itself.
            "post_worker_init": lambda _worker: signal.signal(signal.SIGINT, signal.SIG_IGN),
            "worker_exit": lambda _server, _worker: self._leave(),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        """Build the application in this worker."""
        return behind(self._proxies, self._build())


def behind(proxies: int, app: WSGIApplication) -> WSGIApplication:
    """Take the client's address and scheme from the last of so many proxies; what the client itself said stays out."""
    return ProxyFix(app, x_for=proxies, x_proto=proxies, x_host=0, x_prefix=0) if proxies else app


def health_of(running: RunningService, supervisor: Supervisor) -> Flask:
    """Give a worker's /livez, /readyz (its log answers, its loops move, no lane stands still) and /metrics."""
    checks = {"log": log_check(running.application), **running.readiness(supervisor)}
    return plain_app(f"{running.service.name}-worker", checks)


@contextmanager
def answering(bind: str, app: WSGIApplication) -> Iterator[None]:
    """Answer at `host:port` from threads of this process meanwhile; an empty address means not at all."""
    if not bind:
        yield
        return
    host, _, port = bind.rpartition(":")
    server = make_server(host.strip("[]"), int(port), app, threaded=True, request_handler=_Silent)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class _Silent(WSGIRequestHandler):
    timeout = 10

    def log(self, type: str, message: str, *args: Any) -> None:
        """Our own apps write the log."""
