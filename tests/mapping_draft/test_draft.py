"""Drafts: names and values of a file become lines of a mapping; ambiguous columns are left open, and marked."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipment_etl.contracts.columns import COLUMNS
from shipment_etl.errors import FileUnreadable
from shipment_etl.ingest.mapping import MAY_BE_LEFT_OUT, FileFormat, SourceMapping
from shipment_etl.mapping_draft.csv_layout import find_csv_layout, find_encoding
from shipment_etl.mapping_draft.draft import draft_mapping
from shipment_etl.mapping_draft.sample import Sample, take_sample
from shipment_etl.mapping_draft.synonyms import match_name, unit_in_name
from shipment_etl.mapping_draft.writing import write_draft

GOOD = {
    "shipment_id": ["S1", "S2"],
    "origin": ["Riga", "Riga"],
    "destination": ["Oslo", "Bonn"],
    "carrier": ["UPS", "DHL"],
    "ship_date": ["2025-11-13", "2025-11-14"],
    "due_date": ["2025-11-20", "2025-11-21"],
    "delivery_date": ["2025-11-18", "2025-11-19"],
}


def sample(**columns: list[str | None]) -> Sample:
    every = {name: values for name, values in {**GOOD, **columns}.items() if values}
    rows = [dict(zip(every, row, strict=True)) for row in zip(*every.values(), strict=True)]
    return Sample("f.csv", FileFormat(), {}, rows, [], True)


def draft_text(**columns: list[str | None]) -> str:
    made = sample(**columns)
    return write_draft(draft_mapping(made), made)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("Sendungsnummer", "shipment_id"),
        ("Nº envío", "shipment_id"),
        ("trackingNumber", "shipment_id"),
        ("Entrepôt", "origin_warehouse"),
        ("Almacén de origen", "origin_warehouse"),
        ("Zielort", "destination_city"),
        ("Ville de destination", "destination_city"),
        ("Città", "destination_city"),
        ("Vervoerder", "carrier"),
        ("TRANSPORTADORA", "carrier"),
        ("Date d'expédition", "shipment_date"),
        ("Verzenddatum", "shipment_date"),
        ("Liefertermin", "promised_date"),
        ("Previsão de entrega", "promised_date"),
        ("order_estimated_delivery_date", "promised_date"),
        ("Data consegna", "delivery_date"),
        ("Fecha de entrega", "delivery_date"),
        ("Poids (kg)", "shipment_weight_kg"),
        ("Gross Weight [lbs]", "shipment_weight_kg"),
        ("Afstand (km)", "route_distance_km"),
        ("Frachtkosten", "shipping_cost"),
        ("Valor do frete", "shipping_cost"),
    ],
)
def test_names_in_many_languages_match_their_column(name: str, column: str) -> None:
    scores = {each: match_name(name, each).score for each in COLUMNS if each not in MAY_BE_LEFT_OUT}
    assert max(scores, key=lambda each: scores[each]) == column


@pytest.mark.parametrize(
    ("name", "column", "unit"),
    [
        ("Weight (lbs)", "shipment_weight_kg", "lb"),
        ("weightKg", "shipment_weight_kg", "kg"),
        ("product_weight_g", "shipment_weight_kg", "g"),
        ("Weight (Kilograms)", "shipment_weight_kg", "kg"),
        ("Miles", "route_distance_km", "mi"),
        ("Distance [km]", "route_distance_km", "km"),
        ("Volume (cbm)", "shipment_volume_m3", "m3"),
        ("Weight", "shipment_weight_kg", None),
        ("Ship to", "shipment_weight_kg", None),
    ],
)
def test_a_unit_in_a_name_is_found(name: str, column: str, unit: str | None) -> None:
    assert unit_in_name(name, column) == unit


def test_a_draft_of_plain_columns_is_a_mapping() -> None:
    mapping = SourceMapping.from_text(draft_text(), "draft")
    assert {name: column.column for name, column in mapping.columns.items()} == {
        "shipment_id": "shipment_id",
        "origin_warehouse": "origin",
        "destination_city": "destination",
        "carrier": "carrier",
        "shipment_date": "ship_date",
        "promised_date": "due_date",
        "delivery_date": "delivery_date",
    }


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (
            {"ship_date": ["01/02/2025", "03/04/2025"]},
            '# shipment_date = { column = "ship_date", dates = ["dd/MM/yyyy"] }',
        ),
        ({"weight": ["1.250", "2.500"]}, '# shipment_weight_kg = { column = "weight", unit = "kg", decimal = "." }'),
        ({"freight": ["$1.50", "$2.50"]}, '# shipping_cost = { column = "freight", currency = "USD" }'),
    ],
)
def test_an_ambiguous_column_is_left_open(columns: dict[str, list[str | None]], line: str) -> None:
    lines = draft_text(**columns).splitlines()
    assert line in lines
    assert any(each.startswith("# AMBIGUOUS: ") for each in lines)
    assert line.removeprefix("# ") not in lines


def test_a_column_that_is_not_found_is_a_line_to_fill_in() -> None:
    made = sample(carrier=[])
    draft = draft_mapping(made)
    text = write_draft(draft, made)
    assert draft.open == ("carrier",)
    assert "# STILL OPEN: carrier." in text
    assert '# carrier = { constant = "…" }' in text
    filled = text.replace('# carrier = { constant = "…" }', 'carrier = { constant = "Post" }')
    assert SourceMapping.from_text(filled, "draft").columns["carrier"].constant == "Post"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"weight": ["12 kg", "3 lb"]}, 'unit = "cell"'),
        ({"weight": ["12", "3"], "uom": ["kg", "lb"]}, 'unit_column = "uom"'),
        ({"weight_lbs": ["12", "3"]}, 'unit = "lb"'),
        ({"freight": ["€1.50", "€2.50"]}, 'currency = "EUR"'),
        ({"freight (CAD)": ["$1.50", "$2.50"]}, 'currency = "CAD"'),
        ({"freight": ["1.50", "2.50"], "currency": ["EUR", "EUR"]}, 'currency = "EUR", currency_column = "currency"'),
        ({"freight": ["1.50", "(2.50)"]}, "accounting = true, credit_notes = true }"),
        ({"freight": ["1.50", "-2.50"]}, 'freight", credit_notes = true }'),
        ({"freight": ["1.50", "-2.50"]}, "# CHECK: costs below 0, down to -2.50, are read as credit notes"),
        ({"weight": ["1.234,50", "3"]}, 'decimal = ","\nthousands = "."'),
        ({"weight": ["N/A", "3"]}, 'nulls = ["N/A"]'),
        ({"weight": ["see bill", "3"]}, 'nulls = ["see bill"], optional = true'),
        ({"shipment_id": ["A", "A"], "line": ["1", "2"]}, 'shipment_id = { columns = ["shipment_id", "line"] }'),
        ({"shipment_id": []}, "shipment_id = { from_row = true }"),
    ],
)
def test_units_currencies_styles_and_placeholder_words_are_found_in_values(
    columns: dict[str, list[str | None]], expected: str
) -> None:
    text = draft_text(**columns)
    assert expected in text
    assert SourceMapping.from_text(text, "draft")


def test_costs_of_0_and_negative_weights_are_not_credit_notes() -> None:
    assert "credit_notes" not in draft_text(freight=["1.50", "0"], weight=["1", "-2"])


def test_a_decimal_sign_from_another_column_is_used_and_reported() -> None:
    text = draft_text(weight=["1.250", "2.500"], freight=["1,50", "2,50"])
    assert SourceMapping.from_text(text, "draft").numbers_of("shipment_weight_kg").decimal == ","
    assert "CHECK: values such as '1.250' fit" in text


NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
CELLS = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
    st.from_regex(r"[0-9./,-]{1,10}"),
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NAMES, st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=6))
def test_a_draft_of_any_names_and_values_is_a_mapping_or_says_what_is_open(
    columns: dict[str, list[str | None]],
) -> None:
    every = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    made = Sample("f.csv", FileFormat(), {}, every, [], True)
    for extra in ({}, GOOD):
        rows = [{**row, **{name: values[i % 2] for name, values in extra.items()}} for i, row in enumerate(every)]
        made = Sample("f.csv", FileFormat(), {}, rows, [], True)
        draft = draft_mapping(made)
        text = write_draft(draft, made)
        if not draft.open:
            assert SourceMapping.from_text(text, "draft").columns == draft.found
        else:
            assert f"# STILL OPEN: {', '.join(draft.open)}." in text


@pytest.mark.parametrize(
    ("text", "delimiter", "skip_rows", "ignored"),
    [
        ("a,b,c\n1,2,3\n", ",", 0, ()),
        ("a;b;c\n1,5;2,5;3,5\n", ";", 0, ()),
        ("a\tb\n1\t2\n", "\t", 0, ()),
        ("a|b\nx, y|2\n", "|", 0, ()),
        ("sep=;\na;b\n1;2\n", ";", 0, ()),
        ("Report,,\nPrinted,,\n\na,b,c\n1,2,3\n", ",", 3, ()),
        ('Report "x"\na;b;c\n1;2;3\n', ";", 1, ()),
        ("# by hand\na,b,c\n1,2,3\n", ",", 0, ("^#",)),
        ("a,b,c\nx,2,3\ny,2,3\nTotal,4,6\n", ",", 0, ("^Total",)),
        ('a,b\n"line\nbreak",2\n', ",", 0, ()),
    ],
)
def test_the_layout_of_csv_is_found(text: str, delimiter: str, skip_rows: int, ignored: tuple[str, ...]) -> None:
    layout = find_csv_layout(text, is_whole=True)
    assert (layout.delimiter, layout.skip_rows, layout.ignore_lines, layout.header) == (delimiter, skip_rows, ignored, ())


def test_a_file_without_a_header_gets_placeholder_names() -> None:
    layout = find_csv_layout("S1,Riga,2025-11-02,5\nS2,Oslo,2025-11-03,6\n", is_whole=True)
    assert layout.header == ("column 1", "column 2", "column 3", "column 4")


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"abc", "utf-8"),
        ("Zürich".encode(), "utf-8"),
        ("\ufeffZürich".encode(), "utf-8"),
        ("Zürich".encode("cp1252"), "cp1252"),
        ("Zürich, Oslo".encode("utf-16"), "utf-16"),
        ("Zürich, Oslo".encode("utf-16-le"), "utf-16-le"),
        ("Zürich".encode()[:2], "utf-8"),
    ],
)
def test_the_encoding_is_found(data: bytes, encoding: str) -> None:
    assert find_encoding(data, is_whole=False)[0] == encoding


def test_a_sample_is_bounded_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("id,city\n" + "".join(f"{n},Oslo\n" for n in range(6_000)))
    made = take_sample(str(path))
    assert (len(made.records), made.is_whole) == (5_000, False)


def test_nested_values_are_named_by_their_path(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps({"data": {"items": [{"id": n, "to": {"city": "Oslo"}} for n in range(3)]}}))
    made = take_sample(str(path))
    assert made.file.records == "data.items"
    assert made.columns == {"id": ["0", "1", "2"], "to.city": ["Oslo"] * 3}


def test_standard_input_is_refused_with_a_fix() -> None:
    with pytest.raises(FileUnreadable, match="Save it to a file first"):
        take_sample("-")


def test_a_file_whose_name_shows_no_format_has_to_be_renamed(tmp_path: Path) -> None:
    (tmp_path / "export.dat").write_text("a,b\n1,2\n")
    with pytest.raises(FileUnreadable, match=r"export\.dat .* Rename it, so that its name ends in one of \.csv, \.tsv, "):
        take_sample(str(tmp_path / "export.dat"))


@pytest.mark.parametrize(
    ("promised", "delivered", "drawn", "is_guess"),
    [
        (["2025-11-20 17:00", "2025-11-21 12:00"], ["2025-11-18 09:00", "2025-11-19 10:30"], ', timezone = "UTC" }', True),
        (["2025-11-20T17:00Z", "2025-11-21T12:00Z"], ["2025-11-18T09:00+01:00", "2025-11-19T10:30+01:00"], "] }", False),
        (["1763654400", "1763741000"], ["1763481600", "1763567000"], '["unix"] }', False),
    ],
    ids=["clocks", "offsets", "unix"],
)
def test_times_of_day_are_mapped_where_both_dates_have_them(
    promised: list[str | None], delivered: list[str | None], drawn: str, is_guess: bool
) -> None:
    text = draft_text(due_date=promised, delivery_date=delivered)
    lines = [line for line in text.splitlines() if line.startswith(("promised_at = ", "delivered_at = "))]
    assert len(lines) == 2
    assert all(line.endswith(drawn) for line in lines)
    assert text.count("in which time zone") == 2 * is_guess
    SourceMapping.from_text(text, "f.toml")


@pytest.mark.parametrize(
    "promised",
    [
        ["2025-11-20 00:00", "2025-11-21 00:00"],
        ["2025-11-20 12:00 AM", "2025-11-21 12:00 AM"],
        ["2025-11-20 17:00", "2025-11-21"],
        ["2025-11-20", "2025-11-21"],
    ],
)
def test_a_time_that_is_always_the_same_is_not_a_time_of_day(promised: list[str | None]) -> None:
    assert "promised_at" not in draft_text(due_date=promised, delivery_date=["2025-11-18 09:00", "2025-11-19 10:30"])


def test_a_currency_in_a_nested_record_belongs_to_the_amount_beside_it() -> None:
    text = draft_text(**{"cost.amount": ["5", "6"], "cost.currency": ["EUR", "EUR"], "insurance.currency": ["USD", "USD"]})
    assert 'shipping_cost = { column = "cost.amount", currency = "EUR", currency_column = "cost.currency" }' in text


def test_spellings_of_one_carrier_are_reported() -> None:
    text = draft_text(carrier=["FedEx", "FEDEX"])
    assert "CHECK: perhaps the same: FedEx = FEDEX" in text
    assert "CHECK: perhaps the same: D.H.L. = dhl" in draft_text(carrier=["D.H.L.", "dhl"])
    assert "CHECK: perhaps the same: ДХЛ = Д.Х.Л." in draft_text(carrier=["ДХЛ", "Д.Х.Л."])
    assert "CHECK: perhaps the same: Österreich = OSTERREICH" in draft_text(carrier=["Österreich", "OSTERREICH"])
    assert "CHECK: perhaps the same: Møller = MOLLER" in draft_text(carrier=["Møller", "MOLLER"])
    assert "perhaps the same" not in draft_text(carrier=["運送一", "運送二"])
    assert "perhaps the same" not in draft_text(carrier=["北京 DHL", "上海 DHL"])


NUMBERS = ("number", "no", "nr", "index", "seq", "sequence")


@pytest.mark.parametrize(
    "name",
    [
        *("package_no", "Colis", "Packstück", "HU", "parcel no", "piece id", "leg id"),
        *(f"{part} {number}" for part in ("package", "piece", "line", "leg") for number in NUMBERS),
    ],
)
def test_packages_of_one_shipment_count_one_by_one(name: str) -> None:
    text = draft_text(shipment_id=["S1", "S1"], **{name: ["1", "2"]})
    assert f'shipment_id = {{ columns = ["shipment_id", "{name}"] }}' in text
    assert "add the rows" not in text


@pytest.mark.parametrize("name", ["charge", "Surcharge Code", *(f"charge {each}" for each in ("code", "type", *NUMBERS))])
def test_charges_of_one_shipment_are_to_be_added_up(name: str) -> None:
    text = draft_text(shipment_id=["S1", "S1"], **{name: ["FRT", "FSC"]})
    assert f'shipment_id = {{ columns = ["shipment_id", "{name}"] }}' in text
    counted = f"# CHECK: each row of {name!r} would count as a shipment, with its weight"
    assert f"{counted}; add the rows of one shipment up first" in text


def test_moments_of_pandas_are_iso_dates() -> None:
    text = draft_text(ship_date=["2026-03-19T00:30:00.000000000+0100", "2026-04-01T10:00:00.123456789+0200"])
    assert 'shipment_date = { column = "ship_date", dates = ["iso"], timezone = "written" }' in text


def wrapped_text(wrapper: str, beside: dict[str, list[str | None]], **columns: list[str | None]) -> str:
    """Return the draft for records that are in an object."""
    inner = {f"{wrapper}.{name}": values for name, values in {**GOOD, **columns}.items() if values}
    return draft_text(**{name: [] for name in GOOD}, **beside, **inner)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"shipment_id": [], "id": ["S1", "S2"]}, 'shipment_id = { column = "data.id" }'),
        ({"weight.value": ["1", "2"], "weight.unit": ["lb", "lb"]}, 'unit_column = "data.weight.unit"'),
        ({"cost.amount": ["1", "2"]}, 'shipping_cost = { column = "data.cost.amount" }'),
        ({"shipment_id": ["S1", "S1"], "package_no": ["1", "2"]}, '["data.shipment_id", "data.package_no"]'),
        ({"status": ["late", "sent"]}, "column 'data.status' was left out"),
    ],
)
def test_columns_in_an_object_of_an_event_are_named_without_it(columns: dict[str, list[str | None]], expected: str) -> None:
    assert expected in wrapped_text("data", {"event": ["sent", "late"]}, **columns)


def test_columns_in_the_outer_of_two_objects_are_named_without_it() -> None:
    text = wrapped_text("data.shipment", {"data.cost.amount": ["1", "2"]})
    assert 'shipping_cost = { column = "data.cost.amount" }' in text


def test_the_name_of_an_object_may_say_what_its_columns_are() -> None:
    text = wrapped_text("delivery", {}, delivery_date=[], date=["2025-11-18", "2025-11-19"])
    assert '\ndelivery_date = { column = "delivery.date"' in text
    assert '\nshipment_date = { column = "delivery.ship_date"' in text


def test_the_id_of_an_event_is_not_that_of_its_shipment() -> None:
    text = wrapped_text("data", {"id": ["E1", "E2"]}, shipment_id=[], id=["S1", "S1"])
    assert 'shipment_id = { column = "data.id" }' in text


def test_a_unit_belongs_to_the_measure_beside_it() -> None:
    inner = {"weight.value": ["1", "2"], "distance.value": ["1", "2"], "distance.unit": ["mi", "mi"]}
    text = draft_text(**{f"sizes.{name}": values for name, values in inner.items()})
    assert 'route_distance_km = { column = "sizes.distance.value", unit_column = "sizes.distance.unit" }' in text
    assert 'shipment_weight_kg = { column = "sizes.weight.value", unit = "kg" }' in text
