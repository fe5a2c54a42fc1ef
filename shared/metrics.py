"""What is counted and timed, in Prometheus' format."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics import MetricWrapperBase

__all__ = ["CONTENT_TYPE_LATEST", "REGISTRY", "Counter", "Gauge", "Histogram", "MetricWrapperBase", "exposition"]

REGISTRY = CollectorRegistry(auto_describe=True)
"""Every metric of this process; labels hold names of services, routes and policies, never ids of people."""

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
)


def exposition() -> bytes:
    """Write out every metric of this process."""
    return generate_latest(REGISTRY)
