"""An S3 on this machine, for tests: moto, with what it lacks. Prints its address; ends with its standard input.

moto checks the condition of a conditional put and writes in two steps, and another client can get between them, which S3
rules out: so here requests that write come one at a time. Buckets whose names begin with `denied-`, `expired-` or `faulty-`
respond as S3 documents for these errors, and every other response has the region of the bucket.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{said}</Message></Error>'
ANSWERS = {
    "denied-": ("403 Forbidden", "AccessDenied", "Access Denied"),
    "expired-": ("400 Bad Request", "ExpiredToken", "The provided token has expired."),
    "faulty-": ("501 Not Implemented", "NotImplemented", "A header you provided implies functionality not implemented."),
}
ELSEWHERE = {"elsewhere-": "eu-west-1"}


class Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        pass


def serialise(app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    writing = threading.Lock()

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        bucket = environ["PATH_INFO"].lstrip("/").split("/")[0]
        for name, (status, code, said) in ANSWERS.items():
            if bucket.startswith(name):
                body = ERROR.format(code=code, said=said).encode()
                start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
                return [body]

        def start_with_region(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            region = next((there for name, there in ELSEWHERE.items() if bucket.startswith(name)), "us-east-1")
            return start(status, [*headers, ("x-amz-bucket-region", region)], *more)

        if environ["REQUEST_METHOD"] in ("PUT", "POST", "DELETE"):
            with writing:
                return list(app(environ, start_with_region))
        return app(environ, start_with_region)

    return answer


def main() -> None:
    server = make_server(
        "127.0.0.1", 0, serialise(DomainDispatcherApplication(create_backend_app)), threaded=True, request_handler=Quiet
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
