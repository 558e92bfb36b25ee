"""Network: subnets with enough free addresses and a route to S3, without which no cluster starts."""

from collections.abc import Sequence
from typing import Any

from shipment_etl_emr.checks.account import Account, Finding, green, red, yellow

__all__ = ["default_network", "find_subnets", "one_network", "subnet", "way_to_s3"]

MISSING = "InvalidSubnet"
WAYS_OUT = ("NatGatewayId", "TransitGatewayId", "NetworkInterfaceId", "InstanceId", "VpcPeeringConnectionId")


def subnet(account: Account, name: str) -> Finding:
    """Check that a subnet exists, and has a free address for each node."""
    found = _subnet(account, name)
    if found is None:
        columns = "--query 'Subnets[].[SubnetId,VpcId,AvailabilityZone,AvailableIpAddressCount]' --output text"
        return red(
            f"There is no subnet {name} in {account.region}",
            f"aws ec2 describe-subnets --region {account.region} {columns}, and name one of these in subnets; "
            f"or: {_deploy(account)}",
        )
    free, nodes = found["AvailableIpAddressCount"], account.settings.count + 1
    where = f"{name} in {found['VpcId']}, {found['AvailabilityZone']}: {free:,} free addresses"
    if free < nodes:
        return red(f"{where}, but a cluster needs {nodes}", f"Name a larger subnet in subnets, or: {_deploy(account)}")
    return green(where)


def one_network(account: Account) -> Finding:
    """Check that all subnets are in one network, as EMR requires."""
    networks = sorted({each["VpcId"] for each in find_subnets(account, account.settings.subnets)})
    if len(networks) > 1:
        return red(
            f"The subnets are in {len(networks)} networks: {', '.join(networks)}", "Name subnets of one VPC in subnets"
        )
    return green(networks[0]) if networks else yellow("could not be checked: a subnet is missing", "See the subnets above")


def default_network(account: Account) -> Finding:
    """Check the default subnets, which EMR uses when the settings name none."""
    by_default = [{"Name": "default-for-az", "Values": ["true"]}]
    subnets = account.ask("ec2", "describe_subnets", Filters=by_default)["Subnets"]
    if not subnets:
        return red(
            f"The settings name no subnets, and {account.region} has no default ones",
            f"{_deploy(account)}, and set subnets to its output",
        )
    findings = [_way_to_s3(account, each) for each in subnets]
    return next((each for each in findings if each.state != "green"), findings[0])


def way_to_s3(account: Account, name: str) -> Finding:
    """Check that nodes in a subnet reach S3, through an endpoint or a route to the internet."""
    found = _subnet(account, name)
    return _way_to_s3(account, found) if found else yellow("could not be checked: the subnet is missing", "See the subnet")


def find_subnets(account: Account, names: Sequence[str]) -> list[Any]:
    """Return the descriptions of subnets; an empty list if one is missing."""
    found = account.find(MISSING, "ec2", "describe_subnets", SubnetIds=list(names))
    return list(found["Subnets"]) if found else []


def _deploy(account: Account) -> str:
    template = "adapters/shipment-etl-emr/infrastructure/network.yaml"
    return f"aws cloudformation deploy --stack-name shipment-network --region {account.region} --template-file {template}"


def _subnet(account: Account, name: str) -> Any:
    return next(iter(find_subnets(account, [name])), None)


def _way_to_s3(account: Account, subnet: Any) -> Finding:
    vpc, name = subnet["VpcId"], subnet["SubnetId"]
    table = _route_table(account, vpc, name)
    service = f"com.amazonaws.{account.region}.s3"
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "service-name", "Values": [service]}]
    for endpoint in account.ask("ec2", "describe_vpc_endpoints", Filters=filters)["VpcEndpoints"]:
        if endpoint["State"].lower() == "available" and _serves(endpoint, table["RouteTableId"]):
            return green(f"{name} reaches S3 through {endpoint['VpcEndpointId']}")
    for route in table["Routes"]:
        if route.get("DestinationCidrBlock") != "0.0.0.0/0" or route.get("State", "active") != "active":
            continue
        way = next((route[key] for key in WAYS_OUT if route.get(key)), route.get("GatewayId", ""))
        if way.startswith("igw-") and not subnet["MapPublicIpOnLaunch"]:
            fix = f"aws ec2 modify-subnet-attribute --region {account.region} --subnet-id {name} --map-public-ip-on-launch"
            return yellow(f"{name} has a route to {way}, but nodes get no public address there", fix)
        return green(f"{name} reaches S3 through {way}")
    fix = f"aws ec2 create-vpc-endpoint --region {account.region} --vpc-id {vpc} --service-name {service}"
    return red(
        f"{name} has neither an endpoint for S3 nor a route to the internet",
        f"{fix} --route-table-ids {table['RouteTableId']}",
    )


def _route_table(account: Account, vpc: str, subnet: str) -> Any:
    own = [{"Name": "association.subnet-id", "Values": [subnet]}]
    main = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]
    tables = account.ask("ec2", "describe_route_tables", Filters=own)["RouteTables"]
    # A subnet without its own table uses the main table of its network.
    return (tables or account.ask("ec2", "describe_route_tables", Filters=main)["RouteTables"])[0]


def _serves(endpoint: Any, table: str) -> bool:
    if endpoint.get("VpcEndpointType", "Gateway") == "Gateway":
        return table in endpoint["RouteTableIds"]
    return bool(endpoint.get("PrivateDnsEnabled"))
