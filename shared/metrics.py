"""What is counted and timed, in Prometheus' format."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics import MetricWrapperBase

__all__ = ["CONTENT_TYPE_LATEST", "REGISTRY", "Counter", "Gauge", "Histogram", "MetricWrapperBase", "exposition"]

REGISTRY = CollectorRegistry(auto_describe=True)
"""Every metric of this process; labels hold names of services, routes and policies, never ids of people."""

ProcessCollector(registry=REGISTRY)
disable_created_metrics()  # type: ignore[no-untyped-call]

SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""From a commit on a quiet disk to the longest that anybody waits for one."""
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)

http_requests = Counter(
    "caretrail_http_requests_total",
    "Requests answered, by service, endpoint and status.",
    ["service", "endpoint", "status"],
    registry=REGISTRY,
)
http_seconds = Histogram(
    "caretrail_http_seconds",
    "Time to answer a request, by service and endpoint.",
    ["service", "endpoint"],
    registry=REGISTRY,
    buckets=SECONDS,
)


def batch_sizes() -> Histogram:
    """Give a histogram of one log's batches, which its service shows with its figures."""
    return Histogram("caretrail_batch_commits", "Commits in one transaction.", registry=None, buckets=BATCHES)


def append_seconds() -> Histogram:
    """Give a histogram of the time that one log takes to keep something, shown likewise."""
    return Histogram("caretrail_append_seconds", "Time until a commit is durable.", registry=None, buckets=SECONDS)


def exposition() -> bytes:
    """Write out every metric of this process."""
    return generate_latest(REGISTRY)
