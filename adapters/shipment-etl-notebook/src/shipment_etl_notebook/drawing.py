"""Drawing: the charts of the report, for a run, a lake and each mart. The charts themselves are defined there."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shipment_etl import Run
from shipment_etl.reporting import charts
from shipment_etl.reporting.contents import reasons_of
from shipment_etl.reporting.picture import picture
from shipment_etl.reporting.reading import Facts
from shipment_etl.reporting.scorecard import headings
from shipment_etl.reporting.series import cost_by_month, delay_trend, lane_grid, warehouse_load

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["charts_of_lake", "charts_of_mart", "charts_of_run"]

WIDTH = 680
LAKE_MARTS = ("delay_trends", "cost_analysis")


def charts_of_run(run: Run) -> "dict[str, Markup]":
    """Return charts by heading: where all rows went, and why some were quarantined."""
    specs = {"Where every row went": charts.accounting(run.counts.parts)} if run.counts.read else {}
    if run.reasons:
        specs["Why rows were quarantined"] = charts.reasons(reasons_of([run]))
    return _draw(specs)


def charts_of_lake(facts: Facts) -> "dict[str, Markup]":
    """Return the most useful charts of a lake, by heading."""
    return {heading: chart for name in LAKE_MARTS for heading, chart in charts_of_mart(name, facts).items()}


def charts_of_mart(name: str, facts: Facts) -> "dict[str, Markup]":
    """Return the charts of a mart by heading; none for a mart that is best read as a table."""
    return _draw(_specs(name, facts)) if facts.now is not None else {}


def _specs(name: str, facts: Facts) -> dict[str, dict[str, Any]]:
    if name == "delay_trends":
        return {"Share of delayed shipments": charts.trend(delay_trend(facts.trends), facts.now)}
    if name == "cost_analysis":
        costs = cost_by_month(facts.costs)
        return {f"Cost by carrier and {costs.grain}": charts.cost(costs, facts.currency)} if costs.rows else {}
    if name == "route_efficiency":
        grid = lane_grid(facts.lanes)
        shown = headings(name, facts.currency)
        return {
            f"{shown[measure].name} of every lane": charts.heat_map(grid, measure, shown, None)
            for measure in charts.MEASURES
            if any(row[measure] is not None for row in grid.rows)
        }
    if name == "warehouse_demand":
        loads = warehouse_load(facts.demand)
        return {f"Shipments a day of {each}": charts.load(loads, each) for each in loads.names}
    return {}


def _draw(specs: Mapping[str, Mapping[str, Any]]) -> "dict[str, Markup]":
    return {heading: picture(spec, WIDTH) for heading, spec in specs.items()}
