"""scorecard: only the carriers that are shown are computed, however many there are."""

from dataclasses import replace

import pytest

from shipment_etl.reporting import scorecard as scorecard_module
from shipment_etl.reporting.scorecard import MAX_CARRIERS, scorecard

from .made_up import facts


def test_only_the_carriers_that_are_shown_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    figures = scorecard_module.figures
    monkeypatch.setattr(scorecard_module, "figures", lambda rows: (asked.append(len(rows)), figures(rows))[1])
    names = [f"C{number:03}" for number in range(MAX_CARRIERS + 30)]
    made = facts(20, carriers=names, origins=["W1"], cities=["X"])
    made = replace(made, before=replace(made.now, first=made.recent["shipment_date"].min(), last=made.now.first))
    shown = scorecard(made, None)
    assert [row[0] for row in shown.rows] == names[:MAX_CARRIERS]
    lately = next(place for place, each in enumerate(shown.headings) if each.detail.startswith("last"))
    assert all(cells[lately].value is not None for _, cells, _ in shown.rows)
    assert len(asked) <= 2 * MAX_CARRIERS
