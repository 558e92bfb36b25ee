"""The learn job: a twin of a source, from its roll-up. No engine is started, nothing is written."""

import pyarrow as pa
from pyarrow import compute as pc

from shipment_etl.errors import InvalidValue, NothingToLearn
from shipment_etl.lake.damage import explain_errors
from shipment_etl.lake.lake import LakeAddress, as_lake
from shipment_etl.lake.older import complete_lane_days
from shipment_etl.lake.tables import LANE_DAYS
from shipment_etl.transform.lane_days import SUMS
from shipment_etl.twin import MIN_SHIPMENTS
from shipment_etl.twin.learning import Twin, learn_network
from shipment_etl.twin.sums import COLUMNS, sum_up

__all__ = ["learn"]


def learn(lake: LakeAddress, source: str, *, min_shipments: int = MIN_SHIPMENTS, names: bool = False) -> Twin:
    """Learn a twin of a source: a network and a scenario that make shipments whose marts are like those of the source.

    It is learnt from the roll-up `lane_days`, as the newest run left it, so from sums and never from single shipments.

    Args:
        lake: where the source was processed.
        source: its name.
        min_shipments: size of the smallest group that is shown, from 2; smaller ones are merged or left out.
        names: keep the names of carriers and places; if false, codes such as `carrier-01` replace them.

    Returns:
        The twin: `twin.network` for `generate` and `run_generate`, with its scenario; `twin.to_toml()` is text that
        `Network.from_toml` reads; `twin.rows` is the number of shipments of an average day.

    Raises:
        InvalidValue: min_shipments is below 2.
        LakeMissing: there is no lake.
        TableMissing: nothing was processed in it.
        NothingToLearn: the source has fewer than min_shipments shipments there.
    """
    if min_shipments < 2:
        raise InvalidValue("min_shipments", min_shipments, "2 or more, so that no single shipment is shown")
    home = as_lake(lake)
    pinned = home.snapshot()
    with explain_errors(home, {LANE_DAYS.name: pinned.tables.get(LANE_DAYS.name)}):
        rows = pinned.dataset(LANE_DAYS.name)
        # Tables of earlier releases have fewer columns.
        known = [name for name in COLUMNS if name in rows.schema.names]
        rolled = sum_up(map(_complete, rows.to_batches(columns=known, filter=pc.field("source") == source)))
    if rolled.shipments < min_shipments:
        raise NothingToLearn(source, home.uri, rolled.shipments, min_shipments)
    return learn_network(rolled, min_shipments, names=names)


def _complete(batch: pa.RecordBatch) -> pa.Table:
    """Return rows with all columns; sums that an earlier release left null are 0."""
    rows = complete_lane_days(pa.Table.from_batches([batch])).select(COLUMNS)
    return pa.table({name: rows[name].fill_null(0) if name in SUMS else rows[name] for name in COLUMNS})
