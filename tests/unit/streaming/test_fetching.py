"""A fetch that is handed out batch by batch says what aiokafka says of it record by record."""

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from monitor.streaming.fetching import by_batch

CONTROL = 0x20
ATTRIBUTES = 22
"""Where the low byte of a batch's attributes is."""
ABORT, COMMIT = b"\0\0\0\0", b"\0\0\0\1"

KEPT = [(b"T1", b"one"), (b"T2", b"two"), (b"T1", None)]
LOST = [(b"T1", b"never was"), (b"T3", b"nor this")]


def a_batch(base_offset, records, producer_id=7, *, is_control=False):
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=1,
        producer_id=producer_id,
        producer_epoch=0,
        base_sequence=0,
        batch_size=10_000,
    )
    for number, (key, value) in enumerate(records):
        builder.append(number, timestamp=1, key=key, value=value, headers=[])
    built = bytearray(builder.build())
    built[:8] = base_offset.to_bytes(8, "big")
    if is_control:
        built[ATTRIBUTES] |= CONTROL
    return bytes(built)


def a_fetch(*batches, aborted=(), begin=0):
    return PartitionRecords(
        *(TopicPartition("changelog", 0), MemoryRecords(b"".join(batches)), list(aborted), begin),
        key_deserializer=None,
        value_deserializer=None,
        check_crcs=False,  # what is made a control record here has a wrong one
        isolation_level=READ_COMMITTED,
    )


def transactions():
    """One that was committed, one that was aborted, and one that was committed after it."""
    return a_fetch(
        a_batch(0, KEPT),
        a_batch(3, [(COMMIT, b"")], is_control=True),
        a_batch(4, LOST),
        a_batch(6, [(ABORT, b"")], is_control=True),
        a_batch(7, KEPT[:1]),
        a_batch(8, [(COMMIT, b"")], is_control=True),
        aborted=[(7, 4)],
    )


def test_what_was_committed_comes_batch_by_batch_and_what_was_aborted_does_not():
    fetch = transactions()
    by_batch(fetch)
    read = [[(record.key, record.value) for record in batch.records] for batch in fetch]
    assert read == [KEPT, KEPT[:1]]


def test_it_is_what_aiokafka_hands_out_and_ends_where_it_ends():
    one_by_one, whole = transactions(), transactions()
    by_batch(whole)
    expected = [(record.offset, record.key, record.value) for record in one_by_one]
    read = [(r.offset, r.key, r.value) for batch in whole for r in batch.records]
    assert read == expected
    assert whole.next_fetch_offset == one_by_one.next_fetch_offset == 9


def test_a_batch_of_which_records_were_compacted_away_ends_where_it_ended():
    begun = a_batch(0, KEPT)
    # Its last offset stays what it was when records have gone: 9 of what were ten.
    fetch = a_fetch(begun[:23] + (9).to_bytes(4, "big") + begun[27:])
    by_batch(fetch)
    assert [len(batch.records) for batch in fetch] == [3]
    assert fetch.next_fetch_offset == 10


def test_a_fetch_that_waits_is_not_wrapped_again():
    fetch = transactions()
    by_batch(fetch)
    by_batch(fetch)
    assert [len(batch.records) for batch in fetch] == [3, 1]
