"""The generate job: a batch of synthetic shipments lands in raw/shipments."""

from collections.abc import Iterable
from datetime import date as Date

import pyarrow.compute as pc
from pyspark.sql import SparkSession

from shipment_etl.dates import as_date
from shipment_etl.generator.scenarios import choose_scenario
from shipment_etl.generator.shipments import SOURCE, generate
from shipment_etl.generator.troubles import troubles
from shipment_etl.jobs.work import run_job
from shipment_etl.lake.lake import LakeAddress, as_lake
from shipment_etl.lake.runs import GENERATE, RowCounts, Run
from shipment_etl.lake.tables import TROUBLES, raw_table
from shipment_etl.network import Network
from shipment_etl.plugins import plugins
from shipment_etl.sessions import session

__all__ = ["run_generate"]


def run_generate(
    lake: LakeAddress,
    *,
    date: Date | str,
    rows: int,
    seed: int = 7,
    scenario: str | None = None,
    defects: float = 0.0,
    network: Network | None = None,
    since: Date | str | None = None,
    truth: bool = False,
    spark: SparkSession | None = None,
    listeners: Iterable[object] = (),
) -> Run:
    """Generate a batch and replace it in raw/shipments.

    Args:
        lake: the lake to write to.
        date: the batch date; like the arguments after it, as for `generate`.
        rows: number of rows on an average day.
        seed: any whole number.
        scenario: name of a scenario: built-in, from a plugin, or from the network; if None, the network's, else baseline.
        defects: share of rows that are wrong on purpose.
        network: places, carriers and tariffs.
        since: the first day whose shipments are reported again.
        truth: write the effects of the scenario's disruptions on the batch into truth/troubles.
        spark: a session; `session()` if None.
        listeners: objects that implement hooks.

    Raises:
        InvalidValue, NetworkError, PluginError: as for `generate`; nothing was done.
        LakeError, EngineFailed: the lake is as it was.
    """
    lake = as_lake(lake)
    plugged = plugins(listeners)
    spark = session(plugged=plugged) if spark is None else spark
    batch_date = as_date(date)
    drawn = choose_scenario(network or Network.default(), scenario, plugged.scenarios())
    # Called before the lake is locked, because it refuses invalid arguments.
    made = generate(
        spark,
        date=batch_date,
        rows=rows,
        seed=seed,
        scenario=drawn,
        defects=defects,
        network=network,
        since=since,
    )
    settings = {"rows": rows, "seed": seed, "scenario": drawn.name, "defects": defects}
    table = raw_table(SOURCE)
    with run_job(
        spark, lake, job=GENERATE, source=SOURCE, batch_date=batch_date, settings=settings, plugins=plugged
    ) as work:
        with work.stage("raw"):
            work.replace_batch(table, made)
        if truth:
            with work.stage("truth"):
                planted = troubles(spark, date=batch_date, rows=rows, seed=seed, scenario=drawn, network=network)
                work.replace(TROUBLES, planted, lambda known: known.filter(pc.field("batch_date") != batch_date))
        written = work.rows_written(table)
        return work.finish(RowCounts(read=written, accepted=written))
