"""Extends moto's Service Quotas, which has only network quotas, with quotas of vCPUs."""

from functools import wraps
from typing import Any

from moto.servicequotas.models import ServiceQuotasBackend

__all__ = ["VCPUS", "install"]

VCPUS = 64
"""Quota of an account that has run some clusters; a new account often has 5."""
CODES = {
    "L-1216C47A": "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
    "L-34B43A08": "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
}


def install() -> None:
    """Patch moto; call it before the first request."""
    get = ServiceQuotasBackend.get_service_quota
    if hasattr(get, "__wrapped__"):
        return

    @wraps(get)
    def get_service_quota(self: Any, service_code: str, quota_code: str) -> dict[str, Any]:
        if service_code == "ec2" and quota_code in CODES:
            names = {"ServiceCode": service_code, "QuotaCode": quota_code, "QuotaName": CODES[quota_code]}
            return {**names, "Value": float(VCPUS), "Adjustable": True, "GlobalQuota": False}
        return get(self, service_code, quota_code)

    ServiceQuotasBackend.get_service_quota = get_service_quota  # type: ignore[method-assign]
