"""Machines: what an instance type has, and the Spark settings that make use of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shipment_etl.errors import listed
from shipment_etl_emr.errors import MachinesUnfit

__all__ = ["Machine", "machine", "one_processor", "spark_sizes"]

GIB_PER_CPU = {"c": 2, "m": 4, "r": 8}
"""By the letter that a family begins with: compute, general, memory."""
FAMILY = re.compile(r"(?P<kind>[cmr])(?P<generation>[4-8])(?P<more>[a-z-]*)\.(?:(?P<times>\d+)x|x)large")
DAEMONS_MIB = 1024
"""Left on each node for the application master's container."""
OVERHEAD = 0.1
"""Of the heap, for what Spark keeps outside it; its own default."""
LEAST_OVERHEAD_MIB = 384


@dataclass(frozen=True, slots=True)
class Machine:
    """An instance type: processors, memory in MiB, and the processor's architecture as wheels name it."""

    name: str
    cpus: int
    memory_mib: int
    arch: str

    @property
    def yarn_mib(self) -> int:
        """What EMR leaves to YARN: three quarters, and on large machines all but 8 GiB."""
        return max(self.memory_mib * 3 // 4, self.memory_mib - 8192)


def machine(name: str) -> Machine:
    """Return what an instance type has; families c, m and r from the fourth generation on, xlarge and larger.

    Raises:
        MachinesUnfit: it is of another family, or too small for EMR.
    """
    known = FAMILY.fullmatch(name)
    if known is None:
        remedy = "Use a c, m or r of generation 4 to 8, xlarge or larger, such as m5.xlarge, r6g.2xlarge or c7g.4xlarge."
        raise MachinesUnfit(f"The instance type {name!r} is none that EMR clusters are sized for here", remedy)
    cpus = 4 * int(known["times"] or 1)
    arch = "aarch64" if "g" in known["more"].split("-")[0] else "x86_64"
    return Machine(name, cpus, cpus * GIB_PER_CPU[known["kind"]] * 1024, arch)


def one_processor(names: Sequence[str]) -> str:
    """Return the architecture that all of these instance types share.

    Raises:
        MachinesUnfit: they do not share one; a package's compiled parts are for one.
    """
    arches = {machine(name).arch for name in names}
    if len(arches) != 1:
        raise MachinesUnfit(
            f"The instance types {listed(names)} have processors of two kinds",
            "Name only Graviton types (with a g, such as m6g.xlarge), or none: a package is compiled for one kind.",
        )
    return arches.pop()


def spark_sizes(primary: str, workers: Sequence[str], count: int, *, fixed: bool) -> Mapping[str, str]:
    """Return Spark settings sized for the smallest of the workers.

    Args:
        primary: instance type of the node that the driver runs on.
        workers: instance types that a worker may be of.
        count: workers, of the smallest type.
        fixed: whether the workers are there from the start, all of one type; else Spark asks for executors as it goes.

    Raises:
        MachinesUnfit: an instance type is not known.
    """
    smallest = min((machine(name) for name in workers), key=lambda each: (each.cpus, each.memory_mib))
    free = smallest.cpus - 1  # One for the node's own daemons.
    # Executors of three to five cores keep S3 busy without long garbage collections; which of them wastes the fewest cores?
    cores = max((cores for cores in (5, 4, 3) if cores <= free), key=lambda cores: (free // cores * cores, cores))
    each_node = free // cores
    share = (smallest.yarn_mib - DAEMONS_MIB) // each_node
    heap = int(share / (1 + OVERHEAD))
    overhead = max(share - heap, LEAST_OVERHEAD_MIB)
    total = each_node * count
    settings = {
        "spark.driver.memory": f"{machine(primary).yarn_mib // 2}m",
        "spark.executor.cores": str(cores),
        "spark.executor.memory": f"{share - overhead}m",
        "spark.executor.memoryOverhead": f"{overhead}m",
        "spark.sql.shuffle.partitions": str(2 * cores * total),
        "spark.dynamicAllocation.enabled": str(not fixed).lower(),
    }
    return {**settings, "spark.executor.instances": str(total)} if fixed else settings
