"""The watch's own heartbeat: a file for the machine, a metric for CloudWatch.

The alarm on the metric treats missing data as breaching: a watch that is gone is an alarm, without
anybody to notice that it is gone.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from canary.watch.settings import Heartbeat

log = logging.getLogger("canary")

METRIC = "WatchHeartbeat"


class Pulse:
    """Beats after each look.

    Args:
        heartbeat: how.
        cloudwatch: a boto3 client, where there is a metric.
    """

    def __init__(self, heartbeat: Heartbeat, cloudwatch: Any = None) -> None:
        self.heartbeat, self.cloudwatch = heartbeat, cloudwatch

    def beat(self, open_findings: int) -> None:
        """Say that a look was taken, and how much was wrong; a beat that fails is logged."""
        if self.heartbeat.file is not None:
            try:
                self.heartbeat.file.parent.mkdir(parents=True, exist_ok=True)
                self.heartbeat.file.write_text(f"{time.time():.0f} {open_findings}\n")
            except OSError as error:
                log.warning("the heartbeat's file cannot be written: %s", error.strerror)
        metric = self.heartbeat.cloudwatch
        if metric is None or self.cloudwatch is None:
            return
        dimensions = [{"Name": "Environment", "Value": metric.environment}]
        try:
            self.cloudwatch.put_metric_data(
                Namespace=metric.namespace,
                MetricData=[
                    {"MetricName": METRIC, "Dimensions": dimensions, "Value": 1.0},
                    {"MetricName": "OpenFindings", "Dimensions": dimensions,
                     "Value": float(open_findings)},
                ],
            )  # fmt: skip
        except Exception as error:  # botocore's; the alarm says it
            log.warning("the heartbeat's metric was not taken: %s", type(error).__name__)
