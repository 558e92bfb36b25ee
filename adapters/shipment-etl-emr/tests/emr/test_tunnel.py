"""The tunnel: which program it runs and how, how it translates that program's output, and a page that really answers."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emr.ssh_host import SSHD, SshHost, free_port
from shipment_etl.errors import InvalidValue, ShipmentEtlError
from shipment_etl_emr.errors import CredentialsRefused, NotAllowed, PortTaken, SettingMissing
from shipment_etl_emr.ports import require_free
from shipment_etl_emr.signals import Stop
from shipment_etl_emr.tunnel.diagnosis import diagnose
from shipment_etl_emr.tunnel.errors import (
    HostKeyChanged,
    HostKeyUnknown,
    HostUnreachable,
    LoginRefused,
    PageSilent,
    TunnelBroken,
)
from shipment_etl_emr.tunnel.forward import Forward, ssh, ssm
from shipment_etl_emr.tunnel.holding import Patience, hold
from shipment_etl_emr.tunnel.program import Program

INSTANCE = "i-0123456789abcdef0"
PAGE = b"<title>Airflow</title>"
CHANGED = """
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
The fingerprint for the ED25519 key sent by the remote host is
SHA256:D/vuNhaVmqjj7+Xx9j4hbmVjGNxX1Iw6sshu/mYOz9E.
Offending ED25519 key in /home/acme/.ssh/known_hosts:1
Host key for [127.0.0.1]:2299 has changed and you have requested strict checking.
Host key verification failed.
"""
SAID: list[tuple[str, type[ShipmentEtlError], str]] = [
    (CHANGED, HostKeyChanged, "ssh-keygen -R '[127.0.0.1]:2299'"),
    (CHANGED, HostKeyChanged, "SHA256:D/vuNhaVmqjj7+Xx9j4hbmVjGNxX1Iw6sshu/mYOz9E."),
    (CHANGED, HostKeyChanged, "/home/acme/.ssh/known_hosts:1"),
    ("No ED25519 host key is known for box and you have requested strict checking.", HostKeyUnknown, "ssh box"),
    ("root@box: Permission denied (publickey).", LoginRefused, "ssh-add"),
    ("ssh: connect to host box port 22: Connection timed out", HostUnreachable, "port 22: Connection timed out"),
    ("ssh: Could not resolve hostname box: Name or service not known", HostUnreachable, "Could not resolve"),
    ("Timeout, server 127.0.0.1 not responding.", HostUnreachable, "not responding"),
    ("Connection to 127.0.0.1 closed by remote host.", HostUnreachable, "closed by remote host"),
    ("client_loop: send disconnect: Broken pipe", HostUnreachable, "Broken pipe"),
    ("Can't open user config file nofile: No such file or directory", TunnelBroken, "nofile"),
    ("", TunnelBroken, "no reason given"),
    ("You must specify a region. You can also configure …", SettingMissing, "--region"),
    ("Unable to locate credentials. You can configure …", CredentialsRefused, "aws sso login"),
    (
        "An error occurred (TargetNotConnected) when calling the StartSession operation: i-0 is not connected.",
        HostUnreachable,
        "AmazonSSMManagedInstanceCore",
    ),
    (
        "An error occurred (AccessDeniedException) when calling the StartSession operation: User: … is not authorized",
        NotAllowed,
        "is not authorized",
    ),
    (
        "An error occurred (ExpiredTokenException) when calling the StartSession operation: The security token …",
        CredentialsRefused,
        "ExpiredTokenException",
    ),
]
# A fake AWS CLI: records its arguments, starts a plugin like the real one, and ends when the file `gone` appears.
AWS = """#!{python}
import json, pathlib, subprocess, sys, time
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
port = json.loads(sys.argv[sys.argv.index("--parameters") + 1])["localPortNumber"][0]
plugin = subprocess.Popen(["session-manager-plugin", port])
(here / "plugin").write_text(str(plugin.pid))
while not (here / "gone").exists():
    time.sleep(0.05)
(here / "gone").unlink()
print("An error occurred (InternalServerError) when calling the StartSession operation: we are sorry", flush=True)
"""
PLUGIN = """#!{python}
import http.server, sys
# The real one prints nothing when a client disconnects before the answer.
http.server.HTTPServer.handle_error = lambda *whom: None
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""

needs_sshd = pytest.mark.skipif(SSHD is None, reason="no sshd on this machine: apt-get install openssh-server")


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def page() -> Iterator[int]:
    """The port of a page on this machine."""
    server = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[SshHost]:
    made = SshHost(tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def aws(tmp_path: Path) -> Path:
    """A folder with a fake AWS CLI and a fake plugin."""
    for name, text in (("aws", AWS), ("session-manager-plugin", PLUGIN)):
        (tmp_path / name).write_text(text.format(python=sys.executable))
        (tmp_path / name).chmod(0o755)
    return tmp_path


@contextmanager
def tunnel(*arguments: str | int | Path, path: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run the command, and always kill it at the end."""
    command = [sys.executable, "-m", "shipment_etl", "tunnel", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "100", **({"PATH": str(path)} if path else {})}
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def run_failing(*arguments: str | int | Path, path: Path | None = None) -> tuple[int, str]:
    """Run the command, which must fail; return its exit code and its stderr."""
    with tunnel(*arguments, path=path) as process:
        printed, said = process.communicate(timeout=60)
    assert printed == ""
    return process.returncode, " ".join(said.split())


def fetch(port: int) -> bytes:
    with urlopen(f"http://localhost:{port}", timeout=10) as answer:
        return bytes(answer.read())


def has_ended(process: psutil.Process) -> bool:
    """Whether a process has ended, even if it is still a zombie."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


# The commands.


def test_ssh_listens_on_loopback_and_never_leaves_the_host_key_unchecked() -> None:
    command = ssh("ec2-user@box", 8080, 8081).command
    assert command[:2] == ("ssh", "-N")
    assert command[-4:] == ("-L", "127.0.0.1:8081:localhost:8080", "--", "ec2-user@box")
    options = [value for option, value in pairwise(command) if option == "-o"]
    assert {"StrictHostKeyChecking=yes", "ExitOnForwardFailure=yes", "BatchMode=yes", "ServerAliveInterval=15"} <= {*options}


def test_ssm_starts_a_session_that_forwards_the_port() -> None:
    assert ssm(INSTANCE, 8080, 8081, "eu-central-1").command == (
        *("aws", "ssm", "start-session", "--target", INSTANCE, "--document-name", "AWS-StartPortForwardingSession"),
        *("--parameters", '{"portNumber":["8080"],"localPortNumber":["8081"]}', "--region", "eu-central-1"),
    )


@given(st.text())
def test_no_target_becomes_an_option_of_ssh(target: str) -> None:
    try:
        command = ssh(target, 8080, 8080).command
    except InvalidValue:
        return
    assert command[-2:] == ("--", target)
    assert not target.startswith("-")
    assert target.split() == [target]


@pytest.mark.parametrize("target", ["box", "i-", "i-0123456789ABCDEF0", f"{INSTANCE} ", "-i-01234567", "mi-01234567"])
def test_ssm_accepts_only_instance_ids(target: str) -> None:
    with pytest.raises(InvalidValue, match="ID of an instance"):
        ssm(target, 8080, 8080)


@pytest.mark.parametrize("target", ["i-01234567", INSTANCE, "mi-0123456789abcdef0"])
def test_ssm_accepts_each_kind_of_id(target: str) -> None:
    assert target in ssm(target, 8080, 8080).command


# Errors from the output of the programs.


@pytest.mark.parametrize(("said", "kind", "told"), SAID)
def test_output_of_a_program_becomes_an_error_with_a_remedy(said: str, kind: type[ShipmentEtlError], told: str) -> None:
    problem = diagnose(ssh("box", 8080, 8080), said)
    assert type(problem) is kind
    assert told in str(problem)


@given(st.text(max_size=5000))
def test_the_error_is_short_whatever_a_program_prints(said: str) -> None:
    assert len(str(diagnose(ssh("box", 8080, 8080), said))) < 1000


# Ports and programs of this machine.


def test_a_port_in_use_is_reported_with_its_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"{port} .*\(process {os.getpid()}\)"):
            require_free(port, "take another")
    require_free(port, "take another")


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 on this machine")
def test_a_program_on_the_ipv6_localhost_also_takes_a_port() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken, pytest.raises(PortTaken):
        require_free(taken.getsockname()[1], "take another")


def test_a_program_ends_with_its_children_and_keeps_its_last_lines() -> None:
    stubborn = "trap '' TERM; seq 100; sleep 60 & echo child $!; wait; sleep 60"
    with Program(["bash", "-c", stubborn], patience=0.5) as program:
        deadline = time.monotonic() + 20
        while "child" not in program.said and time.monotonic() < deadline:
            time.sleep(0.05)
        child = psutil.Process(int(program.said.split()[-1]))
    assert program.over
    assert has_ended(child)
    assert program.said.startswith("62\n63\n")


def test_a_host_without_a_page_is_given_up() -> None:
    silent = Forward("box", 8080, free_port(), ("sleep", "60"), ("sleep",))
    with pytest.raises(PageSilent, match="port 8080 of box"):
        hold(silent, Stop(), pytest.fail, pytest.fail, Patience(page=0.5))


# Through a real sshd.


@needs_sshd
@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_page_comes_through_ssh_and_a_signal_ends_all(host: SshHost, page: int, number: signal.Signals) -> None:
    port = free_port()
    with tunnel("ssh", "box", "--config", host.config, "--port", page, "--local-port", port) as process:
        assert line(process) == f"http://localhost:{port} is port {page} of box, until Ctrl-C.\n"
        assert fetch(port) == PAGE
        (child,) = psutil.Process(process.pid).children()
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (128 + number, "The tunnel is closed.\n")
    assert has_ended(child)
    require_free(port, "take another")


@needs_sshd
def test_the_tunnel_listens_on_loopback_only(host: SshHost, page: int) -> None:
    port = free_port()
    with tunnel("ssh", "box", "--config", host.config, "--port", page, "--local-port", port) as process:
        line(process)
        addresses = {each.laddr.ip for each in psutil.net_connections("tcp") if each.laddr.port == port and not each.raddr}
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert addresses == {"127.0.0.1"}


@needs_sshd
def test_the_tunnel_is_opened_again_when_the_host_returns(host: SshHost, page: int) -> None:
    port = free_port()
    with tunnel("ssh", "box", "--config", host.config, "--port", page, "--local-port", port, "--json") as process:
        ready = json.loads(line(process))
        assert ready == {
            **{"event": "ready", "target": "box", "port": page, "local_port": port},
            "url": f"http://localhost:{port}",
        }
        host.kill()
        lost = json.loads(line(process))
        assert lost["event"] == "lost"
        assert "box cannot be reached" in lost["reason"]
        host.start()
        assert json.loads(line(process)) == ready
        assert fetch(port) == PAGE
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    assert "Opening it again." in said


@needs_sshd
def test_reconnecting_to_a_lost_host_is_given_up(host: SshHost, page: int) -> None:
    told: list[str] = []
    forward = ssh("box", page, free_port(), host.config)
    with pytest.raises(HostUnreachable, match="Connection refused"):
        hold(forward, Stop(), host.kill, lambda why: told.append(str(why)), Patience(lost=0.5))
    assert len(told) == 1


@needs_sshd
def test_a_host_that_returns_with_another_key_is_not_trusted(host: SshHost, page: int) -> None:
    def replaced() -> None:
        host.know("other_host")
        host.kill()
        host.start()

    with pytest.raises(HostKeyChanged):
        hold(ssh("box", page, free_port(), host.config), Stop(), replaced, lambda why: None)


@needs_sshd
def test_a_changed_host_key_is_reported_whatever_the_configuration_says(host: SshHost, page: int) -> None:
    host.know("other_host")
    code, said = run_failing("ssh", "box", "--config", host.config, "--port", page, "--local-port", free_port())
    assert code == 1
    assert said.startswith(f"error: The host key of [127.0.0.1]:{host.port} is not the known one")
    assert f"ssh-keygen -R '[127.0.0.1]:{host.port}'" in said


@needs_sshd
def test_an_unknown_host_is_reported(host: SshHost, page: int) -> None:
    host.know(None)
    code, said = run_failing("ssh", "box", "--config", host.config, "--port", page, "--local-port", free_port())
    assert code == 1
    assert "is not known here" in said
    assert "ssh box" in said


@needs_sshd
def test_a_key_that_the_host_rejects_is_reported(host: SshHost, page: int) -> None:
    host.config.write_text(host.config.read_text().replace("/user\n", "/other_user\n"))
    code, said = run_failing("ssh", "box", "--config", host.config, "--port", page, "--local-port", free_port())
    assert code == 1
    assert "accepts none of the keys that were offered (it asks for publickey)" in said


@needs_sshd
def test_a_page_without_a_server_is_reported_at_once(host: SshHost) -> None:
    port = free_port()
    code, said = run_failing("ssh", "box", "--config", host.config, "--port", port, "--local-port", free_port())
    assert code == 75
    assert f"box can be reached, but not its port {port}: connect failed: Connection refused" in said


@needs_sshd
def test_a_local_port_in_use_is_reported_with_its_owner(host: SshHost, page: int) -> None:
    code, said = run_failing("ssh", "box", "--config", host.config, "--port", page)
    assert code == 2
    assert f"The port {page} of this machine is already used by" in said
    assert f"(process {os.getpid()})" in said


@pytest.mark.skipif(os.geteuid() != 0 and SSHD is None, reason="no ssh on this machine: apt-get install openssh-client")
def test_a_host_without_sshd_is_reported() -> None:
    port = free_port()
    code, said = run_failing("ssh", f"ssh://127.0.0.1:{port}", "--local-port", free_port())
    assert code == 75
    assert f"cannot be reached: connect to host 127.0.0.1 port {port}: Connection refused" in said


# Through SSM, with a fake AWS CLI.


def test_ssm_is_opened_again_when_its_session_ends_and_leaves_no_plugin(aws: Path) -> None:
    port = free_port()
    with tunnel("ssm", INSTANCE, "--local-port", port, "--json", path=aws) as process:
        assert json.loads(line(process))["url"] == f"http://localhost:{port}"
        first = psutil.Process(int((aws / "plugin").read_text()))
        (aws / "gone").touch()
        assert "we are sorry" in json.loads(line(process))["reason"]
        assert json.loads(line(process))["event"] == "ready"
        second = psutil.Process(int((aws / "plugin").read_text()))
        assert has_ended(first)
        assert second.is_running()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 143
    assert has_ended(second)
    calls = [tuple(json.loads(each)) for each in (aws / "calls").read_text().splitlines()]
    assert calls == [ssm(INSTANCE, 8080, port).command[1:]] * 2


def test_an_instance_that_is_not_connected_is_reported(aws: Path) -> None:
    said = "An error occurred (TargetNotConnected) when calling the StartSession operation: it is not connected."
    (aws / "aws").write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 254\n")
    code, told = run_failing("ssm", INSTANCE, "--local-port", free_port(), path=aws)
    assert code == 75
    assert "is it running, is it in this region" in told


@pytest.mark.parametrize("program", ["aws", "session-manager-plugin"])
def test_a_missing_program_is_reported_with_where_to_get_it(aws: Path, program: str) -> None:
    (aws / program).unlink()
    code, said = run_failing("ssm", INSTANCE, "--local-port", free_port(), path=aws)
    assert code == 2
    assert f"The program {program} is not on the PATH." in said
    assert "https://docs.aws.amazon.com/" in said
