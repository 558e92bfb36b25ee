"""writing: every network is read back as it was written."""

from dataclasses import replace

import pytest
from hypothesis import given

from shipment_etl import Network, Scenario
from shipment_etl.twin.writing import write_network
from tests.generator.test_twin import networks, scenarios


@given(networks, scenarios)
def test_a_network_is_read_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, network: Network, scenario: Scenario
) -> None:
    network = replace(network, scenario=scenario)
    file = tmp_path_factory.mktemp("written") / "network.toml"
    file.write_text(write_network(network, ["What it is."]), "utf-8")
    assert Network.from_toml(file) == network


def test_defaults_are_left_out() -> None:
    assert write_network(Network.open()) == "\n"
