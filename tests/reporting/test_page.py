"""The page: small enough, never runs anything from data, and says clearly when there is little to report."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pandas as pd
import pytest

from shipment_etl.lake.runs import FAILED, HELD, RowCounts
from shipment_etl.reporting.bundle import script
from shipment_etl.reporting.reading import Facts, Rejected
from shipment_etl.reporting.render import draw, sentences
from shipment_etl.transform.marts import MARTS

from .made_up import DAY, facts, run

MAX_BYTES = 2_000_000
MADE = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOSTILE = "<script>window.hacked=1</script>"
OTHER_HOSTILE = "\"'><img src=x onerror=window.hacked=1></script><!-- {{ 7*7 }} \ud800"


def page(made: Facts) -> str:
    return draw(made, "/* no charts */", MADE).html


def specs(html: str) -> dict[str, dict]:
    found = re.findall(r'<script type="application/json" id="(?:chart-)?([^"]+)">(.*?)</script>', html, flags=re.S)
    return {name: json.loads(text) for name, text in found}


def nothing(made: Facts) -> Facts:
    empty = {name: getattr(made, name)[:0] for name in ("carriers", "lanes", "costs", "trends", "demand", "recent")}
    return replace(made, now=None, before=None, **empty)


def test_it_has_all_sections_and_three_sentences() -> None:
    html = page(facts())
    for section in ("answer", "carriers", "lanes", "delays", "cost", "warehouses", "tables", "rows", "runs", "source"):
        assert f'<section id="{section}">' in html
    for sentence in sentences(facts()):
        assert sentence.text in re.sub(r"</?strong>", "", html).replace("\N{NO-BREAK SPACE}", " ")
    assert set(specs(html)) == {
        *("config", "accounting", "trend", "cost", "load-0", "load-1"),
        *("lanes-shipments", "lanes-on_time_pct", "lanes-cost_per_tonne_km"),
        *(f"rows-{mart}" for mart in MARTS),
    }


def test_ten_years_stay_below_two_megabytes_and_say_that_days_were_added_up() -> None:
    made = facts(
        3653,
        carriers=[f"Carrier {n}" for n in range(8)],
        origins=[f"Warehouse {n}" for n in range(12)],
        cities=[f"City {n}" for n in range(20)],
    )
    html = draw(made, script(), MADE).html
    assert len(html.encode()) <= MAX_BYTES
    assert "By month, because there are too many days to show." in html
    assert "The newest 12 of 7306 runs." in html
    assert "3,653 from 2016-11-22 to 2026-11-22" in html


def test_text_from_data_is_never_markup() -> None:
    sample = Rejected("s", DAY, OTHER_HOSTILE, 1, {HOSTILE: OTHER_HOSTILE}, ((HOSTILE, OTHER_HOSTILE),))
    names = (HOSTILE, OTHER_HOSTILE, "plain")
    made = facts(carriers=names, origins=names, cities=names, rejected=[sample])
    failed = run(status=FAILED, error=HOSTILE, day=DAY + timedelta(days=1))
    html = page(replace(made, runs=(failed, *made.runs), uri=OTHER_HOSTILE))
    assert len(re.findall(r"<script", html)) == len(re.findall(r"</script>", html)) == len(specs(html)) + 2
    assert "<img" not in html
    assert "{{ 7*7 }}" in html
    assert HOSTILE.replace("<", "&lt;").replace(">", "&gt;") in html
    assert HOSTILE in json.dumps(specs(html)["cost"])


def test_its_policy_allows_its_own_scripts_and_style_by_their_hashes_and_nothing_else() -> None:
    html = page(facts())
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    hashes = {
        kind: " ".join(
            f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
            for text in re.findall(rf"<{kind}>(.*?)</{kind}>", html, flags=re.S)
        )
        for kind in ("script", "style")
    }
    assert policy == (
        f"default-src 'none'; script-src {hashes['script']}; style-src {hashes['style']}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    assert policy.count("'sha256-") == 3
    assert not re.search(r'(?:src|href)="(?!#)|\sstyle=|\son[a-z]+=', html)


def test_a_target_is_in_the_sentence_the_tile_and_the_trend() -> None:
    made = facts()
    plain = page(made)
    assert "target 95" not in plain
    assert "delayed at most" not in plain
    aimed = replace(made, basis=replace(made.basis, settings={"on_time_target": 0.95}))
    html = page(aimed).replace("\N{NO-BREAK SPACE}", " ")
    # 240 of 264 in each period.
    assert html.count("target 95 %, missed by 4.1 points") == 1
    assert "Target 95 %, missed by 4.1 points." in html
    assert "5&nbsp;% delayed at most" in html
    assert '"most": 5.0' in json.dumps(specs(html)["trend"])


def priced_in(made: Facts, *currencies: str | None) -> Facts:
    settings = [{} if each is None else {"currency": each} for each in currencies]
    batches = [replace(each, settings=settings[n % len(settings)]) for n, each in enumerate(made.batches)]
    return replace(made, batches=tuple(batches))


def test_all_costs_name_their_currency() -> None:
    made = facts()
    dear = made.recent.assign(cost=made.recent["cost"].where(made.recent["carrier"] != "C1", made.recent["cost"] * 2))
    html = page(priced_in(replace(made, recent=dear.assign(weighed_cost=dear["cost"])), "EUR"))
    for heading in ("Cost, EUR<small>per shipment", "Cost at stake, EUR", "Cost per tonne-km, EUR"):
        assert heading in html
    assert "Cost per shipment, EUR</span>" in html
    assert "Paid for late freight, EUR</span>" in html
    assert re.search(r"costs [\d.,]+ EUR a shipment; C\d costs [\d.,]+ EUR for the same weight", html)
    assert '"cost, EUR"' in json.dumps(specs(html)["cost"])
    assert '"cost per tonne-km, EUR"' in json.dumps(specs(html)["lanes-shipments"])


def test_an_unknown_currency_is_reported_once() -> None:
    html = page(facts())
    assert html.count("currency of costs is not known") == 1
    assert "currency of costs" not in page(facts(known=False)), "where there are no costs"
    some = page(priced_in(facts(), "EUR", None))
    assert "Costs of some batches are in EUR. Others do not name their currency" in some
    assert not re.search(r"\d EUR", some)
    mixed = page(priced_in(facts(), "EUR", "USD"))
    assert 'class="note warn" id="currency">Costs are in EUR and USD, and are added up as if' in mixed


def test_where_nothing_came_late_nothing_is_marked_to_act_on() -> None:
    made = facts()
    on_time = replace(made, recent=made.recent.assign(delay_days=0))
    html = page(on_time)
    assert "nothing came late" in html
    assert 'class="acted"' not in html
    assert "The outlined lane" not in html
    assert not any(row.get("act") for row in specs(html)["lanes-shipments"]["datasets"].popitem()[1])


def test_days_with_few_shipments_at_either_end_are_left_out_of_charts() -> None:
    made = facts()
    early = made.trends.head(3).assign(
        shipment_date=DAY - timedelta(days=40), shipments=1, with_delay=1, delayed_shipments=1
    )
    load = made.demand.head(2).assign(shipment_date=DAY - timedelta(days=40), shipments=1)
    found = replace(made, trends=pd.concat([early, made.trends]), demand=pd.concat([load, made.demand]))
    html = page(found)
    assert html.count("Left out: 1 day before or after 9–22 Nov 2026 with less than a tenth of a usual day") == 2
    charts = {name: specs(page(made))[name] for name in ("trend", "load-0")}
    assert {name: specs(html)[name] for name in charts} == charts


def test_capacity_is_not_mentioned_where_none_is_known() -> None:
    assert "above capacity</span>" in page(facts())
    assert "above capacity</span>" not in page(facts(known=False))


def test_unknown_measures_are_reported() -> None:
    html = page(facts(known=False))
    assert "No shipment&#39;s cost is known." in html or "No shipment's cost is known." in html
    assert "capacity unknown" in html
    assert "congestion cannot be measured" in html
    assert "No cost per tonne-km: distance, weight or cost is unknown." in html
    assert not re.search(r"\b(nan|None|NaN)\b", re.sub(r"<style>.*?</style>|'none'", "", html, flags=re.S))


@pytest.mark.parametrize("lanes", [1, 6])
def test_lanes_without_deliveries_are_shown_without_a_share(lanes: int) -> None:
    made = facts()
    shares = [None] * lanes + [90.0] * (len(made.lanes) - lanes)
    found = specs(page(replace(made, lanes=made.lanes.assign(on_time_pct=shares))))
    assert ("lanes-on_time_pct" in found) is (lanes < len(made.lanes))
    assert "lanes-shipments" in found


def test_a_lake_whose_only_run_failed_shows_its_error() -> None:
    failed = run(status=FAILED, error="raw/shipments has no batch of 2026-11-22.")
    html = page(nothing(replace(facts(), runs=(failed,), batches=(), landed=(), basis=None)))
    assert "Nothing has been processed yet" in html
    assert "raw/shipments has no batch of 2026-11-22." in html
    assert "No row has been processed." in html


def test_a_lake_with_only_raw_batches_says_what_to_do() -> None:
    landed = run("generate")
    html = page(nothing(replace(facts(), runs=(landed,), batches=(), landed=(landed,), basis=None)))
    assert "shipment-etl process --lake /lake" in html
    assert "seed 7" in html


def test_a_batch_without_accepted_rows_says_so() -> None:
    only = run(counts=RowCounts(read=5, accepted=0, quarantined=5), reasons={"carrier:isin": 5})
    html = page(nothing(replace(facts(), runs=(only,), batches=(only,), basis=only)))
    assert "No shipment was accepted" in html
    assert "accounting" in specs(html)
    assert "<code>carrier:isin</code>" in html


def test_missing_versions_are_reported() -> None:
    assert "are gone, so the newest were read" in page(replace(facts(), pinned=False))


def test_held_batches_and_many_rejected_rows_are_reported_first() -> None:
    plain = facts()
    assert 'class="note warn">The batch' not in page(plain)
    limit = {"max_rejected": 0.1}
    held = run(status=HELD, day=DAY, counts=RowCounts(100, 60, 40))
    many = run(day=DAY - timedelta(days=1), counts=RowCounts(100, 94, 6))
    few = run(day=DAY - timedelta(days=2), counts=RowCounts(100, 96, 4))
    older = run(day=DAY - timedelta(days=2), status=HELD, counts=RowCounts(100, 0, 100))
    told = page(replace(plain, runs=tuple(replace(each, settings=limit) for each in (held, many, few, older))))
    assert f"The batch shipments {DAY} is held: 40 of 100 rows were rejected (40.0 %)." in told.replace("\xa0", " ")
    assert f"In the batch shipments {DAY - timedelta(days=1)}, 6 of 100 rows were rejected" in told
    assert told.index("is held") < told.index("What changed")
    assert told.count("rows were rejected (") == 2, "what has been fixed since is no longer reported"


@pytest.mark.parametrize("days", [1, 2, 5])
def test_a_few_days_make_a_page(days: int) -> None:
    assert "What changed" in page(facts(days))


def test_the_same_facts_make_the_same_page() -> None:
    assert page(facts()) == page(facts())
