"""A host for SSH: a real sshd on loopback, with its own keys and settings."""

import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
SETTINGS = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
"""
# An unsafe setting in a user's configuration, which the tunnel must override.
CLIENT = """
Host box
  HostName 127.0.0.1
  Port {port}
  IdentityFile {folder}/user
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
  StrictHostKeyChecking no
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@dataclass
class SshHost:
    folder: Path
    port: int = field(default_factory=free_port)
    server: psutil.Popen | None = None

    def __post_init__(self) -> None:
        for name in ("host", "other_host", "user", "other_user"):
            self.make_key(name)
        (self.folder / "sshd_config").write_text(SETTINGS.format(port=self.port, folder=self.folder))
        self.config.write_text(CLIENT.format(port=self.port, folder=self.folder))
        self.know("host")

    @property
    def config(self) -> Path:
        return self.folder / "ssh_config"

    def make_key(self, name: str) -> None:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    def know(self, key: str | None) -> None:
        """Set the client's known key of the host; None for no known key."""
        shown = (self.folder / f"{key}.pub").read_text() if key else ""
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {shown}" if key else "")

    def start(self) -> None:
        Path("/run/sshd").mkdir(exist_ok=True)  # chroot of sshd's unprivileged process, if run as root
        self.server = psutil.Popen(
            [str(SSHD), "-D", "-e", "-f", str(self.folder / "sshd_config")], stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("sshd does not listen")

    def kill(self) -> None:
        """Kill the server and all its connections, as if the host went down."""
        if self.server is None:
            return
        for each in [*self.server.children(recursive=True), self.server]:
            each.kill()
        self.server.wait()
        self.server = None
