"""The parts of `make bench`: each measures some lines of the report."""

from collections.abc import Callable, Mapping

from measure import Bench, Figure

from parts.days import demo, history, waiting_days
from parts.generating import generate, spark_generate
from parts.growing import growth, long_process
from parts.landing import land_csv
from parts.processing import process, spark_process, spark_submit, spark_work, split

__all__ = ["PARTS"]

PARTS: Mapping[str, Callable[[Bench], list[Figure]]] = {
    part.__name__: part
    for part in (
        *(spark_work, spark_process, spark_submit, process, split),
        *(generate, spark_generate, history, waiting_days, growth, long_process, land_csv, demo),
    )
}
