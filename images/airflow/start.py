"""Start Airflow, but only with an account and a folder for logs; exit when one of its parts ends.

`airflow standalone` starts the same parts, but keeps running when one of them has died: then nothing is scheduled any more.
"""

import json
import os
import signal
import subprocess  # nosec B404 # starts the parts of Airflow
import sys
from pathlib import Path
from urllib.parse import quote

SECRETS = Path(os.environ.get("SECRETS_FOLDER", "/run/secrets"))
RUN = Path(os.environ.get("RUN_FOLDER", "/run/shipment-etl"))
"""In memory. A file keeps secrets out of the environment of tasks."""

PARTS = ("api-server", "scheduler", "dag-processor", "triggerer")
MIN_PASSWORD = 8
"""Characters; the same minimum as Kestra's."""
STOP_SECONDS = 40
"""Time for parts to end by themselves; Compose kills the container 20 seconds later."""
TRUE = ("t", "true", "1")
"""Values of a setting that Airflow reads as true."""


def main() -> None:
    username = os.environ.get("AIRFLOW_USERNAME", "")
    password, database = (read_secret(name) for name in ("airflow_password", "airflow_database_password"))
    if not username or any(sign in username for sign in ":,") or len(password) < MIN_PASSWORD:
        sys.exit(
            "Airflow does not start without an account: set AIRFLOW_USERNAME (no colon, no comma) "
            f"and AIRFLOW_PASSWORD (at least {MIN_PASSWORD} characters), as .env.example explains."
        )
    if not database:
        sys.exit("Airflow does not start without its database: set AIRFLOW_DATABASE_PASSWORD, as .env.example explains.")
    remote = os.environ.get("AIRFLOW__LOGGING__REMOTE_LOGGING", "").lower() in TRUE
    if remote and not os.environ.get("AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER"):
        sys.exit(
            "Airflow has no folder for the logs of tasks: set AIRFLOW_LOGS to your folder, such as s3://my-bucket/airflow."
        )
    Path(os.environ["AIRFLOW_HOME"]).mkdir(parents=True, exist_ok=True)
    # docker-compose.yml points Airflow to both files.
    write_private("accounts.json", json.dumps({username: password}))
    write_private("database", f"postgresql+psycopg2://airflow:{quote(database, safe='')}@postgres/airflow")
    subprocess.run(["airflow", "db", "migrate"], check=True)  # nosec B603, B607 # the airflow of this image
    sys.exit(run_parts())


def run_parts() -> int:
    """Run all parts until one ends or a signal arrives, end the others, and return an exit code."""
    asked: list[int] = []
    parts = {
        subprocess.Popen(["airflow", part]).pid: part  # nosec B603, B607 # as above
        for part in PARTS
    }

    def stop(number: int, _: object) -> None:
        asked.append(number)
        for pid in parts:
            os.kill(pid, signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    while parts:
        pid, status = os.wait()
        part = parts.pop(pid, None)
        if part and not asked:
            code = os.waitstatus_to_exitcode(status)
            sys.stderr.write(f"Airflow's {part} ended ({code}), so this container ends, and Docker starts it again.\n")
            stop(0, None)
            signal.alarm(STOP_SECONDS)
    return 0 if asked[0] else 1


def read_secret(name: str) -> str:
    """Return a secret that Compose mounted; empty if it mounted none."""
    file = SECRETS / name
    return file.read_text("utf-8") if file.exists() else ""


def write_private(name: str, text: str) -> None:
    """Write a file that only its owner can read."""
    RUN.mkdir(parents=True, exist_ok=True)
    file = RUN / name
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
