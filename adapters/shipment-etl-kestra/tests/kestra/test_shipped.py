"""Flows as they are read from their files."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.errors import InvalidValue
from shipment_etl_kestra.errors import FlowUnreadable, NothingToDeploy
from shipment_etl_kestra.shipped import Flow, shipped_flows

TEXT = """\
# Why it is there.
id: data_generation
namespace: shipments
description: |
  namespace: shipments
tasks:
  - {id: say, type: io.kestra.plugin.core.log.Log, message: "{{ flow.namespace }}"}
"""
NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)


def test_flows_are_read_by_id(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.yaml").write_text(TEXT.replace("data_generation", name), "utf-8")
    (tmp_path / "README.md").write_text("no flow", "utf-8")
    assert [str(flow) for flow in shipped_flows(folder=tmp_path)] == ["shipments.a", "shipments.b"]


def test_the_text_is_exactly_that_of_the_file() -> None:
    assert Flow.of("a.yaml", TEXT).with_namespace("shipments").source == TEXT


@given(NAMES)
def test_another_namespace_changes_the_namespace_and_nothing_else(name: str) -> None:
    flow = Flow.of("a.yaml", TEXT).with_namespace(name)
    assert flow.namespace == name
    before, after = yaml.safe_load(TEXT), yaml.safe_load(flow.source)
    assert {**before, "namespace": after["namespace"]} == after
    assert str(after["namespace"]) == name or yaml.safe_load(name) == after["namespace"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("id: [", "while parsing"),
        ("- a list", "not a mapping"),
        ("id: a", "has no namespace"),
        ("namespace: a", "has no id"),
        ("id: 1\nnamespace: a", "has no id"),
        ("id: a\nnamespace: a\nx: !!python/object:os.system {}", "could not determine a constructor"),
    ],
)
def test_a_file_that_is_not_a_flow_is_named_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(FlowUnreadable, match=why) as refused:
        Flow.of("bad.yaml", text)
    assert "bad.yaml" in str(refused.value)
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize("name", ["", "Shipments", "a b", "-a", "a\nb", "ä"])
def test_a_namespace_that_is_invalid_in_kestra_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="--namespace"):
        shipped_flows(name, tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(NothingToDeploy, match="no flow"):
            shipped_flows(folder=folder)
