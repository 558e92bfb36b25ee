"""How a run of a DAG is mapped to a run of a job."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shipment_etl.errors import InvalidValue
from shipment_etl_airflow.plan import batch_date, options, run_name
from shipment_etl_emr import Job

DAG_IDS = st.from_regex(r"[\w.-]+", fullmatch=True)
"""As Airflow allows them: its letters include ü."""
RUN_IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=250)
SCHEDULED = "scheduled__2026-11-23T09:00:00+00:00"


@given(DAG_IDS, RUN_IDS, st.integers(0, 9))
@example("_daily", SCHEDULED, 0)
@example("übung", SCHEDULED, 0)
@example("-", "-", 0)
def test_any_run_of_airflow_has_a_name_that_emr_accepts(dag_id: str, run_id: str, cleared: int) -> None:
    assert Job(run_name(dag_id, run_id, cleared), "generate", "", (), "").run


@given(st.lists(st.tuples(DAG_IDS, RUN_IDS, st.integers(0, 9)), unique=True, max_size=20))
@example([("daily", SCHEDULED, 0), ("_daily", SCHEDULED, 0), ("-daily", SCHEDULED, 0), ("üdaily", SCHEDULED, 0)])
def test_two_runs_never_share_a_name(asked: list[tuple[str, str, int]]) -> None:
    assert len({run_name(*each) for each in asked}) == len(asked)


def test_a_name_is_the_same_for_each_retry_and_changes_when_the_run_is_cleared() -> None:
    assert run_name("data_generation", SCHEDULED, 0) == f"data_generation {SCHEDULED}"
    assert run_name("data_generation", SCHEDULED, 2) == f"data_generation {SCHEDULED} cleared 2"


def test_a_name_that_emr_does_not_accept_stays_readable_and_gets_a_mark() -> None:
    assert run_name("_daily", SCHEDULED, 0) == f"daily {SCHEDULED} c76d09a4772b0e6e"
    assert run_name("übung", SCHEDULED, 0) == f"bung {SCHEDULED} 3b6eaabd56f1df8f"


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
