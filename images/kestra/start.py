"""Start Kestra with the passwords that Compose mounted as secrets, but only if Kestra would accept the account."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

SECRETS = Path(os.environ.get("SECRETS_FOLDER", "/run/secrets"))
CONFIGURATION = Path(__file__).with_name("application.yml")
PASSWORDS = Path(os.environ.get("RUN_FOLDER", "/run/shipment-etl")) / "passwords.yml"
"""In memory. Kestra reads it after its configuration; a file keeps secrets out of the environment of tasks."""

USERNAME = re.compile(r"[A-Za-z0-9_!#$%&'*+/=?`{|}~^.-]+@[A-Za-z0-9.-]+")
PASSWORD = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{8,}", re.DOTALL)
MAX_LENGTH = 256
"""What Kestra accepts (BasicAuthService of its web server).

With anything else it would still start: with an older password, or with a set-up page open to the first visitor.
"""


def main() -> None:
    username = os.environ.get("KESTRA_USERNAME", "")
    password, database = (read_secret(name) for name in ("kestra_password", "kestra_database_password"))
    for problem in problems(username, password, database):
        sys.exit(f"Kestra does not start: {problem}. Set it as .env.example explains.")
    account = {"username": username, "password": password}
    settings = {"kestra": {"server": {"basic-auth": account}}, "datasources": {"postgres": {"password": database}}}
    write_private(PASSWORDS, settings)
    os.environ["MICRONAUT_CONFIG_FILES"] = f"{CONFIGURATION},{PASSWORDS}"
    os.execvp("docker-entrypoint.sh", ["docker-entrypoint.sh", *sys.argv[1:]])  # nosec B606, B607 # Kestra's own


def problems(username: str, password: str, database: str) -> list[str]:
    """Return why Kestra would reject an account; passwords are not repeated."""
    found = []
    if not USERNAME.fullmatch(username) or len(username) > MAX_LENGTH:
        found.append(f"KESTRA_USERNAME is not an e-mail address of at most {MAX_LENGTH} characters")
    if not PASSWORD.fullmatch(password) or len(password) > MAX_LENGTH:
        found.append(
            "KESTRA_PASSWORD breaks Kestra's rule: at least 8 characters with an upper-case letter, a lower-case letter "
            f"and a digit, at most {MAX_LENGTH} characters"
        )
    if not database:
        found.append("KESTRA_DATABASE_PASSWORD is empty")
    for name, value in (("KESTRA_PASSWORD", password), ("KESTRA_DATABASE_PASSWORD", database)):
        if "${" in value:
            found.append(f"{name} contains ${{, which Kestra would replace")
    return found


def read_secret(name: str) -> str:
    """Return a secret that Compose mounted; empty if it mounted none."""
    file = SECRETS / name
    return file.read_text("utf-8") if file.exists() else ""


def write_private(file: Path, settings: dict[str, Any]) -> None:
    """Write settings as JSON, which is also YAML, into a file that only its owner can read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(json.dumps(settings), "utf-8")


if __name__ == "__main__":
    main()
