"""A stand-in for Kestra's API: it rejects what Kestra's own models reject, and requires the account."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml
from pydantic import ValidationError

from shipment_etl_kestra.service import load_client

USERNAME, PASSWORD = "operator@example.com", "Aa1-of-kestra"
ACCOUNT = {"KESTRA_USERNAME": USERNAME, "KESTRA_PASSWORD": PASSWORD}
AUTHORIZED = f"Basic {base64.b64encode(f'{USERNAME}:{PASSWORD}'.encode()).decode()}"
TENANT = ["", "api", "v1", "main"]
NOT_FROM_A_USER = {"disabled": False, "deleted": False, "draft": False}

Answer = tuple[int, Any]


@dataclass
class State:
    """What it stores, and the requests it got.

    `namespaces` is None if every namespace exists, as in the open-source edition; `page` is the answer of another program.
    """

    flows: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    namespaces: set[str] | None = None
    writes: list[str] = field(default_factory=list)
    refuses_to_write: str = ""
    failing: int = 0
    page: tuple[int, str] | None = None


def parsed(source: str) -> dict[str, Any]:
    """Return a flow as Kestra returns it: labels, which may be written as a mapping, as a list."""
    told: dict[str, Any] = yaml.safe_load(source)
    if isinstance(told.get("labels"), dict):
        told["labels"] = [{"key": key, "value": value} for key, value in told["labels"].items()]
    return {**NOT_FROM_A_USER, **told}


def fault(source: str) -> str:
    """Return why Kestra's model of a flow rejects a text; empty if it does not."""
    try:
        load_client().FlowWithSource.model_validate({**parsed(source), "source": source})
    except yaml.YAMLError as problem:
        return f"Illegal YAML: {problem}"
    except ValidationError as problem:
        # Where the models have a Property, Kestra accepts the plain value or an expression.
        real = [each for each in problem.errors() if not each.get("ctx", {}).get("class_name", "").startswith("Property")]
        return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in real)
    return ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: State

    def log_message(self, *told: object) -> None:
        """Log nothing."""

    def answer(self, body: str) -> Answer:
        parts = urlsplit(self.path)
        path = parts.path.split("/")
        if self.headers.get("Authorization") != AUTHORIZED:
            return 401, {"message": "Unauthorized"}
        if self.state.failing:
            return self.state.failing, {"message": "Internal server error"}
        if path[: len(TENANT)] == TENANT:
            match self.command, path[len(TENANT) :]:
                case "GET", ["namespaces", name]:
                    return self.namespace(name)
                case "POST", ["namespaces"] if self.state.namespaces is not None:
                    name = load_client().Namespace.model_validate_json(body).id
                    self.state.namespaces.add(name)
                    self.state.writes.append(name)
                    return 200, {"id": name, "deleted": False}
                case "GET", ["flows", namespace, flow]:
                    with_source = parse_qs(parts.query).get("source") == ["true"]
                    return self.flow(namespace, flow, with_source)
                case (("POST" | "PUT"), ["flows", *rest]):
                    if self.headers.get("Content-Type") != "application/x-yaml":
                        return 415, {"message": "Unsupported Media Type"}
                    return self.store(body, rest)
        return 404, {"message": "Not Found"}

    def namespace(self, name: str) -> Answer:
        known = self.state.namespaces
        return (200, {"id": name, "deleted": False}) if known is None or name in known else (404, {"message": "Not Found"})

    def flow(self, namespace: str, flow: str, with_source: bool) -> Answer:
        if (namespace, flow) not in self.state.flows:
            return 404, {"message": "Not Found"}
        source, revision = self.state.flows[namespace, flow]
        told = {**parsed(source), "revision": revision}
        return 200, ({**told, "source": source} if with_source else told)

    def store(self, source: str, rest: list[str]) -> Answer:
        problem = fault(source)
        if rest == ["validate"]:
            return 200, [{"index": 0, **({"constraints": problem} if problem else {})}]
        problem = problem or self.state.refuses_to_write
        if problem:
            return 422, {"message": f"Invalid entity: {problem}"}
        told = yaml.safe_load(source)
        key = (told["namespace"], told["id"])
        if rest and key not in self.state.flows:
            return 404, {"message": "Not Found"}
        if rest and list(key) != rest:
            return 422, {"message": "Illegal flow update"}
        if not rest and key in self.state.flows:
            return 422, {"message": "Invalid entity: id: Flow id already exists"}
        revision = self.state.flows.get(key, ("", 0))[1] + 1
        self.state.flows[key] = (source.strip(), revision)
        self.state.writes.append(".".join(key))
        return 200, {**parsed(source), "revision": revision, "source": source}

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        status, told = self.state.page or self.answer(body)
        data = (told if isinstance(told, str) else json.dumps(told)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = handle_any  # noqa: N815  # names of the library


@contextmanager
def kestra(state: State) -> Iterator[str]:
    """Serve on a free port of the loopback; yield the URL."""
    handler = type("Handler", (Handler,), {"state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()
