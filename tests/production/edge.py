"""A real nginx with our configuration, in front of services that tell what reached them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.journeys.running import free_port
from tests.production.compose import ROOT

CONFIGURATION = ROOT / "services" / "nginx.conf"
ROOMS = ("intake", "prescription", "referral", "monitoring", "history", "portal")


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked: room, path, headers and length of the body."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Tell what arrived."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = {
            "room": self.server.room,
            "path": self.path,
            "length": len(body),
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }
        answer = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def echo(room: str) -> Iterator[int]:
    """Run the echo of a room; give its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.room, server.daemon_threads = room, True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Edge:
    """Where nginx listens, in clear and with TLS."""

    port: int
    tls_port: int

    @property
    def url(self) -> str:
        """The address in clear."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        """The address with TLS."""
        return f"https://127.0.0.1:{self.tls_port}"


@contextmanager
def running_nginx(upstreams: Mapping[str, int]) -> Iterator[Edge]:
    """Run nginx with our file: only its ports, its folders and the addresses of these rooms are changed."""
    program, edge = nginx_or_skip(), Edge(free_port(), free_port())
    with TemporaryDirectory(prefix="ct-nginx-") as folder, ExitStack() as at_end:
        here = Path(folder)
        here.chmod(0o755)  # nginx started as root serves as somebody else
        (here / "nginx.conf").write_text(_configuration(here, edge, upstreams))
        (here / "resolver.conf").write_text(f"resolver 127.0.0.1:{free_port()};\n")
        _certify(here / "tls", edge.tls_port)
        output = at_end.enter_context((here / "output").open("w"))
        command = [program, "-e", "stderr", "-g", "daemon off;", "-p", folder, "-c", str(here / "nginx.conf")]
        nginx = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            _until_it_answers(edge, nginx, here / "output")
            yield edge
        finally:
            nginx.terminate()
            nginx.wait(timeout=20)


def _configuration(here: Path, edge: Edge, upstreams: Mapping[str, int]) -> str:
    text = CONFIGURATION.read_text()
    text = text.replace("/tmp/", f"{here}/").replace("/etc/nginx/tls/", f"{here}/tls/")
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{edge.port};")
    for room, port in upstreams.items():
        text = text.replace(f"http://{room}-web:8000;", f"http://127.0.0.1:{port};")
    return text


def _certify(folder: Path, port: int) -> None:
    """Do what an operator does: put a certificate, and a file that says to use it, into the folder."""
    folder.mkdir()
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    signed = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    (folder / "certificate.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
    (folder / "tls.conf").write_text(
        f"listen 127.0.0.1:{port} ssl;\n"
        f"ssl_certificate {folder}/certificate.pem;\n"
        f"ssl_certificate_key {folder}/key.pem;\n"
    )


def _until_it_answers(edge: Edge, nginx: subprocess.Popen[bytes], output: Path) -> None:
    deadline = monotonic() + 20
    while True:
        try:
            httpx.get(f"{edge.url}/livez")
            return
        except httpx.TransportError:
            assert nginx.poll() is None, output.read_text()
            assert monotonic() < deadline, output.read_text()
            sleep(0.05)


def nginx_or_skip() -> str:
    """Give the program, which Debian keeps where only root looks; skip the test where there is none."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip("NOT TESTED: no nginx is here to try services/nginx.conf with (apt-get install nginx-light)")
    return found


def rooms_in_the_configuration() -> dict[str, str]:
    """Give name and port of every upstream that the file names."""
    return dict(re.findall(r"set \$[a-z]+ http://([a-z-]+):(\d+);", CONFIGURATION.read_text()))
