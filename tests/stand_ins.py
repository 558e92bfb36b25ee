"""Stand-ins for programs of another host. Each checks its arguments as far as it can, and does nothing else.

Arguments for Docker's compose are checked by Docker's compose; commands for a container run here.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.documents import BIN

__all__ = ["stand_in"]

NOTHING = "#!/bin/sh\n"
SUDO = '#!/bin/sh\n[ "$*" = --login ] || exec "$@"\n'
DOCKER = f'#!/bin/sh\nexec {sys.executable} -m tests.stand_ins "$@"\n'
# Everything except what would change this machine.
INSTALL = f"""#!/bin/sh
case "$*" in *" /usr/"*) exit 0 ;; esac
exec {shutil.which("install")} "$@"
"""
# The AWS CLI, except that a session leads to a page served here.
AWS = f"""#!/bin/sh
[ "$1 $2" = "ssm start-session" ] || exec {BIN}/aws "$@"
exec {sys.executable} -c '
import http.server, json, sys
port = json.loads(sys.argv[sys.argv.index("--parameters") + 1])["localPortNumber"][0]
http.server.HTTPServer(("127.0.0.1", int(port)), http.server.SimpleHTTPRequestHandler).serve_forever()
' "$@"
"""
# A tunnel stays open until Ctrl-C, sent after a while; and port 8080 may be in use here.
SHIPMENT_ETL = f"""#!/bin/sh
[ "$1" = tunnel ] || exec {BIN}/shipment-etl "$@"
timeout --signal=INT 15 {BIN}/shipment-etl "$@" --local-port "$FREE_PORT"
[ $? = 124 ]
"""
PROGRAMS = {
    "aws": AWS,
    "dnf": NOTHING,
    "docker": DOCKER,
    "install": INSTALL,
    "session-manager-plugin": NOTHING,
    "shipment-etl": SHIPMENT_ETL,
    "sudo": SUDO,
    "systemctl": NOTHING,
}


def stand_in(folder: Path) -> Path:
    """Write the stand-ins to a folder that will be first on the path."""
    folder.mkdir()
    for name, text in PROGRAMS.items():
        (folder / name).write_text(text, "utf-8")
        (folder / name).chmod(0o755)
    return folder


def docker(arguments: list[str]) -> int:
    """Check the arguments of Docker, and return its exit code."""
    match arguments:
        case ["save", "--output", file, *images]:
            known = compose("--profile", "airflow", "config", "--images").split()
            Path(file).write_text("\n".join(images), "utf-8")
            return 0 if images and set(images) <= set(known) else 1
        case ["load", "--input", file]:
            return 0 if Path(file).exists() else 1
        case ["compose", "exec", "-T", service, program, *rest] if service in services():
            return subprocess.run([program, *rest], check=False).returncode
        case ["compose", *given]:
            return check_compose(given)
    print(f"no stand-in for: docker {arguments}", file=sys.stderr)
    return 1


def check_compose(given: list[str]) -> int:
    """Return 0 if compose has these options, and the file these services."""
    command, *rest = given[2:] if given[0] == "--profile" else given
    options = [each for each in rest if each.startswith("--")]
    named = {each for each in rest if not each.startswith("--")}
    usage = compose(command, "--help")
    return 0 if all(option in usage for option in options) and named <= services() else 1


def services() -> set[str]:
    return set(compose("--profile", "airflow", "config", "--services").split())


def compose(*arguments: str) -> str:
    """Run Docker's compose, which reports errors in the file or the settings."""
    done = subprocess.run([f"{BIN}/docker-compose", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


if __name__ == "__main__":
    os.environ.pop("COMPOSE_PROFILES", None)
    sys.exit(docker(sys.argv[1:]))
