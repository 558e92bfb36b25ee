"""Links: all reports on the shipments that a batch reports on, from all files, in order."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from shipment_etl.dates import as_date
from shipment_etl.jobs.batch import IN_TRANSIT
from shipment_etl.jobs.chains import NEXT_BATCH, link
from shipment_etl.jobs.ids import ID_HASH
from shipment_etl.jobs.known_ids import Known
from shipment_etl.jobs.places import LINKS, Place, is_of, places_of, read_links
from shipment_etl.jobs.side_by_side import THREADS
from shipment_etl.jobs.work import Work
from shipment_etl.lake.tables import OVERTAKEN, SHIPMENTS

__all__ = ["IDS", "Links"]

IDS = pa.schema([(ID_HASH, pa.int64()), ("shipment_id", pa.string())])


class Links:
    """All reports on the shipments that a batch reports on, or did when it was processed before.

    Attributes:
        places: the files that they are in.
        stale: numbers of the places with reports of the batch from when it was processed before.
    """

    def __init__(self, work: Work, own: list[Place], *, are_unique: bool) -> None:
        """`are_unique` says whether other batches hold each shipment only once, as this release leaves it."""
        self._work = work
        self._are_unique = are_unique
        self.places = own[:]
        self.stale = set[int]()
        # There may be none: the batch has no valid rows any more, and had overtaken all reports of the others.
        self._found = [LINKS.empty_table()]

    def find(self, asked: pa.Table, known: Known) -> pa.Table:
        """Return the reports in order, as `chains.link` does.

        Args:
            asked: `IDS` that other batches report on.
            known: these batches.
        """
        for number, place in enumerate(self.places):
            self._found.append(read_links(self._work, place, number, _ids(asked)))
        before = self._read_earlier_ids() if known.again else IDS.empty_table()["shipment_id"]
        self._find_newest(asked, known.hits, before)
        linked = link(pa.concat_tables(self._found))
        if known.again or self._is_out_of_order(linked):
            self._find_overtaken(pc.unique(pa.chunked_array([*linked["shipment_id"].chunks, *before.chunks], pa.string())))
            linked = link(pa.concat_tables(self._found))
        return linked

    def _find_newest(self, asked: pa.Table, hits: pa.Table, before: pa.ChunkedArray) -> None:
        """Find the newest reports on shipments in other batches; each is in one place.

        Shipments in transit are read first, because most are there; then the others, newest batch first, for what is left.
        """
        places: dict[date, list[Place]] = defaultdict(list)
        for place in places_of(self._work, SHIPMENTS):
            places[as_date(place.file.partition["batch_date"])].append(place)
        told, others = _ids_by_batch(asked, hits), before.combine_chunks()
        batches = sorted(pc.unique(hits["batch_date"]).to_pylist(), reverse=True)
        wanted = {batch: pa.concat_arrays([told.get(batch, others[:0]), others]) for batch in batches}
        every = [(place, ids) for batch, ids in wanted.items() for place in places[batch]]
        found = self._add([each for each in every if IN_TRANSIT in each[0].file.path])
        for place, ids in [each for each in every if IN_TRANSIT not in each[0].file.path]:
            left = _exclude(ids, found) if self._are_unique else ids
            if len(left):
                found = pa.concat_arrays([found, self._add([(place, left)])])

    def _read_earlier_ids(self) -> pa.ChunkedArray:
        """Return the ids of reports that the batch overtook, and of its overtaken ones, when it was processed before."""
        day, found = self._work.start.batch_date, [IDS.empty_table()["shipment_id"]]
        for place in places_of(self._work, OVERTAKEN):
            if place.by == day or self._work.may_have_batch(place.file):
                links = read_links(self._work, place, 0)
                found.append(links["shipment_id"] if place.by == day else links.filter(is_of(links, day))["shipment_id"])
        return pa.chunked_array([chunk for each in found for chunk in each.chunks], pa.string())

    def _is_out_of_order(self, linked: pa.Table) -> bool:
        """Whether another batch has a newer report than one of this batch, so that this may belong between older ones."""
        day = self._work.start.batch_date
        late = pc.and_(is_of(linked, day), pc.fill_null(pc.not_equal(linked[NEXT_BATCH], pa.scalar(day)), False))
        return bool(pc.any(late).as_py())

    def _find_overtaken(self, wanted: pa.Array) -> None:
        day = self._work.start.batch_date
        for place in places_of(self._work, OVERTAKEN):
            links = read_links(self._work, place, len(self.places))
            is_stale = is_of(links, day)
            links = links.filter(pc.and_(pc.is_in(links["shipment_id"], value_set=wanted), pc.invert(is_stale)))
            if pc.any(is_stale).as_py():
                self.stale.add(len(self.places))
            self.places.append(place)
            self._found.append(links)

    def _add(self, places: list[tuple[Place, pa.Array]]) -> pa.Array:
        """Read places, each for the ids wanted from it, and return the ids that were found."""
        first = len(self.places)
        with ThreadPoolExecutor(THREADS) as pool:
            read = [
                pool.submit(read_links, self._work, place, number, wanted)
                for number, (place, wanted) in enumerate(places, first)
            ]
        found = [each.result() for each in read]
        self.places += [place for place, _ in places]
        self._found += found
        return pa.concat_arrays(
            [chunk for each in found for chunk in each["shipment_id"].chunks] or [pa.array([], pa.string())]
        )


def _ids_by_batch(asked: pa.Table, hits: pa.Table) -> dict[date, pa.Array]:
    """Return, for each batch, the ids in `asked` that it reports on."""
    names = asked.group_by(IDS.names).aggregate([])
    told = hits.join(names, ID_HASH, join_type="inner").sort_by("batch_date")
    ids, first, found = told["shipment_id"].combine_chunks(), 0, dict[date, pa.Array]()
    for each in pc.value_counts(told["batch_date"]).to_pylist():
        found[each["values"]] = ids.slice(first, each["counts"])
        first += each["counts"]
    return found


def _ids(rows: pa.Table) -> pa.Array:
    return pc.unique(rows["shipment_id"])


def _exclude(ids: pa.Array, others: pa.Array) -> pa.Array:
    return ids.filter(pc.invert(pc.is_in(ids, value_set=others)))
