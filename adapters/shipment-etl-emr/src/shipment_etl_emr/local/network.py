"""EC2 as moto has it, with the way to the internet that the default network of an account has."""

from functools import wraps
from typing import Any

from moto.ec2.models import EC2Backend

__all__ = ["install"]


def install() -> None:
    """Add to moto's own, before the first call."""
    make = EC2Backend.__init__
    if hasattr(make, "__wrapped__"):
        return

    @wraps(make)
    def made(self: Any, region_name: str, account_id: str) -> None:
        make(self, region_name, account_id)
        (table,) = self.describe_route_tables(filters={"vpc-id": [self.default_vpc.id]})
        gateway = self.create_internet_gateway()
        self.attach_internet_gateway(gateway.id, self.default_vpc.id)
        self.create_route(table.id, "0.0.0.0/0", None, gateway_id=gateway.id)

    EC2Backend.__init__ = made  # type: ignore[method-assign]
