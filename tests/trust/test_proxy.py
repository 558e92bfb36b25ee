"""The proxy in front of the store: it does what it is asked to, and passes on nothing that a store would refuse."""

import http.client
import socket
from collections.abc import Iterator

import pytest

from tests.store.client import Store
from tests.trust.proxy import Proxy, run_proxy

BODY = b"x" * 1000


@pytest.fixture(scope="module")
def proxy(store: Store) -> Iterator[Proxy]:
    store.bucket("behind-a-proxy")
    store.client.put_object(Bucket="behind-a-proxy", Key="there", Body=BODY, ACL="public-read")
    with run_proxy(store.endpoint) as started:
        yield started


def ask(proxy: Proxy) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(proxy.address.removeprefix("http://"), timeout=30)
    connection.request("GET", "/behind-a-proxy/there")
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_an_honest_proxy_passes_on_what_the_store_sends(proxy: Proxy) -> None:
    proxy.be_honest()
    assert ask(proxy) == (200, BODY)


@pytest.mark.parametrize(("lie", "status"), [("500", 500), ("503", 503), ("delay", 200)])
def test_it_responds_with_errors_and_late(proxy: Proxy, lie: str, status: int) -> None:
    proxy.lie(1, 1.0, (lie,))
    assert ask(proxy)[0] == status
    assert proxy.be_honest()[lie] == 1


@pytest.mark.parametrize("lie", ["reset", "lose answer"])
def test_it_breaks_connections(proxy: Proxy, lie: str) -> None:
    proxy.lie(1, 1.0, (lie,))
    with pytest.raises(ConnectionError):
        ask(proxy)


def test_it_truncates_bodies(proxy: Proxy) -> None:
    proxy.lie(1, 1.0, ("truncate",))
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        ask(proxy)


def test_half_an_upload_of_a_client_that_is_gone_does_not_reach_the_store(proxy: Proxy, store: Store) -> None:
    proxy.be_honest()
    host, port = proxy.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"PUT /behind-a-proxy/half HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + b"x" * 10)
    # The next answer comes after the proxy has seen the end of the first connection.
    assert ask(proxy) == (200, BODY)
    assert store.keys("behind-a-proxy") == ["there"]


def test_a_client_that_waits_for_100_continue_gets_it_at_once(proxy: Proxy) -> None:
    proxy.be_honest()
    host, port = proxy.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(b"PUT /behind-a-proxy/there HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 100")
