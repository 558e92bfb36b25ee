"""Replaces the AWS CLI on a node of local AWS: aws s3 cp [OPTIONS] s3://BUCKET/KEY FILE. Not run by the node's Python."""

import os
import sys

import boto3
from botocore.config import Config

# The CLI follows a bucket to its region. To look that up on this server, any region works.
source, target = [each for each in sys.argv[1:] if not each.startswith("--")][2:]
bucket, _, key = source.removeprefix("s3://").partition("/")
s3 = boto3.client("s3", region_name=os.environ.get("AWS_REGION", "us-east-1"), config=Config(connect_timeout=5))
region = s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] or "us-east-1"
boto3.client("s3", region_name=region).download_file(bucket, key, target)
