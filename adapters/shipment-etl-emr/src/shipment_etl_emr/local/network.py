"""Extends moto's EC2 with a default network that has internet access, and with route tables of stacks' subnets."""

from functools import wraps
from typing import Any

from moto.ec2.models import EC2Backend

__all__ = ["install"]


def install() -> None:
    """Patch moto; call it before the first request."""
    make, associate = EC2Backend.__init__, EC2Backend.create_subnet_association
    if hasattr(make, "__wrapped__"):
        return

    @wraps(make)
    def made(self: Any, region_name: str, account_id: str) -> None:
        make(self, region_name, account_id)
        (table,) = self.describe_route_tables(filters={"vpc-id": [self.default_vpc.id]})
        gateway = self.create_internet_gateway()
        self.attach_internet_gateway(gateway.id, self.default_vpc.id)
        self.create_route(table.id, "0.0.0.0/0", None, gateway_id=gateway.id)

    @wraps(associate)
    def associated(self: Any, route_table_id: str, subnet_id: str) -> Any:
        self.associate_route_table(route_table_id=route_table_id, subnet_id=subnet_id)
        return associate(self, route_table_id=route_table_id, subnet_id=subnet_id)

    EC2Backend.__init__ = made  # type: ignore[method-assign]
    EC2Backend.create_subnet_association = associated  # type: ignore[method-assign]
