"""contents: what sections show, as plain values."""

from dataclasses import replace

from shipment_etl.reporting.contents import open_rows
from tests.reporting.made_up import facts


def test_shipments_in_transit_are_listed_by_lane_with_the_most_overdue_first() -> None:
    made = facts(carriers=("C1",), origins=("W1",), cities=("X", "Y"))
    due = made.open.assign(days_overdue=[-1, 3, -1, 8], shipments=[2, 2, 5, 1])
    rows, counts, note = open_rows(replace(made, open=due))
    assert [(row["destination_city"], row["in_transit"], row["overdue"], row["longest"]) for row in rows] == [
        ("X", 4, 2, 3),
        ("Y", 6, 1, 8),
    ]
    assert (counts, note) == ({"in_transit": 10, "overdue": 3}, "")
    assert open_rows(replace(made, open=due.iloc[:0])) == ([], {"in_transit": 0, "overdue": 0}, "")


def test_the_number_of_lanes_is_limited() -> None:
    rows, counts, note = open_rows(facts(carriers=[f"C{n}" for n in range(9)]))
    assert (len(rows), counts["in_transit"]) == (20, 9 * 2 * 3 * 4)
    assert note == "The 20 of 54 rows with the most overdue shipments."
