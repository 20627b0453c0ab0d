"""The customer base: who is a customer, who came and who left, each counted once."""

import heapq
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from monitor.sla.events import CustomerChanged
from monitor.sla.policy import REMEMBERED_FOR
from monitor.sla.views import Book, Booking
from monitor.sla.windows import chain, slide, totals

_BOOKS: Final = (Book.JOINED, Book.LEFT)

Watch = Callable[[Booking, int], None]


class Customer(msgspec.Struct, gc=False, array_like=True):
    """What is known of one customer."""

    customer_id: str
    changes: tuple[int, ...] = ()
    """Each moment (microseconds) times two, and one more where the customer left; in order."""
    touched: int = 0
    """The partition's clock when it was last changed by an event."""


class Changes(msgspec.Struct, array_like=True):
    """What a partition has counted since it began; what was taken back is counted beside."""

    joined: int = 0
    left: int = 0
    joined_taken_back: int = 0
    left_taken_back: int = 0


class BaseFigures(NamedTuple):
    """The customer base at the end of a period, and what changed in it."""

    customers: int
    joined: int
    left: int

    @property
    def at_start(self) -> int:
        """How many there were when the period began."""
        return self.customers - self.joined + self.left

    @property
    def retention_ratio(self) -> float | None:
        """(Customers at the end - new ones) / customers at the start; None of none."""
        kept = self.customers - self.joined
        return max(0, kept) / self.at_start if self.at_start > 0 else None

    @property
    def churn_ratio(self) -> float | None:
        """Customers lost / customers at the start; None of none."""
        return self.left / self.at_start if self.at_start > 0 else None


def moves(changes: Sequence[int], clock: int) -> list[Booking]:
    """Return when somebody came and left by `clock`: a change that changes nothing is none."""
    found: list[Booking] = []
    is_there = False
    for change in changes:
        at, leaves = change >> 1, bool(change & 1)
        if at > clock:
            break
        if leaves is is_there:
            found.append(Booking(Book.LEFT if leaves else Book.JOINED, at))
            is_there = not leaves
    return found


class CustomerBase:
    """The customers of one partition.

    Who is a customer is remembered, as an open ticket is; who has left, or was never known to have
    joined, as long as a ticket that is over. `changed` collects what is to be kept, as the
    engine's does. `watch` is told of each move, with -1 where a late event took it back.
    """

    def __init__(
        self,
        kept: Iterable[Customer] = (),
        counted: Changes | None = None,
        *,
        clock: int = 0,
        watch: Watch | None = None,
    ) -> None:
        self.changed: dict[str, Customer | None] = {}
        self.counted = counted or Changes()
        self.customers = 0
        self._known: dict[str, Customer] = {}
        self._unsettled: dict[str, None] = {}
        """Those with more to remember than that they are customers."""
        self._to_come: list[tuple[int, str]] = []
        self._chain = chain()
        self._watch = watch
        self._clock = clock
        slide(self._chain, clock)
        counts = msgspec.structs.replace(self.counted)
        for customer in kept:
            self._known[customer.customer_id] = customer
            self._unsettled[customer.customer_id] = None
            self._expect(customer)
            self._book((), moves(customer.changes, clock))
        self.counted = counts

    def __len__(self) -> int:
        return len(self._known)

    @property
    def every(self) -> Iterable[Customer]:
        """All that are remembered."""
        return self._known.values()

    def figures(self) -> dict[str, BaseFigures]:
        """Return the base in each window."""
        slide(self._chain, self._clock)
        return {
            name: BaseFigures(self.customers, *(total.counts[book] for book in _BOOKS))
            for name, total in totals(self._chain).items()
        }

    def take(self, event: CustomerChanged) -> None:
        """Take in a change; the same one twice is one."""
        change = 2 * event.at + (not event.joined)
        customer = self._known.get(event.customer_id) or Customer(event.customer_id)
        if change in customer.changes:
            return
        before = moves(customer.changes, self._clock)
        customer.changes = tuple(sorted((*customer.changes, change)))
        customer.touched = self._clock
        self._known[event.customer_id] = self.changed[event.customer_id] = customer
        self._unsettled[event.customer_id] = None
        self._expect(customer)
        self._book(before, moves(customer.changes, self._clock))

    def advance(self, now: int) -> None:
        """Move the clock on: what lay ahead of it counts from its own time on."""
        before, self._clock = self._clock, max(self._clock, now)
        due: dict[str, None] = {}
        while self._to_come and self._to_come[0][0] <= self._clock:
            due[heapq.heappop(self._to_come)[1]] = None
        for customer_id in due:
            customer = self._known.get(customer_id)
            if customer is not None:
                self._book(moves(customer.changes, before), moves(customer.changes, self._clock))

    def forget(self) -> None:
        """Keep of what is long past only who is a customer, since when."""
        until = self._clock - REMEMBERED_FOR
        for customer_id in list(self._unsettled):
            customer = self._known[customer_id]
            if max(customer.touched, customer.changes[-1] >> 1) > until:
                continue
            del self._unsettled[customer_id]
            last = moves(customer.changes, self._clock)[-1:]
            if last and last[0].what is Book.JOINED:
                customer.changes = (2 * last[0].at,)
            else:
                del self._known[customer_id]
                self.changed[customer_id] = None

    def _expect(self, customer: Customer) -> None:
        for change in customer.changes:
            if change >> 1 > self._clock:
                heapq.heappush(self._to_come, (change >> 1, customer.customer_id))

    def _book(self, before: Sequence[Booking], after: Sequence[Booking]) -> None:
        slide(self._chain, self._clock)
        finest = next(iter(self._chain.values()))
        for bookings, others, sign in ((before, after, -1), (after, before, 1)):
            for booking in bookings:
                if booking not in others:
                    finest.add(booking, sign)
                    self._count(booking.what, sign)
                    if self._watch is not None:
                        self._watch(booking, sign)

    def _count(self, what: Book, sign: int) -> None:
        counted, joins = self.counted, what is Book.JOINED
        self.customers += sign if joins else -sign
        if sign > 0:
            counted.joined += joins
            counted.left += not joins
        else:
            counted.joined_taken_back += joins
            counted.left_taken_back += not joins
