"""Links into the AWS console."""

from __future__ import annotations

import pulumi

from .naming import partition_of

#: Where the console of each partition is.
CONSOLES = {"aws": "console.aws.amazon.com", "aws-us-gov": "console.amazonaws-us-gov.com"}


def dashboard(region: str, name: pulumi.Input[str]) -> pulumi.Output[str]:
    """Return the address of the dashboard's page."""
    return pulumi.Output.concat(_cloudwatch(region), "#dashboards/dashboard/", name)


def alarms(region: str, prefix: str) -> str:
    """Return the address of the alarms whose names start alike."""
    return f"{_cloudwatch(region)}#alarmsV2:?~(search~'{prefix})"


def log_group(region: str, name: pulumi.Input[str]) -> pulumi.Output[str]:
    """Return the address of a log group; its slashes are escaped twice, with $ for %."""
    escaped = pulumi.Output.from_input(name).apply(lambda text: text.replace("/", "$252F"))
    return pulumi.Output.concat(_cloudwatch(region), "#logsV2:log-groups/log-group/", escaped)


def _cloudwatch(region: str) -> str:
    console = CONSOLES[partition_of(region)]
    return f"https://{region}.{console}/cloudwatch/home?region={region}"
