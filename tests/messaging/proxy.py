"""A TCP proxy before the broker that can fall silent, be slow, or block publishers as a broker short of memory does."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

CHUNK = 1 << 16
# AMQP 0-9-1 with RabbitMQ's extension: method frames (type 1) of channel 0, class 10 (connection), methods 60 and 61.
BLOCKED = b"\x01\x00\x00\x00\x00\x00\x0b\x00\x0a\x00\x3c\x06memory\xce"
UNBLOCKED = b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x3d\xce"


class Proxy:
    """Forwards connections to a broker. While it is `frozen` it reads from nobody and answers nobody.

    `delay` is how many seconds it holds back each piece; `accepted` counts connections.
    """

    def __init__(self, url: str):
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port or 5672)
        self._listening = socket.create_server(("127.0.0.1", 0))
        user = parts.netloc.rpartition("@")[0]
        address = f"{user}{'@' if user else ''}127.0.0.1:{self._listening.getsockname()[1]}"
        self.url = urlunsplit(parts._replace(netloc=address))
        self.delay = 0.0
        self.accepted = 0
        self._open: list[tuple[socket.socket, socket.socket]] = []
        self._reads, self._answers = threading.Event(), threading.Event()
        self.thaw()
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """Fall silent, towards those who come, too."""
        self._reads.clear()
        self._answers.clear()

    def thaw(self) -> None:
        """Go on with what has been waiting."""
        self._reads.set()
        self._answers.set()

    def block(self) -> None:
        """Tell every client that it is blocked, and read nothing more from any."""
        self._reads.clear()
        self._tell(BLOCKED)

    def unblock(self) -> None:
        """Tell every client that it is no longer, and read on."""
        self._tell(UNBLOCKED)
        self._reads.set()

    def _tell(self, frame: bytes) -> None:
        for client, _ in self._open:
            with suppress(OSError):
                client.sendall(frame)

    def close(self) -> None:
        """End everything."""
        self.thaw()
        for each in (self._listening, *(end for pair in self._open for end in pair)):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self.accepted += 1
                server = socket.create_connection(self._target)
                self._open.append((client, server))
                for way in ((client, server, self._reads), (server, client, self._answers)):
                    threading.Thread(target=self._forward, args=way, daemon=True).start()

    def _forward(self, source: socket.socket, to: socket.socket, moves: threading.Event) -> None:
        with suppress(OSError):
            while moves.wait() and (chunk := source.recv(CHUNK)):
                moves.wait()
                time.sleep(self.delay)
                to.sendall(chunk)
        with suppress(OSError):
            to.shutdown(socket.SHUT_RDWR)
