"""The same work by hand in DuckDB: the baseline for the numbers of this package.

Two scripts that a good engineer would write for this one purpose: no batches, no lake, no fingerprints, no run log.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from shipment_etl.generator.plan import Plan
from shipment_etl.generator.wheels import SLOT_BITS, SLOTS
from shipment_etl.network import Network

__all__ = ["checksum", "connect", "generate", "process"]

THREADS = 2
KNOWN_COST = "FILTER (WHERE shipping_cost IS NOT NULL)"
LANE_SUMS = {
    "shipments": "count(*)",
    "transit_days": "sum(transit_days)",
    "weight_kg": "sum(shipment_weight_kg)",
    "volume_m3": "sum(shipment_volume_m3)",
    "distance_km": "sum(route_distance_km)",
    "distance_shipments": "count(route_distance_km)",
    "distance_transit_days": "sum(transit_days) FILTER (WHERE route_distance_km IS NOT NULL)",
    "cost": "sum(shipping_cost)",
    "cost_shipments": "count(shipping_cost)",
    "weighed_cost": "sum(shipping_cost) FILTER (WHERE shipment_weight_kg IS NOT NULL)",
    "priced_weight_kg": f"sum(shipment_weight_kg) {KNOWN_COST}",
    "distance_cost": "sum(shipping_cost) FILTER (WHERE route_distance_km IS NOT NULL)",
    "priced_distance_km": f"sum(route_distance_km) {KNOWN_COST}",
    "tonne_km_cost": "sum(shipping_cost) FILTER (WHERE shipment_weight_kg * route_distance_km IS NOT NULL)",
    "priced_kg_km": f"sum(shipment_weight_kg * route_distance_km) {KNOWN_COST}",
}
"""Sum of the roll-up → SQL; 0 where the measure is unknown for all shipments."""


def connect() -> duckdb.DuckDBPyConnection:
    """Return a connection with two threads."""
    connection = duckdb.connect(config={"threads": THREADS})
    connection.execute("SET preserve_insertion_order = false")
    return connection


def generate(connection: duckdb.DuckDBPyConnection, plan: Plan, target: Path) -> None:
    """Write shipments with the columns of `generate` to one Parquet file; DuckDB's hash replaces xxhash64.

    Only for plans without disruptions, seasons or lives, such as that of baseline.
    """
    tables = {"lanes": plan.lanes, "weights": plan.weights, "carriers": plan.carriers, "delays": plan.delays}
    for name, slots in tables.items():
        columns = dict(zip(slots[0]._fields, zip(*slots, strict=True), strict=True))
        connection.register(name, pa.table({each: list(values) for each, values in columns.items()}))

    def bits(stream: str, count: int) -> str:
        return f"CAST(hash(row, {plan.key(stream)}) >> {64 - count} AS BIGINT)"

    weekday = plan.batch_date.weekday()
    connection.execute(f"""
        COPY (
        WITH drawn AS (
            SELECT row, l.*, w.least_g, w.span_g, w.truckload
            FROM (SELECT range AS row, {bits("lane", SLOT_BITS).replace("row", "range")} AS lane_slot,
                         {bits("weight class", SLOT_BITS).replace("row", "range")} AS weight_slot FROM range({plan.rows}))
            JOIN lanes l ON l.slot = lane_slot JOIN weights w ON w.slot = weight_slot
        ), priced AS (
            SELECT d.*, c.carrier, c.base_cents, c.per_kg, c.per_km, c.extra_days, v.drawn_delay,
                   greatest(CASE WHEN truckload = 1 THEN g ELSE g * weight_permille // 1000 END, 1) AS weight_g
            FROM (SELECT *, least_g + ((span_g * {bits("weight", 10)}) >> 10) AS g FROM drawn) d
            JOIN carriers c ON c.slot = {bits("carrier", SLOT_BITS)} + truckload * {SLOTS}
            JOIN delays v ON v.slot = {bits("delay", SLOT_BITS)}
        ), dated AS (
            SELECT *, lane_days + extra_days + CASE (lane_days + extra_days + {weekday}) % 7
                        WHEN 5 THEN 2 WHEN 6 THEN 1 ELSE 0 END AS promised_days FROM priced
        ), delayed AS (
            SELECT *, CASE WHEN promised_days + d < 1 THEN 0 ELSE d END AS delay FROM (
                SELECT *, CASE WHEN (promised_days + {weekday} + drawn_delay + 70) % 7 != 6 THEN drawn_delay
                               WHEN drawn_delay < 0 THEN drawn_delay - 1 ELSE drawn_delay + 1 END AS d FROM dated)
        )
        SELECT 'SH{plan.batch_date:%Y%m%d}-' || lpad(CAST(row AS VARCHAR), 9, '0') AS shipment_id,
               origin_warehouse, destination_city, carrier,
               CAST(weight_g * 0.001 AS DECIMAL(12,3)) AS shipment_weight_kg,
               CAST(greatest(weight_g * (2400 + (({bits("volume", 31)} * 6000) >> 31)) // 1000000, 1) * 0.001
                    AS DECIMAL(12,3)) AS shipment_volume_m3,
               DATE '{plan.batch_date}' AS shipment_date,
               DATE '{plan.batch_date}' + CAST(promised_days AS INTEGER) AS promised_date,
               DATE '{plan.batch_date}' + CAST(promised_days + delay AS INTEGER) AS delivery_date,
               CAST(delay AS INTEGER) AS delay_days,
               CASE WHEN delay > 0 THEN 'Delayed' ELSE 'Delivered' END AS delivery_status,
               CAST(distance_hm * 0.1 AS DECIMAL(10,3)) AS route_distance_km,
               CAST((base_cents * (750 + (({bits("base", 31)} * 501) >> 31)) * 100 + per_kg * weight_g
                     + per_km * distance_hm * 100 + 50000) // 100000 * 0.01 AS DECIMAL(14,2)) AS shipping_cost,
               DATE '{plan.batch_date}' AS batch_date,
               'generate {plan.scenario.name} seed {plan.seed}' AS source_file,
               row + 1 AS source_row
        FROM delayed
        ) TO '{target}' (FORMAT parquet, COMPRESSION snappy)
    """)


def process(
    connection: duckdb.DuckDBPyConnection, raw: str, network: Network, batch_date: date, place: Callable[[str], Path]
) -> dict[str, int]:
    """Check, split and clean raw shipments; write each by its newest report, the overtaken ones, the quarantine, the roll-up
    and five marts.

    `place` returns the path for the file of a table. Returns how many rows were read, and how many were duplicates.
    """
    rules = _rules(network)
    broken = " OR ".join(f"coalesce({condition}, false)" for _, _, condition, _ in rules)
    explained = ", ".join(
        f"CASE WHEN coalesce({condition}, false) THEN {{'rule': '{rule}', 'column': '{column}', 'message': {message}}} END"
        for rule, column, condition, message in rules
    )
    content = (
        "shipment_id, origin_warehouse, destination_city, carrier, shipment_weight_kg, shipment_volume_m3, shipment_date, "
        "promised_date, delivery_date, delay_days, delivery_status, route_distance_km, shipping_cost"
    )
    originals = ", ".join(f"'{name.strip()}': CAST({name} AS VARCHAR)" for name in content.split(","))
    run = connection.execute
    run(f"CREATE OR REPLACE VIEW raw AS SELECT *, DATE '{batch_date}' AS batch_date FROM read_parquet({raw!r})")
    run("CREATE OR REPLACE TEMP TABLE ids AS SELECT hash(shipment_id) AS h FROM raw GROUP BY 1 HAVING count(*) > 1")
    in_order = "OVER (PARTITION BY shipment_id ORDER BY source_row)"
    # Reports that are not the newest; a duplicate, with the same content as the one before it, has no next_row.
    run(f"""
        CREATE OR REPLACE TEMP TABLE repeats AS
        WITH reports AS (
            SELECT source_row, shipment_id, lag(row({content})) {in_order} IS NOT DISTINCT FROM row({content}) AS says_the_same
            FROM raw SEMI JOIN ids ON hash(shipment_id) = ids.h WHERE NOT ({broken}))
        SELECT source_row, CAST(NULL AS BIGINT) AS next_row FROM reports WHERE says_the_same
        UNION ALL
        SELECT source_row, lead(source_row) {in_order} AS next_row FROM reports WHERE NOT says_the_same
        QUALIFY next_row IS NOT NULL
    """)
    derived = f"""{content}, batch_date, source_file, source_row,
                delivery_date - shipment_date AS transit_days,
                CASE WHEN delay_days < 0 THEN 'early' WHEN delay_days = 0 THEN 'on_time'
                     WHEN delay_days = 1 THEN 'late_1' ELSE 'late_2plus' END AS delay_class,
                greatest(shipment_weight_kg, CAST(shipment_volume_m3 * 166.667 AS DECIMAL(15,3))) AS chargeable_weight_kg,
                CAST(shipping_cost AS DOUBLE) / CAST(shipment_weight_kg AS DOUBLE) AS cost_per_kg,
                CAST(shipping_cost AS DOUBLE) / CAST(route_distance_km AS DOUBLE) AS cost_per_km"""
    run(f"""
        COPY (SELECT {derived} FROM raw ANTI JOIN repeats USING (source_row) WHERE NOT ({broken}))
        TO '{place("shipments")}' (FORMAT parquet, COMPRESSION snappy)
    """)
    run(f"""
        COPY (SELECT {derived}, batch_date AS overtaken_by_batch, next_row AS overtaken_by_row
              FROM raw JOIN repeats USING (source_row) WHERE next_row IS NOT NULL)
        TO '{place("overtaken")}' (FORMAT parquet, COMPRESSION snappy)
    """)
    run(f"""
        COPY (SELECT batch_date, source_file, source_row, to_json({{{originals}}}) AS original,
                     list_filter([{explained}], lambda x: x IS NOT NULL) AS reasons FROM raw WHERE {broken})
        TO '{place("quarantine")}' (FORMAT parquet, COMPRESSION snappy)
    """)
    sums = ", ".join(f"coalesce({total}, 0) AS {name}" for name, total in LANE_SUMS.items())
    run(f"""
        CREATE OR REPLACE TEMP TABLE lane_days AS
        SELECT batch_date, shipment_date, origin_warehouse, destination_city, carrier, delay_days, {sums}
        FROM read_parquet('{place("shipments")}') GROUP BY ALL
    """)
    run(f"COPY lane_days TO '{place('lane_days')}' (FORMAT parquet)")
    for name, query in _marts(network).items():
        run(f"COPY ({query}) TO '{place(name)}' (FORMAT parquet)")
    ((read,),) = run("SELECT count(*) FROM raw").fetchall()
    ((duplicates,),) = run("SELECT count(*) FROM repeats WHERE next_row IS NULL").fetchall()
    return {"read": read, "duplicates": duplicates}


def _rules(network: Network) -> list[tuple[str, str, str, str]]:
    """Return rule, column, condition that breaks it, and message, as in the contract, in its order."""
    named = {
        "origin_warehouse": network.warehouses,
        "destination_city": network.cities,
        "carrier": network.carriers,
    }
    rules = []
    for column in ("shipment_id", "origin_warehouse", "destination_city", "carrier"):
        rules.append(("required", column, f"{column} IS NULL", f"'{column} is missing'"))
        if column in named:
            listed = ", ".join(f"'{each.name}'" for each in named[column])
            said = f"'{column} is ' || {column} || ', must be one of: {listed.replace(chr(39), '')}'"
            rules.append(("isin", column, f"{column} NOT IN ({listed})", said))
        else:
            rules.append(("str_matches", column, f"NOT regexp_matches({column}, '^\\S')", f"'{column} is blank'"))
    for column, condition, expected in (
        ("shipment_weight_kg", "<= 0", "above 0"),
        ("shipment_volume_m3", "<= 0", "above 0"),
        ("shipment_date", "NOT BETWEEN DATE '1990-01-01' AND DATE '2099-12-31'", "within 1990 and 2099"),
        ("promised_date", "NOT BETWEEN DATE '1990-01-01' AND DATE '2099-12-31'", "within 1990 and 2099"),
        ("delivery_date", "NOT BETWEEN DATE '1990-01-01' AND DATE '2099-12-31'", "within 1990 and 2099"),
        ("route_distance_km", "<= 0", "above 0"),
        ("route_distance_km", "> 40075.017", "40075.017 or less"),
        ("shipping_cost", "< 0", "0 or more"),
    ):
        if not any(column == each[1] for each in rules):
            rules.append(("required", column, f"{column} IS NULL", f"'{column} is missing'"))
        said = f"'{column} is ' || CAST({column} AS VARCHAR) || ', must be {expected}'"
        rules.append(("range", column, f"{column} {condition}", said))
    for name, column, condition in (
        ("status_known", "delivery_status", "delivery_status NOT IN ('Delivered', 'Delayed')"),
        ("promised_after_shipped", "promised_date", "promised_date < shipment_date"),
        ("delivered_after_shipped", "delivery_date", "delivery_date < shipment_date"),
        ("delay_matches_dates", "delay_days", "delay_days != delivery_date - promised_date"),
        ("status_matches_delay", "delivery_status", "(delivery_status = 'Delayed') != (delay_days > 0)"),
    ):
        rules.append((name, column, condition, f"'{name}: ' || CAST({column} AS VARCHAR)"))
    return rules


def _marts(network: Network) -> dict[str, str]:
    tonne_km = "sum(tonne_km_cost)::DOUBLE / (sum(priced_kg_km) / 1000)::DOUBLE AS cost_per_tonne_km"
    per_kg = "sum(weighed_cost)::DOUBLE / sum(priced_weight_kg)::DOUBLE AS cost_per_kg"
    per_km = "sum(distance_cost)::DOUBLE / sum(priced_distance_km)::DOUBLE AS cost_per_km"
    avg_cost = "sum(cost)::DOUBLE / sum(cost_shipments) AS avg_cost"
    on_time = "sum(shipments) FILTER (WHERE delay_days <= 0)"
    capacity = " ".join(f"WHEN '{name}' THEN {shipments}" for name, shipments in network.capacities.items())
    return {
        "carrier_performance": f"""
            WITH h AS (SELECT *, sum(n) OVER (PARTITION BY carrier ORDER BY delay_days) AS running,
                              sum(n) OVER (PARTITION BY carrier) AS every
                       FROM (SELECT carrier, delay_days, sum(shipments) AS n FROM lane_days GROUP BY ALL)),
                 p AS (SELECT carrier, min(delay_days) FILTER (WHERE running * 100 >= every * 50) AS p50_delay_days,
                              min(delay_days) FILTER (WHERE running * 100 >= every * 95) AS p95_delay_days
                       FROM h GROUP BY carrier)
            SELECT carrier, sum(shipments) AS shipments, {on_time} AS on_time_shipments,
                   100 * {on_time} / sum(shipments) AS on_time_pct,
                   100 * sum(shipments) FILTER (WHERE delay_days >= 2) / sum(shipments) AS late_2plus_pct,
                   sum(greatest(delay_days, 0) * shipments) / sum(shipments) AS avg_delay_days,
                   sum(delay_days * shipments) / sum(shipments) AS avg_days_vs_promise,
                   any_value(p50_delay_days) AS p50_delay_days, any_value(p95_delay_days) AS p95_delay_days,
                   sum(transit_days) / sum(shipments) AS avg_transit_days, {avg_cost}, {per_kg}, {tonne_km}
            FROM lane_days JOIN p USING (carrier) GROUP BY carrier""",
        "route_efficiency": f"""
            SELECT origin_warehouse, destination_city, sum(shipments) AS shipments,
                   sum(distance_km)::DOUBLE / sum(distance_shipments) AS avg_distance_km,
                   sum(transit_days) / sum(shipments) AS avg_transit_days,
                   sum(distance_km)::DOUBLE / sum(distance_transit_days) AS km_per_day,
                   100 * {on_time} / sum(shipments) AS on_time_pct, {avg_cost}, {per_km}, {tonne_km}
            FROM lane_days GROUP BY ALL""",
        "cost_analysis": f"""
            SELECT strftime(shipment_date, '%Y-%m') AS month, carrier, origin_warehouse, destination_city,
                   sum(shipments) AS shipments, sum(cost) AS total_cost, {avg_cost}, {per_km}, {per_kg}, {tonne_km},
                   100 * sum(cost)::DOUBLE / (sum(sum(cost)) OVER (PARTITION BY strftime(shipment_date, '%Y-%m')))::DOUBLE
                       AS cost_share_pct
            FROM lane_days GROUP BY month, carrier, origin_warehouse, destination_city, strftime(shipment_date, '%Y-%m')""",
        "delay_trends": """
            WITH d AS (SELECT shipment_date, destination_city, sum(shipments) AS shipments,
                              coalesce(sum(shipments) FILTER (WHERE delay_days > 0), 0) AS delayed,
                              sum(greatest(delay_days, 0) * shipments) AS days_late FROM lane_days GROUP BY ALL)
            SELECT shipment_date, destination_city, shipments, delayed AS delayed_shipments,
                   100 * delayed / shipments AS delayed_pct, days_late / shipments AS avg_delay_days,
                   100 * sum(delayed) OVER week / sum(shipments) OVER week AS delayed_pct_7d
            FROM d WINDOW week AS (PARTITION BY destination_city ORDER BY shipment_date
                                   RANGE BETWEEN INTERVAL 6 DAYS PRECEDING AND CURRENT ROW)""",
        "warehouse_demand": f"""
            SELECT *, 100 * shipments / capacity AS utilisation_pct, shipments > capacity AS congested FROM (
                SELECT origin_warehouse, shipment_date, sum(shipments) AS shipments, sum(weight_kg) AS weight_kg,
                       sum(volume_m3) AS volume_m3, count(DISTINCT destination_city) AS destinations,
                       any_value(CASE origin_warehouse {capacity} END) AS capacity
                FROM lane_days GROUP BY origin_warehouse, shipment_date)""",
    }


def checksum(connection: duckdb.DuckDBPyConnection, file: Path) -> tuple[int, str]:
    """Read a file back; return its number of rows and a checksum of their content."""
    columns = ", ".join(name for name, *_ in connection.execute(f"DESCRIBE FROM read_parquet('{file}')").fetchall())
    ((rows, xor, total),) = connection.execute(
        f"SELECT count(*), bit_xor(h), sum(h & 4294967295) FROM (SELECT hash({columns}) AS h FROM read_parquet('{file}'))"
    ).fetchall()
    return rows, f"{xor or 0:x}-{total or 0:x}"
