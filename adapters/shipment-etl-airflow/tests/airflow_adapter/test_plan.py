"""How a run of a DAG is mapped to a run of a job."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.errors import InvalidValue
from shipment_etl_airflow.plan import batch_date, options, run_name
from shipment_etl_emr import Job

RUN_IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=250)
SCHEDULED = "scheduled__2026-11-23T09:00:00+00:00"


@given(RUN_IDS, st.integers(0, 9))
def test_any_run_of_airflow_has_a_name_that_emr_accepts(run_id: str, cleared: int) -> None:
    assert Job(run_name("data_generation", run_id, cleared), "generate", "", (), "").run


@given(st.lists(st.tuples(RUN_IDS, st.integers(0, 9)), unique=True, max_size=20))
def test_two_runs_never_share_a_name(asked: list[tuple[str, int]]) -> None:
    assert len({run_name("data_generation", *each) for each in asked}) == len(asked)


def test_a_name_is_the_same_for_each_retry_and_changes_when_the_run_is_cleared() -> None:
    assert run_name("data_generation", SCHEDULED, 0) == f"data_generation {SCHEDULED}"
    assert run_name("data_generation", SCHEDULED, 2) == f"data_generation {SCHEDULED} cleared 2"


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_the_batch_date_is_the_day_of_the_runs_moment(moment: datetime) -> None:
    assert batch_date(None, moment, "UTC") == moment.date()
    assert batch_date("", moment, "Asia/Tokyo") == (moment + timedelta(hours=9)).date()


def test_an_evening_in_california_is_not_the_next_day() -> None:
    # 18:00 there is 02:00 of the next day in UTC.
    assert batch_date(None, datetime(2026, 11, 24, 2, tzinfo=UTC), "America/Los_Angeles") == date(2026, 11, 23)


@pytest.mark.parametrize("wrong", ["tomorrow", "2026-02-30", "20261123", "23.11.2026"])
def test_an_invalid_date_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidValue, match=wrong):
        batch_date(wrong, datetime(2026, 11, 23, tzinfo=UTC), "UTC")


def test_parameters_become_options_and_those_not_given_are_left_out() -> None:
    given = {"date": date(2026, 11, 23), "rows": 0, "max_rejected": 0.05, "source": None}
    assert options(given) == ("--date", "2026-11-23", "--rows", "0", "--max-rejected", "0.05")
