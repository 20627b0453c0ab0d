"""The other clocks, held against a ticket's story told moment by moment."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.clocked import ClockedEngine
from monitor.sla.events import DAY
from monitor.sla.ticket import Kind
from monitor.streaming.changelog import COUNTERS_KEY, Counters, pack_counters, pack_ticket
from monitor.streaming.state import _engine, _runs
from tests.support.kept import unpack
from tests.unit.sla import oracle
from tests.unit.sla.strategies import CLOCKED, START, clocks, runs, shuffled, talks
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
