"""Steps are parsed as on a cluster, and their arguments stay unchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emr.test_requests import JOB, NASTY
from shipment_etl_emr.local.commands import CommandUnfit, Program, Script, Submit, read
from shipment_etl_emr.requests import step_request


@given(arguments=st.lists(st.text()))
def test_arguments_of_a_script_arrive_unchanged(arguments: list[str]) -> None:
    given = ["spark-submit", "--deploy-mode", "client", "s3://code/app.py", *arguments]
    assert read("command-runner.jar", given) == Submit("s3://code/app.py", tuple(arguments))


def test_our_own_step_is_parsed() -> None:
    step = step_request(JOB)["HadoopJarStep"]
    assert read(step["Jar"], step["Args"]) == Submit(JOB.script, NASTY)


def test_options_of_spark_submit_are_sorted() -> None:
    given = ["--master", "yarn", "--conf", "a=b=c", "--conf=d=e", "--verbose", "--py-files", "s3://c/a.zip, s3://c/b.py"]
    found = read("command-runner.jar", ["spark-submit", *given, "--archives=s3://c/p.tar.gz#p", "app.py", "--conf", "mine"])
    assert found == Submit(
        "app.py",
        ("--conf", "mine"),
        {"--py-files": ("s3://c/a.zip", "s3://c/b.py"), "--archives": ("s3://c/p.tar.gz#p",)},
        (("--conf", "a=b=c"), ("--conf", "d=e"), ("--verbose",)),
    )


def test_scripts_and_programs_are_distinguished() -> None:
    jar = "s3://eu-west-1.elasticmapreduce/libs/script-runner/script-runner.jar"
    assert read(jar, ["s3://code/a.sh", "x y"]) == Script("s3://code/a.sh", ("x y",))
    assert read("command-runner.jar", ["bash", "-c", "echo 1"]) == Program(("bash", "-c", "echo 1"))


@pytest.mark.parametrize(
    ("jar", "arguments", "told"),
    [
        ("s3://code/mine.jar", ["a"], "no other jar: s3://code/mine.jar"),
        ("command-runner.jar", [], "no arguments"),
        ("command-runner.jar", ["spark-submit", "--conf"], "--conf of spark-submit has no value"),
        ("command-runner.jar", ["spark-submit", "--verbose"], "is given no script"),
    ],
)
def test_steps_that_only_a_cluster_can_run_are_refused(jar: str, arguments: list[str], told: str) -> None:
    with pytest.raises(CommandUnfit, match=told):
        read(jar, arguments)
