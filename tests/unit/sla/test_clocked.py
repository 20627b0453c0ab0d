"""The other clocks, held against a ticket's story told moment by moment."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.clocked import ClockedEngine
from monitor.sla.engine import Engine
from monitor.sla.events import (
    DAY,
    SECOND,
    AgentReplied,
    CustomerReplied,
    TicketClosed,
    TicketCreated,
)
from monitor.sla.spans import MOST
from monitor.sla.ticket import Kind
from monitor.streaming.changelog import COUNTERS_KEY, Counters, pack_counters, pack_ticket
from monitor.streaming.codec import cloud_event
from monitor.streaming.state import _engine, _runs
from tests.support.kept import unpack
from tests.unit.sla import oracle
from tests.unit.sla.strategies import CLOCKED, PLAIN, START, clocks, runs, shuffled, talks
from tests.unit.sla.watching import check, goals, story, views

END = START + 70 * DAY


def seen(engine):
    return {name: views(each) | {"goals": goals(each)} for name, each in all_of(engine).items()}


def all_of(engine):
    return {"first_response": engine, **engine.clocks}


def by_run(effects):
    """Name effects after their run: each has a story of its own."""
    return [
        effect._replace(ticket_id=f"{effect.clock} {effect.number}\0{effect.ticket_id}")
        for effect in effects
    ]


def standing(effects):
    return {key: [t[:2] for t in told] for key, told in story(by_run(effects)).items()}


def expected_stories(read, clock):
    """Return what has to stand of every run."""
    found = {
        f"first_response 0\0{key}": one.stages
        for key, one in oracle.truths(read, CLOCKED, clock).items()
    }
    for name in CLOCKED.clocks:
        for key, one in oracle.clock_truths(read, CLOCKED, name, clock).items():
            found[f"{name} {key}"] = one.stages
    return {key: stages for key, stages in found.items() if stages}


@given(runs(of=talks()))
def test_after_every_step_each_clock_shows_what_is_true(steps):
    engine, read, effects = ClockedEngine(CLOCKED), [], []
    for step in steps:
        effects += engine.apply(step.events)
        read += step.events
        for now in (engine.clock, step.now):
            effects += engine.advance(now)
            check(engine, CLOCKED, oracle.truths(read, CLOCKED, engine.clock))
            for name, promises in CLOCKED.clocks.items():
                true = oracle.clock_truths(read, CLOCKED, name, engine.clock)
                assert engine.clocks[name].clock == engine.clock
                check(engine.clocks[name], promises, true)
            assert standing(effects) == expected_stories(read, engine.clock)


@given(st.data(), st.lists(talks(), min_size=1, max_size=12))
def test_order_repeats_and_batches_change_nothing_in_the_end(data, events):
    ends = []
    for order in (events, data.draw(shuffled(events)), data.draw(shuffled(events))):
        engine, effects, rest = ClockedEngine(CLOCKED), [], order
        for now in data.draw(clocks(4)):
            size = data.draw(st.integers(0, len(rest)))
            effects += engine.apply(rest[:size]) + engine.advance(now)
            rest = rest[size:]
        effects += engine.apply(rest) + engine.advance(END)
        ends.append((seen(engine), standing(effects)))
    assert ends[0] == ends[1] == ends[2]


@given(st.data(), runs(of=talks()))
def test_a_clock_in_small_steps_tells_the_same_in_the_same_order(data, steps):
    jumping, stepping = ClockedEngine(CLOCKED), ClockedEngine(CLOCKED)
    for step in steps:
        assert jumping.apply(step.events) == stepping.apply(step.events)
        between = [now for now in data.draw(clocks(3)) if now <= step.now]
        stepped = [effect for now in between for effect in stepping.advance(now)]
        assert jumping.advance(step.now) == stepped + stepping.advance(step.now)
        assert seen(jumping) == seen(stepping)


@given(st.lists(talks(), min_size=1, max_size=12))
def test_events_in_time_order_take_nothing_back_and_step_by_step_is_the_same(events):
    stepping, applying, effects = ClockedEngine(CLOCKED), ClockedEngine(CLOCKED), []
    for event in sorted(events, key=lambda event: event.at):
        told = stepping.step(event, event.at)
        assert told == applying.advance(event.at) + applying.apply([event])
        effects += told
    effects += stepping.advance(END)
    moments = {event.at for event in events}
    if len(moments) == len(events):
        assert Kind.RETRACTED not in [effect.kind for effect in effects]


class Keeper:
    """A changelog: takes what changed, and begins a new engine from it."""

    def __init__(self):
        self.packed = {}

    def keep(self, engine):
        changed, engine.changed = engine.changed, {}
        for key, ticket in changed.items():
            self.packed[key.encode()] = None if ticket is None else pack_ticket(ticket)
        counters = Counters(engine.totals.stored(), {})
        for name, clock in engine.clocks.items():
            counters.clocks[name] = clock.totals.stored()
            self.packed.update(_runs(name, clock))
        self.packed[COUNTERS_KEY] = pack_counters(counters)

    def begin_again(self, clock):
        kept = unpack(dict(self.packed))
        return _engine(CLOCKED, clock, kept, kept.counters, over_at_reply=False)


@given(st.data(), runs(of=talks()))
def test_a_restart_at_any_point_is_not_to_be_seen(data, steps):
    going, restarted, keeper = ClockedEngine(CLOCKED), ClockedEngine(CLOCKED), Keeper()
    effects, forgot = [], False
    for step in steps:
        for events, now in ((step.events, restarted.clock), ([], step.now)):
            told = restarted.apply(events) + restarted.advance(now)
            assert told == going.apply(events) + going.advance(now)
            effects += told
            if data.draw(st.booleans(), "forget"):
                assert restarted.forget() == going.forget()
                forgot = True
            if data.draw(st.booleans(), "restart"):
                keeper.keep(restarted)
                restarted = keeper.begin_again(restarted.clock)
            assert seen(restarted) == seen(going)
            assert restarted.next_due == going.next_due
            for name, clock in going.clocks.items():
                assert restarted.clocks[name].totals.stored() == clock.totals.stored()
    assert restarted.advance(END) == going.advance(END)
    if not forgot:  # an id may come again once its ticket is forgotten
        story(by_run(effects))


@given(st.lists(talks(), min_size=1, max_size=12))
def test_in_the_end_everything_is_forgotten(events):
    engine = ClockedEngine(CLOCKED)
    engine.apply(events)
    engine.advance(END)
    engine.advance(END + 40 * DAY)
    engine.forget()
    assert not engine.tickets
    assert engine.next_due is None
    for clock in engine.clocks.values():
        assert not clock.tickets
        assert all(backlog.open == 0 for backlog in clock.backlogs)


# -- by example: next reply at risk after 30 s, limit 60 s; resolution 90 s, 300 s, pausing


def at(seconds):
    return START + seconds * SECOND


def asks(seconds):
    return CustomerReplied("T1", at(seconds))


def replies(seconds, *, automated=False):
    return AgentReplied("T1", at(seconds), automated)


def closes(seconds):
    return TicketClosed("T1", at(seconds))


def told_of(*events, until):
    """Return the ids and times of what is told, in order."""
    engine = ClockedEngine(CLOCKED)
    effects = engine.apply([TicketCreated("T1", "chat", at(0))])
    for event in events:
        effects += engine.step(event, event.at)
    effects += engine.advance(at(until))
    found = [cloud_event(effect, "/x") for effect in effects]
    return [(event["id"].removeprefix("T1/"), event["data"]) for event in found]


def ids(told):
    return [name for name, _ in told]


def test_what_a_customer_writes_after_the_first_reply_starts_the_clock_of_the_next():
    told = told_of(replies(10), asks(20), replies(50), asks(60), until=130)
    mine = [(name, data) for name, data in told if name.startswith("next_reply")]
    assert ids(mine) == ["next_reply/2/at_risk", "next_reply/2/breached"]
    data = mine[1][1]
    assert (data["number"], data["waited_seconds"], data["threshold_seconds"]) == (2, 60, 60)
    assert data["due_at"] == "2026-01-31T12:02:00Z"


def test_what_is_written_before_the_first_reply_is_the_first_response_s_business():
    assert ids(told_of(asks(5), asks(8), replies(10), until=100)) == []


def test_a_second_message_while_waiting_starts_nothing_anew():
    told = told_of(replies(10), asks(20), asks(49), replies(55), until=400)
    assert ids(told) == ["next_reply/1/at_risk", "next_reply/1/answered"]
    assert told[1][1]["waited_seconds"] == 35
    assert told[1][1]["replied_at"] == "2026-01-31T12:00:55Z"


def test_a_robot_s_reply_ends_no_wait():
    told = told_of(replies(10), asks(20), replies(25, automated=True), until=60)
    assert ids(told) == ["next_reply/1/at_risk"]


def test_a_reply_at_the_very_moment_of_a_message_answers_it():
    assert ids(told_of(replies(10), asks(20), replies(20), until=80)) == []


def test_who_waits_when_the_ticket_is_closed_waits_no_more():
    told = told_of(replies(10), asks(20), closes(55), asks(70), until=900)
    assert ids(told) == ["next_reply/1/at_risk", "next_reply/1/closed"]
    assert told[1][1]["closed_at"] == "2026-01-31T12:00:55Z"


def test_a_resolution_ends_with_the_close_and_its_clock_stands_while_the_customer_has_to_answer():
    told = told_of(replies(10), asks(1000), replies(1050), asks(2000), closes(2300), until=9000)
    mine = [(name, data) for name, data in told if name.startswith("resolution")]
    # 10 s, 50 s, and 300 s from the 2000th second on.
    assert ids(mine) == ["resolution/at_risk", "resolution/breached", "resolution/closed"]
    assert [data["waited_seconds"] for _, data in mine] == [90, 300, 360]
    assert mine[1][1]["due_at"] == "2026-01-31T12:37:20Z"
    assert mine[2][1]["closed_at"] == "2026-01-31T12:38:20Z"


def test_a_clock_that_stands_for_good_is_never_late():
    assert ids(told_of(replies(10), until=20 * 86_400)) == []
    engine = ClockedEngine(CLOCKED)
    engine.apply([TicketCreated("T1", "chat", at(0)), replies(10)])
    engine.advance(at(60))
    (chat, *_) = [b for b in engine.clocks["resolution"].backlogs if b.open]
    assert (chat.waiting, chat.next_deadline(), chat.oldest()) == (1, None, at(0))


def test_a_late_message_that_splits_a_wait_takes_back_what_was_told_of_it():
    engine = ClockedEngine(CLOCKED)
    effects = engine.apply([TicketCreated("T1", "chat", at(0)), replies(10), asks(20)])
    effects += engine.advance(at(100))
    effects += engine.apply([replies(25)])
    names = [cloud_event(effect, "/x")["id"].removeprefix("T1/") for effect in effects]
    assert names == ["next_reply/1/at_risk", "next_reply/1/breached", "next_reply/1/retracted"]
    assert standing(effects) == {}


def of_resolution(effects):
    return [
        (effect.kind.name.lower(), (effect.at - START) // SECOND, effect.waited // SECOND)
        for effect in effects
        if effect.clock == "resolution"
    ]


def test_what_was_told_after_a_stage_that_moves_is_told_again_after_it():
    engine = ClockedEngine(CLOCKED)
    engine.apply([TicketCreated("T1", "chat", at(0))])
    effects = engine.advance(START + 31 * DAY)
    assert [kind for kind, *_ in of_resolution(effects)] == ["at_risk", "breached", "expired"]
    effects += engine.apply([replies(10), asks(40)])  # 30 s on the customer's side
    days = 30 * 86_400
    assert of_resolution(effects)[-3:] == [
        ("at_risk", 120, 90),
        ("breached", 330, 300),
        ("expired", days, days - 30),
    ]
    (stands,) = [told for key, told in standing(effects).items() if key.startswith("resolution")]
    assert [kind for kind, _ in stands] == [Kind.AT_RISK, Kind.BREACHED, Kind.EXPIRED]


def test_a_pause_that_is_learned_of_after_the_end_corrects_how_long_it_took():
    engine = ClockedEngine(CLOCKED)
    effects = engine.apply([TicketCreated("T1", "chat", at(0)), closes(900)])
    effects += engine.advance(at(1000))
    assert of_resolution(effects)[-1] == ("answered", 900, 900)
    effects = engine.apply([asks(600), replies(500)])
    assert of_resolution(effects)[0][0] == "retracted"
    assert of_resolution(effects)[1:] == [
        ("at_risk", 90, 90),
        ("breached", 300, 300),
        ("answered", 900, 800),
    ]
    assert of_resolution(engine.apply([asks(950), replies(960)])) == []


def test_only_the_earliest_times_of_a_long_talk_are_kept_whatever_comes_first():
    moments = list(range(10, 10 + 4 * MOST, 2))
    events = [replies(second) for second in moments] + [asks(second + 1) for second in moments]
    kept = []
    for order in (events, events[::-1]):
        engine = ClockedEngine(CLOCKED)
        engine.apply([TicketCreated("T1", "chat", at(0)), *order])
        exchange = engine.tickets["T1"].exchange
        assert len(exchange.replies) == len(exchange.asked) == MOST
        kept.append(exchange)
    assert kept[0] == kept[1]


def test_a_policy_without_other_clocks_keeps_none_of_it():
    engine = Engine(PLAIN)
    engine.apply([TicketCreated("T1", "chat", at(0)), asks(5), replies(10), asks(20)])
    assert engine.tickets["T1"].exchange is None
    assert Engine(PLAIN).apply([asks(5)]) == []
