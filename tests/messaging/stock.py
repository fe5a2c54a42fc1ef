"""The control: shipping as the library offers it, whose tracking is the highest number that was ever taken."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatchmethod
from uuid import UUID, uuid4

from eventsourcing.application import Application, ProcessingEvent
from eventsourcing.domain import Aggregate, DomainEventProtocol, event
from eventsourcing.persistence import IntegrityError, Tracking
from eventsourcing.system import ProcessApplication


class Loaf(Aggregate):
    """What the bakery bakes."""

    @event("Baked")
    def __init__(self, customer: UUID):
        self.customer = customer


class Box(Aggregate):
    """What shipping sends."""

    @event("Sent")
    def __init__(self, loaf: UUID):
        self.loaf = loaf


class StockBakery(Application[UUID]):
    """The upstream."""

    def bake(self, number: int) -> list[UUID]:
        """Bake; give what in the order of the log."""
        customer = uuid4()
        loaves = [Loaf(customer) for _ in range(number)]
        for loaf in loaves:
            self.save(loaf)
        return [loaf.id for loaf in loaves]


class StockShipping(ProcessApplication[UUID]):
    """The service that reacts: a repeated number is a duplicate, by its own tracking table."""

    @singledispatchmethod
    def policy(self, domain_event: DomainEventProtocol[UUID], processing_event: ProcessingEvent[UUID]) -> None:
        """Do nothing by default."""

    @policy.register
    def _(self, domain_event: Loaf.Baked, processing_event: ProcessingEvent[UUID]) -> None:
        processing_event.collect_events(Box(loaf=domain_event.originator_id))

    def sent(self) -> list[UUID]:
        """List the loaves that were sent, in the order of the log."""
        return [self.mapper.to_domain_event(each).loaf for each in self.recorder.select_notifications(1, 10_000)]


def sent_by_stock(number: int, order: Iterable[int]) -> tuple[list[UUID], list[UUID]]:
    """Deliver so many events by their places in a list, then let the library pull the rest; give baked and sent."""
    bakery, shipping = StockBakery(), StockShipping()
    baked = bakery.bake(number)
    notifications = bakery.recorder.select_notifications(1, number)
    shipping.follow(bakery.name, bakery.notification_log)
    for place in order:
        notification = notifications[place]
        if shipping.recorder.has_tracking_id(bakery.name, notification.id):
            continue
        try:
            shipping.process_event(bakery.mapper.to_domain_event(notification), Tracking(bakery.name, notification.id))
        except IntegrityError:
            continue
    shipping.pull_and_process(bakery.name)
    return baked, shipping.sent()
