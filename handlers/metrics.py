"""`/metrics` for Prometheus: what this process did, and what stands in the database at this moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from bot import health, status
from bot.clock import Clock
from bot.delivery.alarm import AlarmClock
from bot.delivery.sender import Sender
from bot.health import Health
from bot.store.engine import Database

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Slack waits three seconds; most answers take a few hundredths of one.
ACKNOWLEDGED = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5)


@dataclass(frozen=True)
class Parts:
    """What is measured, as the composition root built it."""

    database: Database
    clock: Clock
    sender: Sender
    alarm: AlarmClock
    health: Health
    heard_ago: Callable[[], float] | None = None  # Socket Mode: wall seconds since anything arrived


class Metrics:
    """The registry of one bot; `answered` is told of every request (`handlers.bolt`)."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._registry = CollectorRegistry()
        self._times = Histogram(
            "workshop_acknowledgement_seconds",
            "From a request of Slack's to the answer",
            ["request"],
            buckets=ACKNOWLEDGED,
            registry=self._registry,
        )
        self._answers = Counter(
            "workshop_requests",
            "Requests of Slack's by answer",
            ["request", "status"],
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)
        self._scraped = _Scraped()
        self._registry.register(self._scraped)

    def answered(self, request: str, seconds: float, status: int) -> None:
        """Note one request's answer."""
        self._times.labels(request).observe(seconds)
        self._answers.labels(request, str(status)).inc()

    async def text(self) -> bytes:
        """The exposition. Without the database only what this process knows by itself is in it."""
        self._scraped.families = [*self._own(), *await self._stored(), *await self._ready()]
        return generate_latest(self._registry)

    def _own(self) -> Iterable[Metric]:
        parts = self._parts
        yield _counter(
            "workshop_sender_outcomes", "Calls to Slack by what came of them", "outcome", parts.sender.counts
        )
        yield GaugeMetricFamily(
            "workshop_sender_in_flight", "Calls to Slack under way", value=parts.sender.in_flight
        )
        late = parts.alarm.lateness.total_seconds()
        yield GaugeMetricFamily("workshop_alarm_lateness_seconds", "How late the latest ring was", value=late)
        yield CounterMetricFamily(
            "workshop_alarm_failures", "Rings that failed", value=float(parts.alarm.failures)
        )
        yield GaugeMetricFamily(
            "workshop_alarm_sweep_age_seconds",
            "Since the alarms last looked what is due",
            value=parts.alarm.since_sweep(),
        )
        if parts.heard_ago is not None:
            yield GaugeMetricFamily(
                "workshop_socket_silence_seconds",
                "Since anything came over Socket Mode",
                value=parts.heard_ago(),
            )

    async def _stored(self) -> list[Metric]:
        try:
            async with self._parts.database.read() as db:
                states = await status.outbox_states(db)
                outcomes = await status.inquiry_outcomes(db)
                oldest = await health.waiting_since(db)
        except health.AWAY:
            return []
        now = self._parts.clock.now()
        age = 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())
        return [
            GaugeMetricFamily("workshop_outbox_age_seconds", "How long the oldest message waits", value=age),
            _gauge("workshop_deliveries", "Messages by state", "state", states),
            _counter("workshop_inquiries", "Inquiries by outcome", "outcome", outcomes),
        ]

    async def _ready(self) -> list[Metric]:
        found = await self._parts.health.look()
        ready = {part: int(reason is None) for part, reason in found.items()}
        return [_gauge("workshop_ready", "1 where a part works, 0 where it does not", "part", ready)]


class _Scraped:
    """Families made for this very scrape."""

    def __init__(self) -> None:
        self.families: list[Metric] = []

    def collect(self) -> Iterable[Metric]:
        return self.families


def _gauge(name: str, text: str, label: str, values: Mapping[Any, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for word, value in sorted(values.items()):
        family.add_metric([str(word)], value)
    return family


def _counter(name: str, text: str, label: str, values: Mapping[Any, float]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=[label])
    for word, value in sorted(values.items()):
        family.add_metric([str(word)], value)
    return family
