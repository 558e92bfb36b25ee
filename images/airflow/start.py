"""Start Airflow with the one account and the place for logs that the environment names; without them, do not start."""

import json
import os
import sys
from pathlib import Path

SHORTEST = 8
"""Characters of a password; as many as Kestra asks for."""

TRUE = ("t", "true", "1")
"""How Airflow reads a setting that is yes or no."""


def main() -> None:
    name = os.environ.get("AIRFLOW_USERNAME", "")
    # Taken out of the environment: what Airflow starts, tasks among it, need not know it.
    password = os.environ.pop("AIRFLOW_PASSWORD", "")
    if not name or any(sign in name for sign in ":,") or len(password) < SHORTEST:
        sys.exit(
            "Airflow does not start without an account: set AIRFLOW_USERNAME (no colon, no comma) "
            f"and AIRFLOW_PASSWORD (at least {SHORTEST} characters), as .env.example explains."
        )
    remote = os.environ.get("AIRFLOW__LOGGING__REMOTE_LOGGING", "").lower() in TRUE
    if remote and not os.environ.get("AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER"):
        sys.exit(
            "Airflow has no place for the logs of tasks: set AIRFLOW_LOGS to a folder of yours, as s3://my-bucket/airflow."
        )
    home = Path(os.environ["AIRFLOW_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    # Where Airflow's simple auth manager looks; left to itself it would make up a password and print it to the log.
    file = home / "simple_auth_manager_passwords.json.generated"
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(json.dumps({name: password}), "utf-8")
    os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] = f"{name}:admin"
    os.execvp("airflow", ["airflow", "standalone"])  # nosec B606, B607 # the airflow of this image


if __name__ == "__main__":
    main()
