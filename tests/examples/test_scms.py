"""The real file: the results of the package compared with pandas on the same file, and with its README."""

import re
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from shipment_etl import Lake, Run, SourceMapping, run_ingest, run_process

FOLDER = Path(__file__).parents[2] / "examples" / "scms"
FILE = FOLDER / "scms_delivery_history.csv.gz"
DAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(tmp_path_factory.mktemp("scms") / "lake")


@pytest.fixture(scope="module")
def run(spark: SparkSession, lake: Lake) -> Run:
    mapping = SourceMapping.from_toml(FOLDER / "mapping.toml")
    landed = run_ingest(lake, FILE, source="scms", mapping=mapping, date=DAY, spark=spark)
    assert landed.counts.read == 10_324
    return run_process(lake, source="scms", max_rejected=1, spark=spark)


@pytest.fixture(scope="module")
def every() -> pd.DataFrame:
    """Return all rows, typed by pandas."""
    text = pd.read_csv(FILE, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    ordered = text["PO Sent to Vendor Date"]
    # Values like 2003-10-14 mean 3/10/14, see the README.
    two_styles = pd.to_datetime(ordered, format="20%m-%d-%y", errors="coerce").fillna(
        pd.to_datetime(ordered, format="%m/%d/%y", errors="coerce")
    )
    return pd.DataFrame(
        {
            "origin": text["Manufacturing Site"].str.strip().str.replace(r" +", " ", regex=True),
            "city": text["Country"].str.strip(),
            "carrier": text["Shipment Mode"].where(text["Shipment Mode"] != "N/A"),
            "shipped": two_styles,
            "promised": pd.to_datetime(text["Scheduled Delivery Date"], format="%d-%b-%y"),
            "delivered": pd.to_datetime(text["Delivered to Client Date"], format="%d-%b-%y"),
            "kg": pd.to_numeric(text["Weight (Kilograms)"], errors="coerce"),
            "cost": pd.to_numeric(text["Freight Cost (USD)"], errors="coerce"),
        }
    )


@pytest.fixture(scope="module")
def broken(every: pd.DataFrame) -> dict[str, "pd.Series[bool]"]:
    """Return which rows break a rule, by reason."""
    return {
        "shipment_date:required": every["shipped"].isna(),
        "carrier:required": every["carrier"].isna(),
        "delivery_date:delivered_after_shipped": every["delivered"] < every["shipped"],
        "promised_date:promised_after_shipped": every["promised"] < every["shipped"],
        "shipment_weight_kg:greater_than": every["kg"] <= 0,
    }


@pytest.fixture(scope="module")
def good(every: pd.DataFrame, broken: dict[str, "pd.Series[bool]"]) -> pd.DataFrame:
    """Return the valid rows, with their delay."""
    sound = every[~pd.concat(broken, axis=1).any(axis=1)].copy()
    sound["delay"] = (sound["delivered"] - sound["promised"]).dt.days
    sound["transit"] = (sound["delivered"] - sound["shipped"]).dt.days
    return sound


def mart(lake: Lake, name: str, *keys: str) -> pd.DataFrame:
    return DeltaTable(lake.location(f"processed/{name}")).to_pandas().set_index(list(keys)).sort_index()


def test_every_row_and_every_reason_is_counted(run: Run, good: pd.DataFrame, broken: dict[str, "pd.Series[bool]"]) -> None:
    assert run.counts.read == 10_324
    assert run.counts.accepted == len(good)
    assert run.counts.quarantined == 10_324 - len(good)
    assert run.counts.duplicates == 0
    assert dict(run.reasons) == {name: int(rows.sum()) for name, rows in broken.items()}


def test_carrier_performance_matches_pandas(run: Run, lake: Lake, good: pd.DataFrame) -> None:
    ours = mart(lake, "carrier_performance", "carrier")
    groups = good.groupby("carrier")
    assert list(ours.index) == sorted(groups.groups)
    for mode, rows in groups:
        row = ours.loc[mode]
        priced = rows[rows["cost"].notna()]
        weighed = priced[priced["kg"].notna()]
        assert row["shipments"] == len(rows)
        assert row["on_time_shipments"] == (rows["delay"] <= 0).sum()
        assert row["on_time_pct"] == pytest.approx(100 * (rows["delay"] <= 0).mean(), rel=1e-12)
        assert row["late_2plus_pct"] == pytest.approx(100 * (rows["delay"] >= 2).mean(), rel=1e-12)
        assert row["avg_delay_days"] == pytest.approx(rows["delay"].clip(lower=0).mean(), rel=1e-12)
        assert row["avg_days_vs_promise"] == pytest.approx(rows["delay"].mean(), rel=1e-12)
        assert row["p50_delay_days"] == sorted(rows["delay"])[(len(rows) + 1) // 2 - 1]
        assert row["avg_transit_days"] == pytest.approx(rows["transit"].mean(), rel=1e-12)
        assert row["avg_cost"] == pytest.approx(priced["cost"].mean(), rel=1e-9)
        assert row["cost_per_kg"] == pytest.approx(weighed["cost"].sum() / weighed["kg"].sum(), rel=1e-9)
        assert pd.isna(row["cost_per_tonne_km"])


def test_lanes_months_and_days_add_up_to_the_same_shipments(run: Run, lake: Lake, good: pd.DataFrame) -> None:
    lanes = mart(lake, "route_efficiency", "origin_warehouse", "destination_city")
    assert lanes["shipments"].to_dict() == good.groupby(["origin", "city"]).size().to_dict()
    assert lanes[["avg_distance_km", "km_per_day", "cost_per_km"]].isna().all(axis=None)
    costs = mart(lake, "cost_analysis", "month").groupby("month")
    months = good.groupby(good["shipped"].dt.strftime("%Y-%m"))
    assert costs["shipments"].sum().to_dict() == months.size().to_dict()
    theirs = months["cost"].sum().round(2)
    ours = costs["total_cost"].apply(lambda values: float(sum(value for value in values if value is not None)))
    assert ours.to_dict() == pytest.approx(theirs.to_dict(), rel=1e-9)
    trends = mart(lake, "delay_trends", "shipment_date", "destination_city")
    late = good[good["delay"] > 0]
    assert trends["shipments"].sum() == len(good)
    assert trends["delayed_shipments"].sum() == len(late)
    demand = mart(lake, "warehouse_demand", "origin_warehouse", "shipment_date")
    assert demand["shipments"].sum() == len(good)
    assert demand["utilisation_pct"].isna().all()


def test_the_readme_matches_pandas(every: pd.DataFrame, good: pd.DataFrame, broken: dict[str, "pd.Series[bool]"]) -> None:
    text = (FOLDER / "README.md").read_text("utf-8")
    counts = f"{len(every):,} read = {len(good):,} accepted + {len(every) - len(good):,} quarantined + 0 duplicates"
    assert counts in text
    for name, rows in broken.items():
        assert re.search(rf"\| `{name}` \| {rows.sum():,} \|", text), name
    for mode, rows in good.groupby("carrier"):
        late = 100 * (rows["delay"] >= 2).mean()
        on_time = 100 * (rows["delay"] <= 0).mean()
        line = f"| {mode} | {len(rows):,} | {on_time:.2f} | {late:.2f} | {rows['delay'].mean():.2f} |"
        assert line in text, line
