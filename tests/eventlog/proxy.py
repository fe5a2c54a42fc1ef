"""A TCP proxy before PostgreSQL that loses a commit, the answer to it, or the connection in between."""

import socket
from contextlib import suppress
from enum import Enum
from threading import Event, Lock, Thread
from urllib.parse import urlsplit, urlunsplit


class Cut(Enum):
    """When the connection is cut: the batch never arrives, is under way, or is done and answered into the void."""

    BEFORE_THE_BATCH = 1
    WHILE_UNDER_WAY = 2
    BEFORE_THE_ANSWER = 3


class LossyProxy:
    """Forwards connections; `cut_next` names how the next ones that send a batch of the log are cut.

    `cuts` counts what really happened.
    """

    def __init__(self, url: str):
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        address = f"{parts.username}:{parts.password}@127.0.0.1:{self._listening.getsockname()[1]}"
        self.url = urlunsplit(parts._replace(netloc=address, query="sslmode=disable"))
        self._lock = Lock()
        self._next: list[Cut] = []
        self.cuts = 0
        Thread(target=self._accept, daemon=True).start()

    def cut_next(self, *cuts: Cut) -> None:
        """Plan the cuts of the next batches."""
        with self._lock:
            self._next.extend(cuts)

    def close(self) -> None:
        """Accept no more connections."""
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server, lost = socket.create_connection(self._target), Event()
                Thread(target=self._to_server, args=(client, server, lost), daemon=True).start()
                Thread(target=self._to_client, args=(server, client, lost), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket, lost: Event) -> None:
        with suppress(OSError):
            while chunk := client.recv(1 << 20):
                cut = self._cut(chunk)
                if cut is Cut.BEFORE_THE_ANSWER:
                    lost.set()
                if cut is not Cut.BEFORE_THE_BATCH:
                    server.sendall(chunk)
                if cut in (Cut.BEFORE_THE_BATCH, Cut.WHILE_UNDER_WAY):
                    _end(client)
        if not lost.is_set():
            _end(server)

    def _to_client(self, server: socket.socket, client: socket.socket, lost: Event) -> None:
        with suppress(OSError):
            while (chunk := server.recv(1 << 20)) and not lost.is_set():
                client.sendall(chunk)
        _end(client)
        _end(server)

    def _cut(self, chunk: bytes) -> Cut | None:
        with self._lock:
            if not self._next or b"append(" not in chunk or b"COMMIT" not in chunk:
                return None
            self.cuts += 1
            return self._next.pop(0)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
