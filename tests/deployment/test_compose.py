"""docker-compose.yml: valid for Docker's compose in every profile, within our rules, and without secrets."""

import itertools
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml

from tests.deployment.composed import FILE, OF_AIRFLOW, PROFILES, REQUIRED, ROOT, as_written, compose, composed
from tests.deployment.policy import breaches, places_of, secrets_in_clear

CONFIGURATION = ROOT / "images/kestra/application.yml"
SUBSETS = [chosen for size in range(len(PROFILES) + 1) for chosen in itertools.combinations(PROFILES, size)]
ALWAYS = {"kestra", "postgres"}


@pytest.fixture(scope="module")
def everything() -> dict[str, Any]:
    return composed(*PROFILES, **OF_AIRFLOW)


@pytest.mark.parametrize("profiles", SUBSETS, ids="+".join)
def test_compose_accepts_the_file_in_every_profile(profiles: tuple[str, ...]) -> None:
    jobs = {"airflow-database"} if "airflow" in profiles else set()
    assert set(composed(*profiles)["services"]) == {*ALWAYS, *profiles, *jobs}


def test_no_service_breaks_a_rule(everything: dict[str, Any]) -> None:
    assert breaches(everything) == []


def test_no_secret_is_in_the_file() -> None:
    assert secrets_in_clear(as_written()) == []


@pytest.mark.parametrize("missing", REQUIRED)
def test_nothing_starts_without_a_password(missing: str) -> None:
    for given in ({}, {missing: ""}):
        others = {name: value for name, value in REQUIRED.items() if name != missing}
        done = compose(["config", "--quiet"], {**others, **given})
        assert done.returncode != 0
        assert missing in done.stderr
        assert ".env.example" in done.stderr


def test_a_password_reaches_only_the_services_that_need_it(everything: dict[str, Any]) -> None:
    services = everything["services"]
    passwords = {name: value for name, value in {**REQUIRED, **OF_AIRFLOW}.items() if "PASSWORD" in name}
    assert {name: places_of(value, services) for name, value in passwords.items()} == {name: [] for name in passwords}
    users = {
        secret["environment"]: {
            service for service, told in services.items() if name in {each["source"] for each in told.get("secrets", [])}
        }
        for name, secret in everything["secrets"].items()
    }
    assert users == {
        "KESTRA_PASSWORD": {"kestra"},
        "KESTRA_DATABASE_PASSWORD": {"postgres", "kestra", "airflow-database"},
        "AIRFLOW_PASSWORD": {"airflow"},
        "AIRFLOW_DATABASE_PASSWORD": {"airflow", "airflow-database"},
    }


@pytest.mark.parametrize("password", ["Aa1$HOME${HOME}", "Aa1: 'x' \"y\" #z", "Aa1\\n{{ x }}", "Aa1ß\u20ac"])
def test_any_password_arrives_unchanged(password: str) -> None:
    told = composed(KESTRA_PASSWORD=password)
    assert password in told["x-required"]
    assert told["services"] == composed()["services"]


def test_a_value_in_single_quotes_is_read_unchanged_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text((ROOT / ".env.example").read_text("utf-8").replace("PASSWORD=\n", "PASSWORD='Aa1 $HOME'\n"), "utf-8")
    done = compose(["config", "--format=json"], {"KESTRA_USERNAME": "operator@example.com"}, file)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["x-required"] == ["operator@example.com", "Aa1 $$HOME", "Aa1 $$HOME"]


def test_kestra_uses_the_database_that_postgres_creates(everything: dict[str, Any]) -> None:
    kestra, postgres = (everything["services"][name] for name in ("kestra", "postgres"))
    source = yaml.safe_load(CONFIGURATION.read_text("utf-8"))["datasources"]["postgres"]
    assert source["url"] == f"jdbc:postgresql://postgres:5432/{postgres['environment']['POSTGRES_DB']}"
    assert source["username"] == postgres["environment"]["POSTGRES_USER"]
    assert "kestra-database" in {*kestra["networks"]} & {*postgres["networks"]}


def test_airflow_has_its_own_database_in_the_same_postgres(everything: dict[str, Any]) -> None:
    airflow, job = (everything["services"][name] for name in ("airflow", "airflow-database"))
    assert airflow["depends_on"]["airflow-database"]["condition"] == "service_completed_successfully"
    assert job["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert job["image"] == everything["services"]["postgres"]["image"]
    start = (ROOT / "images/airflow/start.py").read_text("utf-8")
    assert "postgresql+psycopg2://airflow:" in start
    assert "@postgres/airflow" in start


def test_airflow_and_kestra_share_no_network(everything: dict[str, Any]) -> None:
    networks = {name: {*service["networks"]} for name, service in everything["services"].items()}
    assert networks["airflow"] & networks["kestra"] == set()
    assert networks["local-aws"] & networks["kestra"] == {"kestra-aws"}
    assert networks["local-aws"] & networks["airflow"] == {"airflow-aws"}


def test_kestra_waits_for_a_healthy_postgres(everything: dict[str, Any]) -> None:
    waits = everything["services"]["kestra"]["depends_on"]["postgres"]
    assert waits == {"condition": "service_healthy", "required": True}


def test_the_database_is_only_reachable_from_inside(everything: dict[str, Any]) -> None:
    postgres = everything["services"]["postgres"]
    assert "ports" not in postgres
    assert all(everything["networks"][name]["internal"] for name in postgres["networks"])


def test_only_the_pages_are_published_and_both_default_to_8080(everything: dict[str, Any]) -> None:
    published = {
        (name, port["target"], port["published"])
        for name, service in everything["services"].items()
        for port in service.get("ports", [])
    }
    assert published == {("kestra", 8080, "8080"), ("airflow", 8080, "8080")}


def test_both_pages_can_be_open_at_once() -> None:
    services = composed("airflow", KESTRA_PORT="9090", AIRFLOW_PORT="9091")["services"]
    assert [services[name]["ports"][0]["published"] for name in ("kestra", "airflow")] == ["9090", "9091"]
    assert services["kestra"]["environment"]["KESTRA_PORT"] == "9090"
    airflow = services["airflow"]
    assert airflow["environment"]["AIRFLOW__API__BASE_URL"] == "http://localhost:9091"
    inside = airflow["ports"][0]["target"]
    assert airflow["environment"]["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == f"http://localhost:{inside}/execution/"


def test_no_usage_data_is_sent(everything: dict[str, Any]) -> None:
    kestra = yaml.safe_load(CONFIGURATION.read_text("utf-8"))["kestra"]
    assert kestra["anonymous-usage-report"] == kestra["ui-anonymous-usage-report"] == {"enabled": False}
    airflow = everything["services"]["airflow"]["environment"]
    assert airflow["AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"] == "false"
    assert "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False" in (ROOT / "adapters/shipment-etl-airflow/airflow.env").read_text(
        "utf-8"
    )


def test_kestra_ends_before_docker_kills_it(everything: dict[str, Any]) -> None:
    assert everything["services"]["kestra"]["stop_grace_period"] == "1m30s"
    assert yaml.safe_load(CONFIGURATION.read_text("utf-8"))["kestra"]["server"]["termination-grace-period"] == "1m"


def test_the_image_can_be_based_on_another_kestra() -> None:
    kestra = composed(KESTRA_IMAGE="kestra/kestra:latest")["services"]["kestra"]
    assert kestra["build"]["args"]["KESTRA_IMAGE"] == "kestra/kestra:latest"


def test_the_flows_get_the_secrets_and_settings_that_they_use(everything: dict[str, Any]) -> None:
    kestra = everything["services"]["kestra"]
    flows = "".join(file.read_text("utf-8") for file in (files("shipment_etl_kestra") / "flows").iterdir())
    secrets = {f"SECRET_{name}" for name in re.findall(r"secret\('(\w+)'\)", flows)}
    settings = {f"ENV_{name.upper()}" for name in re.findall(r"envs\.(\w+)", flows)}
    assert secrets
    assert secrets <= set(kestra["environment"])
    # The folder has its default, and compose and the recipe put its content there.
    assert settings - set(kestra["environment"]) == {"ENV_SHIPMENTS_FOLDER"}
    (folder,) = set(re.findall(r"envs\.shipments_folder \?\? '([^']+)'", flows))
    assert f"{folder}/emr.toml" in {volume["target"] for volume in kestra["volumes"]}
    assert f"COPY spark {folder}/spark" in (ROOT / "images/kestra/Dockerfile").read_text("utf-8")


def test_without_keys_the_role_of_the_machine_is_used() -> None:
    without, given = (
        composed(**secrets)["services"]["kestra"]["environment"] for secrets in ({}, {"SECRET_AWS_ACCESS_KEY_ID": "eA=="})
    )
    # Kestra fails a flow if a secret is missing; an empty one exists, and AWS clients ignore an empty key.
    assert without["SECRET_AWS_ACCESS_KEY_ID"] == without["SECRET_AWS_SECRET_ACCESS_KEY"] == ""
    assert given["SECRET_AWS_ACCESS_KEY_ID"] == "eA=="
    # An empty endpoint would be invalid.
    assert without["AWS_ENDPOINT_URL"] is None


def test_the_local_aws_is_found_by_its_name(everything: dict[str, Any]) -> None:
    local = everything["services"]["local-aws"]
    port = local["entrypoint"][local["entrypoint"].index("--port") + 1]
    assert "ports" not in local
    assert f"AWS_ENDPOINT_URL=http://local-aws:{port}" in (ROOT / ".env.example").read_text("utf-8")
    assert all(everything["networks"][name]["internal"] for name in local["networks"])


def test_buckets_are_in_the_path_only_for_an_aws_other_than_amazons() -> None:
    for variables, file in (({}, ""), ({"AWS_ENDPOINT_URL": "http://local-aws:4580"}, "/opt/shipment-etl/aws.ini")):
        services = composed("airflow", **variables)["services"]
        assert {services[name]["environment"]["AWS_CONFIG_FILE"] for name in ("kestra", "airflow")} == {file}
    session = botocore.session.Session(session_vars={"config_file": (None, None, str(ROOT / "images/aws.ini"), None)})
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "y", "region_name": "us-east-1"}
    client = session.create_client("s3", endpoint_url="http://local-aws:4580", **keys)
    assert client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"}).startswith(
        "http://local-aws:4580/b/k"
    )


def test_the_example_explains_every_variable_and_no_others() -> None:
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    told = [re.match(r"#?([A-Z][A-Z_0-9]+)=", line) for line in lines]
    explained = {found[1] for found in told if found}
    handed_on = {
        name
        for service in as_written()["services"].values()
        for name, value in service.get("environment", {}).items()
        if value is None
    }
    secrets = {secret["environment"] for secret in as_written()["secrets"].values()}
    used = {*re.findall(r"(?<!\$)\$\{(\w+)", FILE.read_text("utf-8")), *handed_on, *secrets}
    assert explained - {"COMPOSE_PROFILES"} == used
    for number, found in enumerate(told):
        if found:
            before = next(
                line for line, other in zip(lines[number - 1 :: -1], told[number - 1 :: -1], strict=True) if not other
            )
            assert before.startswith("# "), f"{found[1]} has no explanation above it"


def test_the_example_contains_no_secret_and_lists_what_is_required() -> None:
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    assert {line.rstrip("=") for line in lines if line and not line.startswith("#")} == set(REQUIRED)


def test_defaults_in_the_example_are_the_real_defaults() -> None:
    text = FILE.read_text("utf-8")
    offered = dict(
        re.findall(r"^#(\w+_(?:IMAGE|SETTINGS)|KESTRA_PORT)=(.+)$", (ROOT / ".env.example").read_text("utf-8"), flags=re.M)
    )
    assert len(offered) == 4
    assert [name for name, value in offered.items() if f"${{{name}:-{value}}}" not in text] == []


def test_the_file_with_passwords_is_kept_out_of_git_and_images() -> None:
    assert "/.env" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    ignored = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert ignored[0] == "*"
    assert not any(line.startswith("!") and ".env" in line for line in ignored)
