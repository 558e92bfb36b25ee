"""Rights: what each role in `roles.yaml` may and may not do, as a table of cases."""

from emr.stacks import ACCOUNT, REGION

APPLICATION = "00f1e2"
LOG_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/logs"
QUOTA = f"arn:aws:servicequotas:{REGION}:{ACCOUNT}:ec2/L-1216C47A"
OTHER_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/other"

Case = tuple[str, str, str, dict[str, str]]


def cluster(name: str) -> str:
    return f"arn:aws:elasticmapreduce:{REGION}:{ACCOUNT}:cluster/{name}"


def job_run(application: str = APPLICATION, name: str = "") -> str:
    return f"arn:aws:emr-serverless:{REGION}:{ACCOUNT}:/applications/{application}" + (f"/jobruns/{name}" if name else "")


def linked(service: str, name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{service}/{name}"


def of(bucket: str, key: str = "") -> str:
    return f"arn:aws:s3:::acme-{bucket}" + (f"/{key}" if key else "")


NEW, EXISTING = cluster("*"), cluster("j-1")
"""RunJobFlow requires rights on the first, with a literal asterisk: the cluster has no ID yet."""
ASKED = {"aws:RequestTag/shipment-etl:run": "night"}
OURS = {"elasticmapreduce:ResourceTag/shipment-etl:run": "night"}
FOREIGN = {"elasticmapreduce:ResourceTag/team": "finance"}
FOR_SPOT = {"iam:AWSServiceName": "spot.amazonaws.com"}
FOR_CLEANUP = {"iam:AWSServiceName": "elasticmapreduce.amazonaws.com"}
TO_NODES = {"iam:PassedToService": "ec2.amazonaws.com"}
CLEANUP_ROLE = linked("elasticmapreduce.amazonaws.com", "AWSServiceRoleForEMRCleanup")
SPOT_ROLE = linked("spot.amazonaws.com", "AWSServiceRoleForEC2Spot")


MAY: list[Case] = [
    ("NodeRole", "s3:PutObject", of("lake", "raw/a"), {}),
    ("NodeRole", "s3:GetObject", of("code", "scripts/a.py"), {}),
    ("NodeRole", "s3:PutObject", of("logs", "emr/j-1/steps/s-1/stdout.gz"), {}),
    ("NodeRole", "s3:ListBucket", of("lake"), {}),
    ("NodeRole", "kms:GenerateDataKey", LOG_KEY, {}),
    ("JobRole", "s3:DeleteObject", of("lake", "raw/a"), {}),
    ("JobRole", "s3:PutObject", of("logs", "emr/applications/1/jobs/2/SPARK_DRIVER/stdout.gz"), {}),
    ("JobRole", "s3:GetObject", of("code", "scripts/a.py"), {}),
    ("JobRole", "s3:ListBucket", of("lake"), {}),
    ("JobRole", "kms:GenerateDataKey", LOG_KEY, {}),
    ("JobRole", "kms:Decrypt", LOG_KEY, {}),
    ("ServiceRole", "iam:CreateServiceLinkedRole", SPOT_ROLE, FOR_SPOT),
    ("OrchestratorRole", "elasticmapreduce:RunJobFlow", "*", ASKED),
    ("OrchestratorRole", "elasticmapreduce:AddTags", NEW, ASKED),
    ("OrchestratorRole", "elasticmapreduce:PutAutoTerminationPolicy", NEW, {}),
    ("OrchestratorRole", "elasticmapreduce:PutAutoTerminationPolicy", EXISTING, OURS),
    ("OrchestratorRole", "elasticmapreduce:ListClusters", "*", {}),
    ("OrchestratorRole", "elasticmapreduce:TerminateJobFlows", EXISTING, OURS),
    ("OrchestratorRole", "iam:CreateServiceLinkedRole", CLEANUP_ROLE, FOR_CLEANUP),
    ("OrchestratorRole", "emr-serverless:StartJobRun", job_run(), ASKED),
    ("OrchestratorRole", "emr-serverless:TagResource", job_run(name="1"), ASKED),
    ("OrchestratorRole", "emr-serverless:CancelJobRun", job_run(name="1"), {}),
    ("OrchestratorRole", "emr-serverless:ListJobRuns", job_run(), {}),
    # EMR Serverless requires these of the caller that starts a job run, too.
    ("OrchestratorRole", "kms:GenerateDataKey", LOG_KEY, {}),
    ("OrchestratorRole", "kms:Decrypt", LOG_KEY, {}),
    ("OrchestratorRole", "s3:PutObject", of("code", "packages/a.tar.gz"), {}),
    ("OrchestratorRole", "s3:PutObject", of("code", "scripts/1/a.py"), {}),
    ("OrchestratorRole", "s3:PutObject", of("code", "bootstrap/1.sh"), {}),
    ("OrchestratorRole", "s3:GetObject", of("code", "host/images.tar"), {}),
    ("OrchestratorRole", "s3:PutObject", of("logs", "emr/claims/night/1"), {}),
    ("OrchestratorRole", "s3:DeleteObject", of("logs", "emr/claims/night/1"), {}),
    ("OrchestratorRole", "s3:PutObject", of("logs", "airflow/dag_id=data_generation/attempt=1.log"), {}),
    ("OrchestratorRole", "s3:GetObject", of("logs", "emr/j-1/steps/s-1/stdout.gz"), {}),
    ("OrchestratorRole", "s3:ListBucket", of("lake"), {}),
    ("OrchestratorRole", "s3:GetEncryptionConfiguration", of("lake"), {}),
    ("OrchestratorRole", "s3:GetBucketPublicAccessBlock", of("lake"), {}),
    ("OrchestratorRole", "servicequotas:GetServiceQuota", QUOTA, {}),
    ("OrchestratorRole", "kms:DescribeKey", LOG_KEY, {}),
    ("OrchestratorRole", "emr-serverless:GetApplication", job_run(), {}),
    ("OrchestratorRole", "iam:GetRole", CLEANUP_ROLE, {}),
    ("OrchestratorRole", "iam:GetRole", SPOT_ROLE, {}),
    *[
        ("OrchestratorRole", action, "*", {})
        for action in (
            "ec2:DescribeInstanceTypeOfferings",
            "ec2:DescribeRegions",
            "ec2:DescribeRouteTables",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcEndpoints",
            "ec2:DescribeVpcs",
            "elasticmapreduce:DescribeReleaseLabel",
            "elasticmapreduce:DescribeSecurityConfiguration",
        )
    ],
]

# A role that may set the tags that mark our resources could take over any resource.
ADOPTIONS: list[Case] = [
    ("OrchestratorRole", action, cluster(name), {**context, **ASKED})
    for action in ("elasticmapreduce:AddTags", "elasticmapreduce:RemoveTags")
    for name in ("j-1", "j-2AXXXXXXGAPLF")
    for context in ({}, FOREIGN, OURS)
]
# Rights to our clusters do not extend to others, whatever tags the request has.
TAKEOVERS: list[Case] = [
    ("OrchestratorRole", f"elasticmapreduce:{action}", resource, context)
    for action in (
        "AddJobFlowSteps",
        "CancelSteps",
        "CreatePersistentAppUI",
        "DescribeCluster",
        "DescribeStep",
        "GetPersistentAppUIPresignedURL",
        "PutAutoTerminationPolicy",
        "TerminateJobFlows",
    )
    for resource in (EXISTING,)
    for context in ({}, FOREIGN, ASKED)
]
# Nothing can be started without the tags that the reaper and the cost reports need.
UNTAGGED: list[Case] = [
    ("OrchestratorRole", action, resource, context)
    for action, resource in (
        ("elasticmapreduce:RunJobFlow", "*"),
        ("elasticmapreduce:AddTags", NEW),
        ("emr-serverless:StartJobRun", job_run()),
        ("emr-serverless:TagResource", job_run(name="1")),
    )
    for context in (
        {},
        {"aws:RequestTag/team": "finance"},
        {"aws:RequestTag/shipment-etl:attempt": "1", "aws:RequestTag/shipment-etl:max-age-minutes": "360"},
        # As if it already existed with the tag.
        OURS,
    )
]
# Resources of the same services that are not ours.
ELSEWHERE: list[Case] = [
    ("OrchestratorRole", "elasticmapreduce:AddTags", f"arn:aws:elasticmapreduce:{REGION}:{ACCOUNT}:studio/es-1", ASKED),
    ("OrchestratorRole", "elasticmapreduce:AddTags", f"arn:aws:elasticmapreduce:{REGION}:{ACCOUNT}:editor/e-1", ASKED),
    *[
        ("OrchestratorRole", f"elasticmapreduce:{action}", EXISTING.replace(old, new), OURS)
        for action in ("TerminateJobFlows", "PutAutoTerminationPolicy")
        for old, new in ((ACCOUNT, "210987654321"), (REGION, "us-east-1"))
    ],
    ("OrchestratorRole", "emr-serverless:StartJobRun", job_run("other"), ASKED),
    ("OrchestratorRole", "emr-serverless:TagResource", job_run("other"), ASKED),
    ("OrchestratorRole", "emr-serverless:TagResource", job_run("other", "1"), ASKED),
    ("OrchestratorRole", "emr-serverless:CancelJobRun", job_run("other", "1"), {}),
    ("OrchestratorRole", "emr-serverless:ListJobRuns", job_run("other"), {}),
    ("OrchestratorRole", "emr-serverless:GetApplication", job_run("other"), {}),
    ("OrchestratorRole", "emr-serverless:UntagResource", job_run(name="1"), {}),
    ("OrchestratorRole", "emr-serverless:UpdateApplication", job_run(), {}),
    ("OrchestratorRole", "emr-serverless:StopApplication", job_run(), {}),
    ("OrchestratorRole", "servicequotas:GetServiceQuota", f"arn:aws:servicequotas:{REGION}:{ACCOUNT}:iam/L-1", {}),
    ("OrchestratorRole", "servicequotas:RequestServiceQuotaIncrease", "*", {}),
    *[
        (role, "s3:ListBucket", "arn:aws:s3:::of-others", {})
        for role in ("NodeRole", "JobRole", "OrchestratorRole", "ServiceRole")
    ],
    ("JobRole", "s3:GetObject", "arn:aws:s3:::of-others/a", {}),
    ("OrchestratorRole", "iam:GetRole", f"arn:aws:iam::{ACCOUNT}:role/any", {}),
    ("OrchestratorRole", "iam:SimulatePrincipalPolicy", f"arn:aws:iam::{ACCOUNT}:role/any", {}),
    ("OrchestratorRole", "iam:GetInstanceProfile", f"arn:aws:iam::{ACCOUNT}:instance-profile/any", {}),
    ("OrchestratorRole", "s3:PutBucketPublicAccessBlock", of("lake"), {}),
    ("OrchestratorRole", "s3:PutEncryptionConfiguration", of("lake"), {}),
    ("OrchestratorRole", "iam:SimulateCustomPolicy", "*", {}),
    ("OrchestratorRole", "kms:DescribeKey", OTHER_KEY, {}),
    *[
        (role, action, OTHER_KEY, {})
        for role in ("NodeRole", "JobRole", "OrchestratorRole", "ServiceRole")
        for action in ("kms:Decrypt", "kms:GenerateDataKey")
    ],
    # Users of the logs' key cannot share or delete it.
    *[
        (role, action, LOG_KEY, {})
        for role in ("NodeRole", "JobRole", "OrchestratorRole")
        for action in ("kms:CreateGrant", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:Encrypt")
    ],
]
LINKED_ROLES: list[Case] = [
    ("OrchestratorRole", "iam:CreateServiceLinkedRole", CLEANUP_ROLE, {}),
    ("OrchestratorRole", "iam:CreateServiceLinkedRole", CLEANUP_ROLE, FOR_SPOT),
    ("OrchestratorRole", "iam:CreateServiceLinkedRole", SPOT_ROLE, FOR_SPOT),
    ("OrchestratorRole", "iam:CreateServiceLinkedRole", linked("rds.amazonaws.com", "AWSServiceRoleForRDS"), FOR_CLEANUP),
    ("ServiceRole", "iam:CreateServiceLinkedRole", SPOT_ROLE, {}),
    ("ServiceRole", "iam:CreateServiceLinkedRole", SPOT_ROLE, FOR_CLEANUP),
    ("ServiceRole", "iam:CreateServiceLinkedRole", linked("rds.amazonaws.com", "AWSServiceRoleForRDS"), FOR_SPOT),
    ("NodeRole", "iam:CreateServiceLinkedRole", SPOT_ROLE, FOR_SPOT),
]
MAY_NOT: list[Case] = [
    *ADOPTIONS,
    *TAKEOVERS,
    *UNTAGGED,
    *ELSEWHERE,
    *LINKED_ROLES,
    ("NodeRole", "s3:PutObject", of("logs", "airflow/dag_id=data_generation/attempt=1.log"), {}),
    ("NodeRole", "s3:PutObject", of("code", "scripts/a.py"), {}),
    ("NodeRole", "s3:PutObject", of("logs", "emr/claims/night/1"), {}),
    ("NodeRole", "s3:DeleteObject", of("logs", "emr/j-1/steps/s-1/stdout.gz"), {}),
    ("NodeRole", "s3:GetObject", "arn:aws:s3:::of-others/a", {}),
    ("NodeRole", "s3:DeleteBucket", of("lake"), {}),
    ("NodeRole", "s3:DeleteObjectVersion", of("lake", "raw/a"), {}),
    ("NodeRole", "s3:PutBucketPolicy", of("lake"), {}),
    ("NodeRole", "elasticmapreduce:RunJobFlow", "*", ASKED),
    ("NodeRole", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/any", TO_NODES),
    ("JobRole", "s3:PutObject", of("logs", "emr/j-1/steps/s-1/stdout.gz"), {}),
    ("JobRole", "s3:PutObject", of("code", "scripts/a.py"), {}),
    ("JobRole", "emr-serverless:StartJobRun", job_run(), ASKED),
    ("OrchestratorRole", "s3:GetObject", of("lake", "raw/a"), {}),
    ("OrchestratorRole", "s3:PutObject", of("lake", "raw/a"), {}),
    ("OrchestratorRole", "s3:PutObject", of("code", "host/images.tar"), {}),
    ("OrchestratorRole", "s3:DeleteObject", of("code", "scripts/a.py"), {}),
    ("OrchestratorRole", "s3:GetObject", of("logs", "of-others/a"), {}),
    ("OrchestratorRole", "s3:PutObject", of("logs", "emr/j-1/steps/s-1/stdout.gz"), {}),
    ("OrchestratorRole", "s3:DeleteObject", of("logs", "emr/j-1/steps/s-1/stdout.gz"), {}),
    ("OrchestratorRole", "elasticmapreduce:SetTerminationProtection", EXISTING, OURS),
    ("OrchestratorRole", "elasticmapreduce:GetClusterSessionCredentials", EXISTING, OURS),
    ("OrchestratorRole", "elasticmapreduce:DeleteSecurityConfiguration", "*", {}),
    ("OrchestratorRole", "ec2:RunInstances", "*", {}),
    ("OrchestratorRole", "ec2:CreateTags", "*", {}),
    ("OrchestratorRole", "ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/of-others", {}),
    ("OrchestratorRole", "ssm:SendCommand", "*", {}),
    ("OrchestratorRole", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/any", TO_NODES),
    ("OrchestratorRole", "iam:CreateRole", "*", {}),
    ("ServiceRole", "s3:GetObject", of("lake", "raw/a"), {}),
    ("ServiceRole", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/any", TO_NODES),
]
