"""What is counted, and under which labels: every label has few values, none is a person, an asset or a query."""

from collections.abc import Callable
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.registry import Collector

REGISTRY: Final = CollectorRegistry(auto_describe=True)
"""What each process counts for itself."""
SHARED: Final = CollectorRegistry(auto_describe=True)
"""What is read from the rows, the same for all processes: the gateway tells it once."""
QUICK_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""For what somebody waits for."""
SLOW_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""For what goes on behind."""

STEPS: Final = Counter(
    "miraveja_steps_total", "Events passed through a step, by how it ended.", ["step", "outcome"], registry=REGISTRY
)
STEP_S: Final = Histogram(
    "miraveja_step_seconds", "Time that a step worked on an asset.", ["step"], buckets=SLOW_S, registry=REGISTRY
)
STEP_RETRIES: Final = Counter(
    "miraveja_step_retries_total", "Work that a step began once more.", ["step"], registry=REGISTRY
)
REJECTED: Final = Counter(
    "miraveja_rejected_total", "Files that can never become a picture, by error code.", ["reason"], registry=REGISTRY
)
UPLOADS: Final = Counter("miraveja_uploads_total", "Originals taken in.", registry=REGISTRY)
UPLOAD_BYTES: Final = Counter("miraveja_upload_bytes_total", "Bytes of originals taken in.", registry=REGISTRY)
READY_S: Final = Histogram(
    "miraveja_ready_seconds", "Time from taking in to ready, per run.", buckets=SLOW_S, registry=REGISTRY
)
DECODE_KILLS: Final = Counter(
    "miraveja_decode_kills_total",
    "Decoding children that ended without an answer: at a limit, by the clock, or with their parent.",
    ["cause"],
    registry=REGISTRY,
)
SEARCH_S: Final = Histogram(
    "miraveja_search_seconds", "Time that a search took, by kind.", ["kind"], buckets=QUICK_S, registry=REGISTRY
)
REQUESTS: Final = Counter(
    "miraveja_requests_total",
    "Requests by method, route template and class of status.",
    ["method", "route", "status"],
    registry=REGISTRY,
)
REQUEST_S: Final = Histogram(
    "miraveja_request_seconds", "Time until a request was answered whole.", ["route"], buckets=QUICK_S,
    registry=REGISTRY,
)  # fmt: skip
PROCESS: Final[tuple[Collector, ...]] = (ProcessCollector(registry=REGISTRY), GCCollector(registry=REGISTRY))

DATABASE_UP: Final = Gauge(
    "miraveja_database_up", "Whether the database answered; without it the other numbers of rows are not told.",
    registry=SHARED,
)  # fmt: skip
PROCESS_UP: Final = Gauge(
    "miraveja_process_up", "Whether another process of ours answered.", ["process"], registry=SHARED
)
QUEUE_DEPTH: Final = Gauge(
    "miraveja_queue_depth", "Deliveries that wait for a group or are under way.", ["group"], registry=SHARED
)
QUEUE_AGE_S: Final = Gauge(
    "miraveja_queue_age_seconds", "Age of a group's oldest delivery.", ["group"], registry=SHARED
)
DEAD_LETTERS: Final = Gauge("miraveja_dead_letters", "Events that were given up.", ["group"], registry=SHARED)
OUTBOX_DEPTH: Final = Gauge("miraveja_outbox_depth", "Facts that are not published yet.", registry=SHARED)
OUTBOX_AGE_S: Final = Gauge(
    "miraveja_outbox_age_seconds", "Age of the oldest fact that is not published.", registry=SHARED
)
ASSETS: Final = Gauge("miraveja_assets", "Assets that are under way or have failed.", ["state"], registry=SHARED)
JWKS_AGE_S: Final = Gauge("miraveja_jwks_age_seconds", "Time since the issuer's keys last arrived.", registry=SHARED)


def own() -> str:
    """What this process counted, in Prometheus's text format."""
    return _text(REGISTRY)


def shared() -> str:
    """What was last read from the rows."""
    return _text(SHARED)


def unread() -> str:
    """Word that the rows could not be read."""
    DATABASE_UP.set(0)
    return generate_latest(SHARED.restricted_registry(["miraveja_database_up"])).decode()


def _text(registry: CollectorRegistry) -> str:
    # When a series began is of no use to us, and doubles what is sent.
    without_beginnings: Callable[[], None] = disable_created_metrics
    without_beginnings()
    return generate_latest(registry).decode()
