"""Calls to a real gRPC server whose responses cannot be read."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty

from shipment_etl.engines.calls import Calls

METHOD = "/shipments/Analyze"
BROKEN = b"\xff\xff\xff"
READABLE = Empty().SerializeToString()

Ask = Callable[[], Empty]


class Server(grpc.GenericRpcHandler):
    """Responds with one text after the other, or with an error if one is given."""

    def __init__(self) -> None:
        self.answers: list[bytes | grpc.StatusCode] = []

    def service(self, _: object) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(self.answer)

    def answer(self, _: bytes, context: grpc.ServicerContext) -> bytes:
        answer = self.answers.pop(0)
        if isinstance(answer, grpc.StatusCode):
            context.abort(answer, "no")
        return answer


@pytest.fixture
def server() -> Iterator[tuple[Server, Ask]]:
    handler = Server()
    grpc_server = grpc.server(ThreadPoolExecutor(1), handlers=[handler])
    port = grpc_server.add_insecure_port("127.0.0.1:0")
    grpc_server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = grpc.intercept_channel(channel, Calls()).unary_unary(METHOD, Empty.SerializeToString, Empty.FromString)
        yield handler, lambda: call(Empty(), timeout=10)
    grpc_server.stop(None)


def test_a_call_with_an_unreadable_response_is_retried(server: tuple[Server, Ask]) -> None:
    handler, ask = server
    handler.answers = [BROKEN, READABLE, READABLE]
    assert ask() == ask() == Empty()
    assert handler.answers == []


def test_two_unreadable_responses_are_an_error(server: tuple[Server, Ask]) -> None:
    handler, ask = server
    handler.answers = [BROKEN, BROKEN, READABLE]
    with pytest.raises(grpc.RpcError, match="deserializing"):
        ask()
    assert handler.answers == [READABLE]


@pytest.mark.parametrize("status", [grpc.StatusCode.INTERNAL, grpc.StatusCode.NOT_FOUND])
def test_a_call_that_the_server_refuses_is_not_retried(server: tuple[Server, Ask], status: grpc.StatusCode) -> None:
    handler, ask = server
    handler.answers = [status, READABLE]
    with pytest.raises(grpc.RpcError, match="no"):
        ask()
    assert handler.answers == [READABLE]
