"""The templates: as CloudFormation reads them, and as stacks on moto."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from cfnlint.decode import cfn_yaml

FOLDER = Path(__file__).parents[2] / "infrastructure"
REGION = "eu-central-1"
ACCOUNT = "123456789012"


def resources_of(name: str, kind: str = "") -> dict[str, Any]:
    """Return the resources of a template, all or of one type, with intrinsic functions as JSON has them."""
    every = cfn_yaml.load(str(FOLDER / f"{name}.yaml"))["Resources"]
    return {logical: each for logical, each in every.items() if kind in ("", each["Type"])}


def deploy(template: str, stack: str = "", replace: Mapping[str, str] | None = None, **parameters: str) -> dict[str, str]:
    """Deploy a template, and return its outputs.

    Args:
        template: its name.
        stack: name of the stack; the template's name if empty.
        replace: replacements in the template's text, for parts that moto does not support.
        parameters: parameters of the template.
    """
    name = stack or template
    body = (FOLDER / f"{template}.yaml").read_text()
    for old, new in (replace or {}).items():
        body = body.replace(old, new)
    cloudformation = boto3.client("cloudformation", REGION)
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=body,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    (made,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert made["StackStatus"] == "CREATE_COMPLETE"
    return {each["OutputKey"]: each["OutputValue"] for each in made["Outputs"]}
