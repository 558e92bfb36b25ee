"""Local AWS: S3 and EMR on 127.0.0.1, from moto and an executor that really runs each step.

`with local_aws(folder) as aws:` starts one and ends it; `aws.environment` points any AWS client or program to it.
"""

from shipment_etl_emr.local.client import LocalAws, local_aws

__all__ = ["LocalAws", "local_aws"]
