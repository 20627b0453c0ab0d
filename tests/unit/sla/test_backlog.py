"""Who waits for long is counted exactly while they are few, and at little cost when many."""

from monitor.sla import backlog
from monitor.sla.engine import Engine
from monitor.sla.events import SECOND, AgentReplied, TicketCreated
from tests.unit.sla.strategies import PLAIN, START

HOUR = 3600 * SECOND
AGES = (HOUR, 2 * HOUR)
LATER = START + HOUR + 3 * SECOND


def waiting(count):
    """Return an engine with so many tickets, one created a second, as the third is an hour old."""
    engine = Engine(PLAIN, over_at_reply=True)
    engine.apply([TicketCreated(f"{n}", "chat", START + n * SECOND) for n in range(count)])
    engine.advance(LATER)
    return engine


def older(engine, now):
    engine.advance(now)
    return engine.backlogs[0].older_than(AGES, engine.clock)


def test_old_tickets_are_counted_as_they_stand():
    engine = waiting(10)
    assert older(engine, LATER) == [3, 0]
    assert older(engine, LATER + 2 * SECOND) == [5, 0]
    engine.apply([AgentReplied("0", LATER)])
    assert older(engine, LATER + 2 * SECOND) == [4, 0]
    assert older(engine, LATER + HOUR) == [9, 2]


def test_many_old_tickets_are_counted_once_a_minute(monkeypatch):
    monkeypatch.setattr(backlog, "MANY", 2)
    engine = waiting(100)
    assert older(engine, LATER) == [3, 0]
    assert older(engine, LATER + backlog.MINUTE - 1) == [3, 0]
    assert older(engine, LATER + backlog.MINUTE) == [63, 0]


def test_no_more_are_old_than_there_are(monkeypatch):
    monkeypatch.setattr(backlog, "MANY", 2)
    engine = waiting(4)
    assert older(engine, LATER) == [3, 0]
    engine.apply([AgentReplied(f"{n}", LATER) for n in range(3)])
    assert older(engine, LATER) == [1, 0]


def test_without_ages_nothing_is_counted():
    assert waiting(3).backlogs[0].older_than((), LATER) == []
