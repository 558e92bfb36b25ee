"""Pictures: each chart of the report as a self-contained and labelled SVG."""

import xml.etree.ElementTree as ET

import pytest

from shipment_etl.reporting import charts
from shipment_etl.reporting.picture import picture
from shipment_etl.reporting.scorecard import headings
from shipment_etl.reporting.series import cost_by_month, delay_trend, lane_grid, warehouse_load

from .made_up import facts

HOSTILE = "</text><script>alert(1)</script>\"'&"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("days", [3, 30, 800])
def test_every_chart_becomes_a_picture_with_data_escaped(days: int) -> None:
    told = facts(days, carriers=(HOSTILE, "UPS"), origins=(HOSTILE, "TX"), cities=(HOSTILE, "B"))
    loads = warehouse_load(told.demand)
    specs = {
        "accounting": charts.accounting({"accepted": 90, "quarantined": 10}),
        "reasons": charts.reasons({HOSTILE: 10}),
        "trend": charts.trend(delay_trend(told.trends), told.now),
        "cost": charts.cost(cost_by_month(told.costs)),
        "lanes": charts.heat_map(lane_grid(told.lanes), "shipments", headings("route_efficiency"), None),
        "load": charts.load(loads, loads.names[0]),
    }
    for name, spec in specs.items():
        root = ET.fromstring(picture(spec, 500))
        assert (root.tag, root.get("width")) == (f"{SVG}svg", "500"), name
        kinds = {each.tag.removeprefix(SVG) for each in root.iter()}
        assert kinds <= {"svg", "g", "path", "text", "line", "rect", "defs", "clipPath", "tspan", "title"}, name
        assert [each for each in root.iter() if each.get("role") == "graphics-symbol"], name
