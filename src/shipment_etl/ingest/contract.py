"""Contract of a source: which columns its mapping leaves unknown, and whether its costs may be negative."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from shipment_etl.contracts.models import RowRule, contract
from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.network import Network

if TYPE_CHECKING:
    from pandera.pyspark import DataFrameSchema

__all__ = ["contract_of"]

FIXES = {
    "shipping_cost": "if negative costs are credit notes, set credit_notes = true for shipping_cost in the mapping",
}


def contract_of(mapping: SourceMapping, network: Network | None = None, rules: Iterable[RowRule] = ()) -> "DataFrameSchema":
    """Return the contract for rows conformed by a mapping. Without a network, all names are allowed."""
    known = network or Network.open()
    return contract(known, mapping.unknown, rules, credit_notes=mapping.credit_notes, fixes=FIXES)
