"""Check that all parts of Airflow are healthy: it answers 200 even if one of them is not, and says which in the body."""

import json
import os
import sys
import urllib.request

HEALTH = os.environ.get("AIRFLOW_HEALTH", "http://127.0.0.1:8080/api/v2/monitor/health")
PARTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
TIMEOUT_SECONDS = 8


def main() -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(HEALTH, timeout=TIMEOUT_SECONDS) as answer:
            health = json.load(answer)
    except (OSError, ValueError) as problem:
        sys.exit(f"Airflow does not answer: {problem}")
    states = {part: (health.get(part) or {}).get("status") for part in PARTS}
    bad = [f"{part} is {state}" for part, state in states.items() if state != "healthy"]
    if bad:
        sys.exit(f"Airflow is not healthy: {', '.join(bad)}")


if __name__ == "__main__":
    main()
