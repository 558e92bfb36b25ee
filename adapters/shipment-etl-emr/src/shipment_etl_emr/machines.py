"""Machines: CPUs and memory of instance types, and Spark settings sized for them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shipment_etl.errors import join_names
from shipment_etl_emr.errors import MachinesUnfit

__all__ = ["Machine", "find_arch", "machine", "spark_sizes"]

GIB_PER_CPU = {"c": 2.0, "m": 4.0, "r": 8.0}
"""By the first letter of a family: compute, general, memory."""
ODD_GIB_PER_CPU = {"c4": 1.875, "r4": 7.625}
"""Families whose types have less than their letter says."""
YARN_MIB = {
    7.5: 5_632,
    8: 5_632,
    15: 11_520,
    16: 11_520,
    30: 23_040,
    30.5: 23_424,
    32: 23_424,
    60: 53_248,
    61: 54_272,
    64: 54_272,
    96: 85_504,
    122: 116_736,
    128: 116_736,
    192: 179_200,
    244: 241_664,
    256: 241_664,
    384: 366_592,
    488: 491_520,
    512: 491_520,
    768: 741_376,
}
"""By GiB of a machine, the minimum MiB that EMR leaves to YARN on any type of that size; m5 and r5 get some more.

Source: yarn.nodemanager.resource.memory-mb in "Task configuration" of the Amazon EMR Release Guide.
"""
FAMILY = re.compile(r"(?P<kind>[cmr])(?P<generation>[4-8])(?P<more>[a-z-]*)\.(?:(?P<times>\d+)x|x)large")
DAEMONS_MIB = 1024
"""Left on each node for the application master's container."""
OVERHEAD = 0.1
"""Share of the heap that Spark uses outside it; Spark's default."""
MIN_OVERHEAD_MIB = 384


@dataclass(frozen=True, slots=True)
class Machine:
    """An instance type: processors, memory in MiB, and the processor's architecture as wheels name it."""

    name: str
    cpus: int
    memory_mib: int
    arch: str

    @property
    def yarn_mib(self) -> int:
        """The minimum that EMR leaves to YARN; between two sizes the share of the smaller one, as shares grow with size."""
        gib = max(size for size in YARN_MIB if size * 1024 <= self.memory_mib)
        return int(self.memory_mib * YARN_MIB[gib] / (gib * 1024))


def machine(name: str) -> Machine:
    """Return the machine of an instance type: families c, m and r from the fourth generation on, xlarge and larger.

    Raises:
        MachinesUnfit: the type is of another family, or too small for EMR.
    """
    known = FAMILY.fullmatch(name)
    if known is None:
        remedy = "Use a c, m or r of generation 4 to 8, xlarge or larger, such as m5.xlarge, r6g.2xlarge or c7g.4xlarge."
        raise MachinesUnfit(f"The instance type {name!r} is not supported", remedy)
    cpus = 4 * int(known["times"] or 1)
    arch = "aarch64" if "g" in known["more"].split("-")[0] else "x86_64"
    gib_per_cpu = ODD_GIB_PER_CPU.get(known["kind"] + known["generation"], GIB_PER_CPU[known["kind"]])
    return Machine(name, cpus, int(cpus * gib_per_cpu * 1024), arch)


def find_arch(names: Sequence[str]) -> str:
    """Return the architecture that all of these instance types share.

    Raises:
        MachinesUnfit: their architectures differ; a package is compiled for one.
    """
    arches = {machine(name).arch for name in names}
    if len(arches) != 1:
        raise MachinesUnfit(
            f"The instance types {join_names(names)} have different processor architectures",
            "Use only Graviton types (with a g, such as m6g.xlarge) or none: a package is compiled for one architecture.",
        )
    return arches.pop()


def spark_sizes(primary: str, workers: Sequence[str], count: int, *, fixed: bool) -> Mapping[str, str]:
    """Return Spark settings sized for the smallest of the workers.

    Args:
        primary: instance type of the node that the driver runs on.
        workers: possible instance types of a worker.
        count: number of workers of the smallest type.
        fixed: whether all workers are of one type and there from the start; else Spark allocates executors dynamically.

    Raises:
        MachinesUnfit: an instance type is not supported.
    """
    smallest = min((machine(name) for name in workers), key=lambda each: (each.cpus, each.memory_mib))
    free = smallest.cpus - 1  # One for the node's daemons.
    # Executors of 3 to 5 cores keep S3 busy without long garbage collections. Take the size that wastes the fewest cores.
    cores = max((cores for cores in (5, 4, 3) if cores <= free), key=lambda cores: (free // cores * cores, cores))
    each_node = free // cores
    share = (smallest.yarn_mib - DAEMONS_MIB) // each_node
    heap = int(share / (1 + OVERHEAD))
    overhead = max(share - heap, MIN_OVERHEAD_MIB)
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
