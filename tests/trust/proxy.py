"""A lying proxy in front of a store: it loses responses, resets, truncates, delays, and responds with 500 and 503.

It is between every client of a job (boto3, pyarrow, deltalake, Sail) and the store, in a separate process, because some
clients hold Python's lock while they wait. What it does to which request is drawn from a seed. Of other tools, toxiproxy
only knows connections, and mitmproxy needs a second set of pinned versions.

Run as a program with the address of a store, it prints its own, and then responds to each line of JSON on its standard input
(seed, share, lies) with how often it has lied so far; it ends with its standard input.
"""

import http.client
import json
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["LIES", "Proxy", "run_proxy"]

LIES = ("lose answer", "reset", "truncate", "delay", "500", "503")
DELAY_SECONDS = 0.2
NOT_PASSED_ON = ("connection", "transfer-encoding", "keep-alive", "content-length", "expect")
ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>forced</Message></Error>'
CODES = {"500": "InternalError", "503": "SlowDown"}


class Proxy:
    """A proxy in a separate process, honest at first.

    Attributes:
        address: where it listens.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.address = self._read_line()

    def lie(self, seed: int, share: float, lies: tuple[str, ...] = LIES) -> dict[str, int]:
        """Lie about a share of the requests from now on; return how often it lied before, by kind."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"seed": seed, "share": share, "lies": lies}) + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._read_line()))

    def be_honest(self) -> dict[str, int]:
        """Pass everything on from now on; return how often it lied before, by kind."""
        return self.lie(0, 0.0)

    def _read_line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def run_proxy(store: str) -> Iterator[Proxy]:
    """Start a proxy in front of a store, and end it with the body."""
    command = [sys.executable, str(Path(__file__)), store]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Proxy(process)
        assert process.stdin is not None
        process.stdin.close()


class _Lies:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._random = random.Random()
        self._share, self._lies = 0.0, LIES
        self._told: Counter[str] = Counter()

    def change(self, seed: int, share: float, lies: list[str]) -> dict[str, int]:
        with self._lock:
            self._random, self._share, self._lies = random.Random(seed), share, tuple(lies)
            return dict(self._told)

    def draw(self) -> str | None:
        """Return what to do to the next request."""
        with self._lock:
            if self._random.random() >= self._share:
                return None
            lie = self._random.choice(self._lies)
            self._told[lie] += 1
            return lie


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Data sent in several parts must not wait until the other side has confirmed the first.
    disable_nagle_algorithm = True
    wbufsize = -1
    store = ""
    lies = _Lies()

    def handle_one_request(self) -> None:
        # ValueError: a client that was killed had sent half a body.
        with suppress(ConnectionError, ValueError):
            super().handle_one_request()

    def handle_expect_100(self) -> bool:
        # Without an immediate 100 Continue, boto3 waits a second before it sends the body.
        expected = super().handle_expect_100()
        self.wfile.flush()
        return expected

    def log_message(self, *_: Any) -> None:
        pass

    def do_any(self) -> None:
        body = self._read_body()
        lie = self.lies.draw()
        if lie == "reset":
            self._reset()
            return
        if lie in CODES:
            self._answer(int(lie), [("Content-Type", "application/xml")], ERROR.format(code=CODES[lie]).encode())
            return
        if lie == "delay":
            time.sleep(DELAY_SECONDS)
        status, headers, content = self._ask(body)
        if lie == "lose answer":
            self._reset()
        elif lie == "truncate" and len(content) > 1:
            self._answer(status, headers, content[: len(content) // 2], len(content))
            self._reset()
        else:
            self._answer(status, headers, content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_any  # noqa: N815 - names of http.server

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            # A store does not accept half a body either.
            raise ConnectionError("the client is gone")
        return body

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self.store.removeprefix("http://"), timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in NOT_PASSED_ON}
        connection.request(self.command, self.path, body, {**headers, "Content-Length": str(len(body))})
        answer = connection.getresponse()
        content = answer.read()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in NOT_PASSED_ON]
        if self.command == "HEAD":
            kept.append(("Content-Length", answer.getheader("Content-Length", "0")))
        connection.close()
        return answer.status, kept, content

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes, length: int | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def _reset(self) -> None:
        self.close_connection = True
        # Closed at once, without a shutdown: the other side sees a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    _Handler.store = sys.argv[1]
    server = _Server(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    for line in sys.stdin:
        print(json.dumps(_Handler.lies.change(**json.loads(line))), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
