"""Check that Kestra is healthy, accepts the account that it was started with, and rejects requests without an account."""

import base64
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

SECRETS = Path(os.environ.get("SECRETS_FOLDER", "/run/secrets"))
MANAGEMENT = os.environ.get("KESTRA_MANAGEMENT", "http://127.0.0.1:8081")
API = os.environ.get("KESTRA_API", "http://127.0.0.1:8080")
FLOWS = f"{API}/api/v1/main/flows/search?size=1"
TIMEOUT_SECONDS = 4


def main() -> None:
    status, body = ask(f"{MANAGEMENT}/health")
    if status != 200 or json.loads(body).get("status") != "UP":
        sys.exit(f"Kestra is not healthy: {status} {body[:200]}")
    account = f"{os.environ['KESTRA_USERNAME']}:{(SECRETS / 'kestra_password').read_text('utf-8')}"
    status, _ = ask(FLOWS, Authorization=f"Basic {base64.b64encode(account.encode()).decode()}")
    if status != 200:
        sys.exit(f"Kestra refuses the account of KESTRA_USERNAME ({status}): its password was changed elsewhere")
    status, _ = ask(FLOWS)
    if status != 401:
        sys.exit(f"Kestra answers without an account ({status})")


def ask(url: str, **headers: str) -> tuple[int, str]:
    """Return status and body of a response, or 0 and the error if there was no response."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_SECONDS) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode("utf-8", "replace")
    except OSError as problem:
        return 0, str(problem)


if __name__ == "__main__":
    main()
