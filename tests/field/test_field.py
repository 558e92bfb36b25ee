"""The field: real-world files and habits, each with the right outcome."""

import json
import zipfile
from contextlib import nullcontext
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from shipment_etl.cli.rendering import print_run
from shipment_etl.contracts.columns import COLUMNS
from shipment_etl.errors import FileEmpty, MappingError, MixedCurrencies
from shipment_etl.ingest.inputs import find_inputs
from shipment_etl.ingest.mapping import ColumnMapping, SourceMapping
from shipment_etl.ingest.reader import land
from shipment_etl.jobs.ingest import run_ingest
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import Run
from shipment_etl.network import Network, Rate
from tests.field.landing import BATCH_DATE, HEADER, land_files, line, mapping

NOVEMBER_2 = date(2026, 11, 2)


def csv(*lines: str) -> str:
    return "\n".join((HEADER, *lines, ""))


def test_costs_in_several_currencies_are_refused_until_the_mapping_names_them(spark: SparkSession, tmp_path: Path) -> None:
    rows = [("100.00", "EUR"), ("15000", "JPY"), ("EUR 12.50", "EUR"), ("$12.50", "USD"), ('"12.50 €"', "EUR")]
    text = "\n".join([f"{HEADER},Cur", *(f"{line(n, Cost=cost)},{code}" for n, (cost, code) in enumerate(rows, 1)), ""])
    with pytest.raises(MixedCurrencies, match=r"costs are in EUR, JPY, USD \(column 'Cur'\)"):
        land_files(spark, tmp_path, {"f.csv": text}, mapping())
    named = mapping(shipping_cost='column = "Cost", currency = "EUR", currency_column = "Cur"')
    yen = Rate("JPY", "EUR", date(2026, 11, 1), Decimal("0.0061"), "European Central Bank")
    outcome = land_files(spark, tmp_path, {"f.csv": text}, named, Network(rates=(yen,)))
    assert outcome.of("shipping_cost") == [Decimal("100.00"), Decimal("91.50"), Decimal("12.50"), None, Decimal("12.50")]
    assert outcome.rules == [[], [], [], ["number"], []]


PLAIN = {name: name for name in ("id", "from", "to", "carrier", "sent", "due", "came")}


def costs_in(column: str) -> SourceMapping:
    """Return a mapping of plain records with a column of costs."""
    names = [*list(COLUMNS)[:4], "shipment_date", "promised_date", "delivery_date"]
    lines = "\n".join(f'{name} = {{ column = "{each}" }}' for name, each in zip(names, PLAIN, strict=True))
    return SourceMapping.from_text(f'[columns]\n{lines}\nshipping_cost = {{ column = "{column}" }}', "m")


@pytest.mark.parametrize("cost", ["cost.amount", "data.cost.amount", "data.amount"])
@pytest.mark.parametrize("currency", ["cost.currency", "data.cost.ccy", "data.currency", "currency"])
def test_currencies_in_nested_records_are_found(tmp_path: Path, cost: str, currency: str) -> None:
    def nest(values: dict[str, str]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for path, value in values.items():
            place = made
            for part in path.split(".")[:-1]:
                place = place.setdefault(part, {})
            place[path.rpartition(".")[2]] = value
        return made

    lines = [json.dumps(nest({**PLAIN, cost: "5", currency: code})) for code in ("EUR", "JPY")]
    (tmp_path / "f.jsonl").write_text("\n".join(lines))
    is_beside = cost.startswith(currency.rpartition(".")[0])
    with pytest.raises(MixedCurrencies, match=f"column '{currency}'") if is_beside else nullcontext():
        land(find_inputs([tmp_path / "f.jsonl"]), costs_in(cost), tmp_path / "landed.parquet")


def test_currencies_in_nested_records_are_found_however_late_they_begin(tmp_path: Path) -> None:
    costs = [{"amount": 5}] * 1000 + [{"amount": 5, "currency": code} for code in ("EUR", "JPY")]
    (tmp_path / "f.jsonl").write_text("\n".join(json.dumps({**PLAIN, "cost": cost}) for cost in costs))
    with pytest.raises(MixedCurrencies, match=r"column 'cost\.currency'"):
        land(find_inputs([tmp_path / "f.jsonl"]), costs_in("cost.amount"), tmp_path / "landed.parquet")


@pytest.mark.parametrize(
    ("cost", "value"),
    [("12.50 €", "12.50"), ("€12.50", "12.50"), ("EUR 12.50", "12.50"), ("-€12.50", "-12.50"), ("12.50EUR", "12.50")],
)
def test_amounts_may_have_the_sign_of_the_declared_currency(
    spark: SparkSession, tmp_path: Path, cost: str, value: str
) -> None:
    outcome = land_files(
        spark, tmp_path, {"f.csv": csv(line(Cost=cost))}, mapping(shipping_cost='column = "Cost", currency = "EUR"')
    )
    assert outcome.of("shipping_cost") == [Decimal(value)]


def test_ids_come_from_several_columns_or_from_file_and_row(spark: SparkSession, tmp_path: Path) -> None:
    text = csv(line(1, Carrier="1"), line(1, Carrier="2"), line(2, Carrier=""))
    both = mapping(shipment_id='columns = ["ID", "Carrier"]', carrier='constant = "Post"')
    assert land_files(spark, tmp_path, {"f.csv": text}, both).of("shipment_id") == ["S1-1", "S1-2", None]
    rows = land_files(spark, tmp_path, {"f.csv": text}, mapping(shipment_id="from_row = true"))
    assert rows.of("shipment_id") == [f"{BATCH_DATE}/f.csv:{row}" for row in (1, 2, 3)]


@pytest.mark.parametrize(
    ("top", "text"),
    [
        ("skip_rows = 3", f"Report ACME,,,\nPrinted 2026-11-09\n,,\n{csv(line())}"),
        ('ignore_lines = ["^Total", "^#"]', f"# comment\n{csv(line(), '# one more', 'Total,,,,,,,10,100.00', ',,,,,,,,')}"),
        ("", f"sep=;\n{csv(line())}".replace(",", ";")),
        ("", f'"sep=|"\r\n{csv(line())}'.replace(",", "|")),
        ('delimiter = ";"', f"sep=;\n{csv(line())}".replace(",", ";")),
        ('header = ["ID", "From", "To", "Carrier", "Out", "Due", "In", "Kg", "Cost"]', f"{line()}\n"),
        ("", f"{HEADER},,\n{line()},,\n"),
        ("", f"{HEADER},Note,Note\n{line()},a,b\n"),
        ("", f" ID ,From\u200b,To,Carrier,Out,Due,In, Kg,Cost\n{line()}\n"),
        ("", csv(line()).replace("\n", "\r")),
        ('encoding = "cp1252"', csv(line(From="Riga")).replace("\n", "\r\n")),
        ('encoding = "utf-16-le"', "utf-16-le"),
    ],
)
def test_lines_around_a_table_are_skipped(spark: SparkSession, tmp_path: Path, top: str, text: str) -> None:
    content = csv(line()).encode("utf-16-le") if text == "utf-16-le" else text.encode()
    outcome = land_files(spark, tmp_path, {"f.csv": content}, mapping(f"[file]\n{top}"))
    assert outcome.landed.rows == 1
    assert [(row["shipment_id"], row["shipping_cost"], row["unparsed"]) for row in outcome.rows] == [
        ("S1", Decimal("100.00"), [])
    ]


STRAY = [line(n) for n in range(1, 11)]
SPANNING = [*STRAY[:2], STRAY[2].replace("Riga", '"Riga'), *STRAY[3:6], STRAY[6].replace("Riga", 'Riga"'), *STRAY[7:]]


@pytest.mark.parametrize(
    ("lines", "sound"),
    [
        (SPANNING, ["S1", "S2", "S8", "S9", "S10"]),
        ([*STRAY[:3], STRAY[3].replace("Riga", '"Riga'), *STRAY[4:]], ["S1", "S2", "S3", *(f"S{n}" for n in range(5, 11))]),
        ([STRAY[0].replace("Riga", '"12" depot"'), *STRAY[1:]], [f"S{n}" for n in range(2, 11)]),
        (
            [STRAY[0].replace("Riga", r'"Depot 12\""'), STRAY[1], STRAY[2].replace("Riga", r'"Depot 13\""'), STRAY[3]],
            ["S2", "S4"],
        ),
        ([STRAY[0], f"{STRAY[1]},", STRAY[2]], ["S1", "S3"]),
        ([STRAY[0], "S2,Riga", STRAY[2]], ["S1", "S3"]),
        ([STRAY[0], STRAY[1].replace("Riga", "Ri\0ga"), STRAY[2]], ["S1", "S3"]),
        ([STRAY[0], STRAY[1].replace("Riga", '12" depot'), STRAY[2]], ["S1", "S2", "S3"]),
    ],
)
def test_a_broken_record_is_put_aside_and_every_other_line_lands(
    spark: SparkSession, tmp_path: Path, lines: list[str], sound: list[str]
) -> None:
    outcome = land_files(spark, tmp_path, {"f.csv": csv(*lines)}, mapping())
    assert outcome.landed.rows == len(lines)
    assert [row["shipment_id"] for row in outcome.sound] == sound
    assert all(rules in ([], ["record"]) for rules in outcome.rules)


def test_quotes_may_be_escaped_with_a_backslash_and_fields_may_have_line_breaks_if_declared(
    spark: SparkSession, tmp_path: Path
) -> None:
    text = csv(line(1, From=r'"Depot \"Nord\", Riga"'), line(2, From='"a, b, c, d\ne, f, g, h, i, j"'))
    outcome = land_files(spark, tmp_path, {"f.csv": text}, mapping('[file]\nescape = "\\\\"\nmultiline = true'))
    assert outcome.of("origin_warehouse") == ['Depot "Nord", Riga', "a, b, c, d e, f, g, h, i, j"]
    forbidden = land_files(
        spark, tmp_path, {"g.csv": csv(line(1), line(2, From='"a\nb"'))}, mapping("[file]\nmultiline = false")
    )
    assert forbidden.rules == [[], ["record"], ["record"]]


@pytest.mark.parametrize(
    ("patterns", "text", "more"),
    [
        ("excel", "46328", ""),
        ("excel", "46328.75", ""),
        ("M/d/yyyy h:mm a", "11/2/2026 5:30 PM", ""),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSX", "2026-11-02T21:30:00.123Z", 'timezone = "Europe/Berlin"'),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2026-11-01T23:30:00-05:00", 'timezone = "Europe/Berlin"'),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2026-11-02T23:30:00-05:00", 'timezone = "written"'),
        ("yyyy-MM-dd'T'HH:mm:ss'Z'", "2026-11-01T23:00:00Z", 'timezone = "Europe/Berlin"'),
        ("yyyy-MM-dd h:mm a X", "2026-11-01 12:30 PM +0000", 'timezone = "Pacific/Auckland"'),
        ("MMMM d, yyyy", "November 2, 2026", ""),
        ("EEE, dd MMM yyyy", "Mon, 02 Nov 2026", ""),
        ("EEEE d MMMM yyyy", "monday 2 NOVEMBER 2026", ""),
        ("unix", "1793577600", 'timezone = "Europe/Berlin"'),
        ("unix_ms", "1793577600000", 'timezone = "UTC"'),
        ("d. MMM. yyyy", "2. Nov. 2026", ""),
        ("yyyyMMdd", "20261102", ""),
        ("dd-MMM-yyyy", "02-NOV-2026", ""),
        ("yyyy-MM-dd HH:mm", "2026-11-02 10:11", ""),
        ("dd/MM/yyyy", "02/11/2026", ""),
        ("iso", "2026-11-02T10:11:12.123456", ""),
        ("iso", "2026-11-01T23:30:00Z", 'timezone = "Europe/Berlin"'),
        ("iso", "2026-11-02", ""),
        ("dd.MM.yy", "02.11.26", "first_year = 1970"),
        ("d-M-yyyy H:mm", "2-11-2026 9:05", ""),
    ],
)
def test_dates_are_written_in_many_ways(spark: SparkSession, tmp_path: Path, patterns: str, text: str, more: str) -> None:
    column = f'column = "Out", dates = ["{patterns}"]' + (f", {more}" if more else "")
    outcome = land_files(spark, tmp_path, {"f.csv": csv(line(Out=f'"{text}"'))}, mapping(shipment_date=column))
    assert [(row["shipment_date"], row["unparsed"]) for row in outcome.rows] == [(NOVEMBER_2, [])]


def test_a_date_may_be_split_into_three_columns_and_a_wrong_century_is_rejected(spark: SparkSession, tmp_path: Path) -> None:
    text = csv(line(From="2026", To="11", Carrier="2"), line(Due="05.11.71"))
    parts = mapping(shipment_date='columns = ["From", "To", "Carrier"], dates = ["yyyy-M-d"]')
    assert land_files(spark, tmp_path, {"f.csv": text}, parts).of("shipment_date") == [NOVEMBER_2, None]
    years = land_files(
        spark, tmp_path, {"f.csv": text}, mapping(promised_date='column = "Due", dates = ["yyyy-MM-dd", "dd.MM.yy"]')
    )
    assert years.rules == [[], ["far_date"]]


@pytest.mark.parametrize("pattern", ["yyyy-MM-dd'T'HH:mm:ssXXX", "yyyy-MM-dd'T'HH:mm:ss'Z'", "unix"])
def test_the_day_of_a_point_in_time_needs_a_zone(pattern: str) -> None:
    with pytest.raises(MappingError, match=r"is a point in time: .* timezone = "):
        mapping(shipment_date=f'column = "Out", dates = ["{pattern}"]')


SPELLINGS = ["UPS", "ups", "U.P.S.", " UPS ", "UPS\u200b", "U  P S", "U\u00a0P S", "'UPS'"]


def test_spellings_of_a_carrier_are_merged_and_placeholder_words_are_reported(spark: SparkSession, tmp_path: Path) -> None:
    text = csv(*(line(n, Carrier=name) for n, name in enumerate([*SPELLINGS, "N/A", "NULL", r"\N", "-", "nan", "Post"], 1)))
    plain = land_files(spark, tmp_path, {"f.csv": text}, mapping())
    assert plain.of("carrier")[:7] == ["UPS", "ups", "U.P.S.", "UPS", "UPS", "U P S", "U P S"]
    (warning,) = plain.landed.warnings
    assert warning.endswith(r'add to the mapping: nulls = ["-", "N/A", "NULL", "\\N", "nan"]')
    values = """column = "Carrier", fold_case = true, values = { "u.p.s." = "UPS", "U P S" = "UPS", "'UPS'" = "UPS" }"""
    using = mapping(r'nulls = ["N/A", "NULL", "\\N", "-", "nan"]', carrier=values)
    said = land_files(spark, tmp_path, {"f.csv": text}, using)
    assert said.of("carrier") == ["UPS"] * 8 + [None] * 5 + ["POST"]
    assert said.landed.warnings == []


def test_canonically_equal_names_are_equal(spark: SparkSession, tmp_path: Path) -> None:
    text = csv(line(1, To="Zu\u0308rich"), line(2, To="Z\u00fcrich")).replace("Kg", "Ka\u0308se")
    outcome = land_files(spark, tmp_path, {"f.csv": text}, mapping(shipment_weight_kg='column = "K\u00e4se"'))
    assert set(outcome.of("destination_city")) == {"Z\u00fcrich"}


RECORD: dict[str, Any] = {
    **{"ID": "S1", "From": "Riga", "To": "Oslo", "Carrier": "Post", "Out": "2026-11-02", "Due": "2026-11-05"},
    **{"In": "2026-11-05", "Kg": 10, "Cost": 100.0, "dims": {"weight": {"value": 7.25}}, "legs": [{"by": "UPS"}]},
}
ONE, TWO = RECORD, {**RECORD, "ID": "S2"}


@pytest.mark.parametrize(
    ("name", "text", "top"),
    [
        ("f.json", json.dumps([ONE, TWO]), ""),
        ("f.json", json.dumps([ONE, TWO], indent=1), ""),
        ("f.json", json.dumps(ONE, indent=2) + "\n" + json.dumps(TWO, indent=2), ""),
        ("f.jsonl", json.dumps(ONE) + ",\n" + json.dumps(TWO) + "\n", ""),
        ("f.jsonl", json.dumps(ONE) + "\r\n\r\n" + json.dumps(TWO), ""),
        ("f.json", json.dumps({"meta": {"a": [1, "}"]}, "data": {"shipments": [ONE, TWO]}}), 'records = "data.shipments"'),
        ("f.json", "\ufeff" + json.dumps([ONE, TWO]), ""),
    ],
)
def test_json_comes_in_many_shapes(spark: SparkSession, tmp_path: Path, name: str, text: str, top: str) -> None:
    deep = mapping(f"[file]\n{top}", shipment_weight_kg='column = "dims.weight.value"', carrier='column = "legs.0.by"')
    outcome = land_files(spark, tmp_path, {name: text}, deep)
    found = [(row["shipment_id"], row["carrier"], row["shipment_weight_kg"], row["unparsed"]) for row in outcome.rows]
    assert found == [("S1", "UPS", Decimal("7.250"), []), ("S2", "UPS", Decimal("7.250"), [])]


def test_a_broken_line_of_json_is_put_aside(spark: SparkSession, tmp_path: Path) -> None:
    lines = [json.dumps(ONE), '{"ID": "S9", "From": ', "[1]", "no", json.dumps(TWO)]
    outcome = land_files(spark, tmp_path, {"f.jsonl": "\n".join(lines)}, mapping())
    assert outcome.rules == [[], ["record"], ["record"], ["record"], []]


@pytest.mark.parametrize(
    ("text", "more", "value"),
    [
        ("1.25E7", "", "12500000.000"),
        ("5e-1", "", "0.500"),
        ("1.234,5", 'decimal = ",", thousands = "."', "1234.500"),
        ("12.500", 'decimal = "."', "12.500"),
        ("(25.00)", "accounting = true", "-25.000"),
        ("25.00-", "accounting = true", "-25.000"),
        ("12 kg", 'unit = "cell"', "12.000"),
        ("1 lbs", 'unit = "cell"', "0.454"),
        ("2.5t", 'unit = "cell"', "2500.000"),
        ("3", 'unit_column = "From"', "3000.000"),
        ("7 stone", 'unit = "cell"', None),
        ("1.2.3", "", None),
        ("1e99", "", None),
    ],
)
def test_numbers_are_written_in_many_ways(
    spark: SparkSession, tmp_path: Path, text: str, more: str, value: str | None
) -> None:
    column = 'column = "Kg", optional = true' + (f", {more}" if more else "")
    using = mapping(shipment_weight_kg=column)
    outcome = land_files(spark, tmp_path, {"f.csv": csv(line(Kg=f'"{text}"', From="TO"))}, using)
    assert outcome.of("shipment_weight_kg") == [None if value is None else Decimal(value)]
    assert outcome.rules == [["number"] if value is None else []]


def test_two_styles_of_numbers_in_one_file_are_declared_by_column(spark: SparkSession, tmp_path: Path) -> None:
    text = csv(line(Kg="2.5", Cost='"1.234,50"'), line(Kg="12.500", Cost='"99,90"'))
    using = mapping('[numbers]\ndecimal = ","\nthousands = "."', shipment_weight_kg='column = "Kg", decimal = "."')
    outcome = land_files(spark, tmp_path, {"f.csv": text}, using)
    assert outcome.of("shipment_weight_kg") == [Decimal("2.500"), Decimal("12.500")]
    assert outcome.of("shipping_cost") == [Decimal("1234.50"), Decimal("99.90")]


@pytest.mark.parametrize(
    ("kind", "zone"),
    [
        (pa.timestamp("us", "UTC"), "Europe/Berlin"),
        (pa.timestamp("us", "Europe/Berlin"), "Europe/Berlin"),
        (pa.timestamp("us"), None),
    ],
)
def test_a_parquet_timestamp_becomes_the_day_in_its_zone(
    spark: SparkSession, tmp_path: Path, kind: pa.DataType, zone: str | None
) -> None:
    columns: dict[str, Any] = dict(zip(HEADER.split(","), ([value] for value in line().split(",")), strict=True))
    # Midnight in Berlin, as an instant; or 8:30 with a fraction, without a zone.
    moment = 1_793_574_000_000_000 if zone else 1_793_608_201_123_456
    columns["Out"] = pa.array([moment], pa.int64()).cast(kind)
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table(columns), tmp_path / "in" / "f.parquet")
    more = f', timezone = "{zone}"' if zone else ""
    using = mapping(shipment_date=f'column = "Out", dates = ["iso"]{more}')
    outcome = land_files(spark, tmp_path, {"f.parquet": (tmp_path / "in" / "f.parquet").read_bytes()}, using)
    assert [(row["shipment_date"], row["unparsed"]) for row in outcome.rows] == [(NOVEMBER_2, [])]


def test_a_binary_value_is_read_independently_of_its_neighbours(spark: SparkSession, tmp_path: Path) -> None:
    columns: dict[str, Any] = dict(zip(HEADER.split(","), ([value] * 2 for value in line().split(",")), strict=True))
    columns["From"] = pa.array([b"Riga", b"Ri\xffga"], pa.binary())
    pq.write_table(pa.table(columns), tmp_path / "f.parquet")
    outcome = land_files(spark, tmp_path, {"f.parquet": (tmp_path / "f.parquet").read_bytes()}, mapping())
    assert outcome.of("origin_warehouse") == ["Riga", r"Ri\xffga"]


def test_files_in_folders_and_archives_are_one_stream(spark: SparkSession, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("c.csv", csv(line(3)))
        archive.writestr("__MACOSX/._c.csv", "no")
    files: dict[str, str | bytes] = {
        "Day=2026-11-02/a.csv": csv(line(1)),
        "Day=2026-11-03/b.csv": csv(line(2)),
        "z.zip": (tmp_path / "z.zip").read_bytes(),
    }
    outcome = land_files(spark, tmp_path, files, mapping())
    assert [(row["source_file"], row["source_row"], row["shipment_id"]) for row in outcome.rows] == [
        ("a.csv", 1, "S1"),
        ("b.csv", 2, "S2"),
        ("c.csv", 3, "S3"),
    ]
    files["Day=2026-11-04/z.zip"] = files.pop("z.zip")
    by_folder = land_files(spark, tmp_path, files, mapping(shipment_date='column = "Day"'))
    assert by_folder.of("shipment_date") == [NOVEMBER_2, date(2026, 11, 3), date(2026, 11, 4)]


def test_a_file_lands_once_although_a_link_leads_to_it(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "november.csv").write_text(csv(line(1)))
    (folder / "latest.csv").symlink_to("november.csv")
    run = run_ingest(tmp_path / "lake", folder, source="s", mapping=mapping(), date=NOVEMBER_2, spark=spark)
    assert (run.counts.read, run.settings["files"]) == (1, 1)
    assert run.settings["warnings"] == [
        "not read again, because it was given twice or is a link to a file that is read anyway: latest.csv"
    ]


def test_an_excel_sheet_lands_with_its_dates_and_numbers(spark: SparkSession, tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.create_sheet("Data")
    sheet.append(["Report"])
    sheet.append(HEADER.split(","))
    sheet.append(["S1", "Riga", "Oslo", "Post", NOVEMBER_2, date(2026, 11, 5), date(2026, 11, 5), 10, 12.5])
    book.save(tmp_path / "f.xlsx")
    using = mapping('[file]\nsheet = "Data"\nskip_rows = 1')
    outcome = land_files(spark, tmp_path, {"f.xlsx": (tmp_path / "f.xlsx").read_bytes()}, using)
    assert [(row["shipment_date"], row["shipping_cost"], row["unparsed"]) for row in outcome.rows] == [
        (NOVEMBER_2, Decimal("12.50"), [])
    ]


def test_where_leaves_other_records_out_and_counts_them(spark: SparkSession, tmp_path: Path) -> None:
    text = csv(line(1), line(2, Carrier="Total"), line(3))
    outcome = land_files(spark, tmp_path, {"f.csv": text}, mapping('[where]\nCarrier = ["Post"]'))
    assert (outcome.landed.rows, outcome.landed.filtered) == (2, 1)
    assert outcome.of("source_row") == [1, 3]


def test_where_that_leaves_all_records_out_lands_nothing_and_keeps_the_batch_that_is_there(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "f.csv").write_text(
        csv(line(1), line(2, Carrier="Total"), line(3, Carrier="Sum "), line(4, Carrier="Total"))
    )
    lake, files = Lake(tmp_path / "lake"), (tmp_path / "f.csv",)

    def ingest(where: str) -> Run:
        using = mapping(f"[where]\n{where}")
        return run_ingest(lake, files, source="acme", mapping=using, date=NOVEMBER_2, if_exists="replace", spark=spark)

    first = ingest('Carrier = ["Post"]')
    print_run(first)
    assert "3  left out by [where]" in capsys.readouterr().out
    assert "3  left out by [where]" in repr(first)
    with pytest.raises(FileEmpty, match=r"f\.csv has no rows: all 4 records are left out by \[where\]") as caught:
        ingest('Carrier = ["post"]\nFrom = ["Riga", "Bonn"]\nTo = ["Bonn"]')
    said = (
        "in the mapping: column 'Carrier' has 'Post', 'Total', 'Sum'; column 'To' has 'Oslo'. Nothing was landed. Check the"
    )
    assert said in str(caught.value)
    assert lake.read(spark, "raw/acme").count() == 1


def test_a_mapping_made_in_python_is_stored_as_toml() -> None:
    declared = mapping(
        'nulls = ["x"]\ntimezone = "UTC"\n[file]\nskip_rows = 1', carrier='column = "Carrier", values = { "a\\"b" = "ü" }'
    )
    made = SourceMapping(columns=declared.columns, nulls=declared.nulls, timezone="UTC", file=declared.file)
    again = SourceMapping.from_text(made.text, "again")
    assert (again.columns, again.nulls, again.file, again.timezone) == (made.columns, made.nulls, made.file, "UTC")
    assert SourceMapping(columns={**made.columns, "carrier": ColumnMapping(constant="Post")}).text.count("constant") == 1
