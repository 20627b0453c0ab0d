"""Kafka's transactions in small: logs with control records, epochs that fence, offsets that travel.

Only what a partition task leans on, and as unkind as the real thing: a commit is answered before
its markers are written, and until then a committed reader's end is the earlier one; what a dead
producer had under way may still arrive.
"""

from typing import NamedTuple

from aiokafka.errors import IllegalOperation, ProducerFenced

OPEN, PREPARED, COMMITTED, ABORTED = "open", "prepared", "committed", "aborted"


class Entry(NamedTuple):
    """A record, or a transaction's marker, which takes an offset too."""

    transaction: int
    key: bytes | None
    value: bytes | None
    is_marker: bool = False


class Transaction:
    """What one producer does between two commits."""

    def __init__(self, number):
        self.number = number
        self.state = OPEN
        self.offsets = {}
        self.topics = []


class Kafka:
    """A broker with one partition of everything; it has no idea who its clients are."""

    def __init__(self, inputs):
        self.inputs = inputs
        self.logs = {}
        self.offsets = {}
        self.transactions = []
        self._epochs = {}
        self._under_way = {}

    # -- the coordinator

    def start(self, transactional_id):
        """Give a producer its epoch: whoever had the id before is fenced, its transaction ends.

        Answered only when all that was decided of it before is to be seen everywhere.
        """
        self._finish(transactional_id)
        transaction = self._under_way.pop(transactional_id, None)
        if transaction is not None:
            transaction.state = ABORTED
            self._mark(transaction)
        self._epochs[transactional_id] = self._epochs.get(transactional_id, 0) + 1
        return self._epochs[transactional_id]

    def append(self, transactional_id, epoch, topic, records):
        """Add records to a log; nobody who reads committed ones sees them yet."""
        transaction = self._transaction(transactional_id, epoch)
        if topic not in transaction.topics:
            transaction.topics.append(topic)
        log = self.logs.setdefault(topic, [])
        log += [Entry(transaction.number, key, value) for key, value in records]

    def add_offsets(self, transactional_id, epoch, offsets):
        """Add the input's positions to the transaction."""
        self._transaction(transactional_id, epoch).offsets |= offsets

    def end(self, transactional_id, epoch, *, commit):
        """Decide about the transaction; its markers follow, but for an abort at once."""
        self._check(transactional_id, epoch)
        self._finish(transactional_id)
        transaction = self._under_way.get(transactional_id)
        if transaction is None:
            raise IllegalOperation
        if commit:
            transaction.state = PREPARED
        else:
            transaction.state = ABORTED
            del self._under_way[transactional_id]
            self._mark(transaction)

    def write_markers(self):
        """Finish what is decided."""
        for transactional_id in list(self._under_way):
            self._finish(transactional_id)

    @property
    def owes_markers(self):
        return any(t.state == PREPARED for t in self._under_way.values())

    def _check(self, transactional_id, epoch):
        if epoch != self._epochs.get(transactional_id):
            raise ProducerFenced

    def _transaction(self, transactional_id, epoch):
        self._check(transactional_id, epoch)
        self._finish(transactional_id)
        if transactional_id not in self._under_way:
            transaction = Transaction(len(self.transactions))
            self.transactions.append(transaction)
            self._under_way[transactional_id] = transaction
        return self._under_way[transactional_id]

    def _finish(self, transactional_id):
        transaction = self._under_way.get(transactional_id)
        if transaction is not None and transaction.state == PREPARED:
            transaction.state = COMMITTED
            self.offsets |= transaction.offsets
            self._mark(transaction)
            del self._under_way[transactional_id]

    def _mark(self, transaction):
        for topic in transaction.topics:
            self.logs[topic].append(Entry(transaction.number, None, None, is_marker=True))

    # -- what is read

    def committed(self, topic):
        """Return what a committed reader gets who reads to the end it is told now."""
        return list(self._records(topic, (COMMITTED,)))

    def decided(self, topic):
        """Return what a committed reader will get once all markers are there."""
        return list(self._records(topic, (COMMITTED, PREPARED)))

    def decided_offsets(self):
        """Return the input's positions once all markers are there."""
        decided = dict(self.offsets)
        for transaction in self._under_way.values():
            if transaction.state == PREPARED:
                decided |= transaction.offsets
        return decided

    def _records(self, topic, states):
        for entry in self.logs.get(topic, []):
            state = self.transactions[entry.transaction].state
            if state in (OPEN, PREPARED) and state not in states:
                if OPEN not in states and PREPARED not in states:
                    return  # the last stable offset
                continue
            if not entry.is_marker and state in states:
                yield entry.key, entry.value

    def picture(self):
        """Return all of it that matters for what can happen next."""
        return (
            {
                topic: [
                    (e.key, e.value, e.is_marker, self.transactions[e.transaction].state)
                    for e in log
                ]
                for topic, log in self.logs.items()
            },
            self.offsets,
            self._epochs,
            {i: (t.state, t.offsets, t.topics) for i, t in self._under_way.items()},
        )
