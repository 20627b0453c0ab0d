"""What customers say in surveys: each answer once, for its ticket's channel, in any order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.engine import Engine
from monitor.sla.events import DAY, SECOND, SurveyAnswered, TicketClosed, TicketCreated
from monitor.sla.measures import KeptMeasures, Measures
from monitor.sla.policy import Policy
from monitor.sla.surveys import verdict
from monitor.sla.views import Book
from monitor.sla.windows import ANSWERS
from tests.unit.sla.strategies import CHANNELS, PLAIN, START, creations, moments

CHAT, PHONE, EMAIL = range(3)


def begin(clock=START, policy=PLAIN):
    return Measures(Engine(policy, clock=clock))


def csat(survey_id, ticket_id, score, at=START, **others):
    return SurveyAnswered(survey_id, ticket_id, "csat", score, at, **others)


def nps(survey_id, ticket_id, score, at=START, **others):
    return SurveyAnswered(survey_id, ticket_id, "nps", score, at, **others)


def read(measures, *events, now=START):
    for event in events:
        measures.step(event, now)
    measures.engine.advance(now)
    measures.advance()
    return measures


def counted(measures, window="24h"):
    """Return what is counted in a window, group by group, and that the totals say the same."""
    windows = [by_name[window].total.counts for by_name in measures.engine.windows.by_group]
    return [{book: counts[book] for book in ANSWERS if counts[book]} for counts in windows]


def figures(measures, group=CHAT):
    window = measures.engine.windows.by_group[group]["24h"]
    return window.total.figures(measures.engine.policy.formula)


def test_csat_is_the_share_of_satisfied_answers():
    """Of 200 answers 150 were 4 or 5 points: 75 %."""
    scores = [5] * 90 + [4] * 60 + [3] * 20 + [2] * 20 + [1] * 10
    answers = [csat(f"s{n}", "a", score) for n, score in enumerate(scores)]
    measures = read(begin(), TicketCreated("a", "chat", START), *answers)
    assert figures(measures).csat_ratio == 0.75
    assert figures(measures, PHONE).csat_ratio is None


def test_the_net_promoter_score_is_promoters_less_detractors():
    """Of 100 answers 50 were 9 or 10, 30 were 7 or 8, and 20 were 0 to 6: 50 % - 20 % = 30."""
    scores = [10] * 30 + [9] * 20 + [8] * 15 + [7] * 15 + [6] * 10 + [0] * 10
    answers = [nps(f"s{n}", "a", score) for n, score in enumerate(scores)]
    measures = read(begin(), TicketCreated("a", "chat", START), *answers)
    assert figures(measures).net_promoter_score == 30
    assert figures(measures, PHONE).net_promoter_score is None


@pytest.mark.parametrize(
    ("kind", "score", "book"),
    [
        ("csat", 5, Book.SATISFIED),
        ("csat", 4, Book.SATISFIED),
        ("csat", 3.9, Book.DISSATISFIED),
        ("nps", 10, Book.PROMOTER),
        ("nps", 9, Book.PROMOTER),
        ("nps", 8, Book.PASSIVE),
        ("nps", 7, Book.PASSIVE),
        ("nps", 6, Book.DETRACTOR),
        ("nps", 0, Book.DETRACTOR),
    ],
)
def test_an_answer_counts_as_what_its_score_says(kind, score, book):
    assert verdict(kind, score, PLAIN) is book


def test_which_scores_are_satisfied_says_the_policy():
    of_seven = Policy(CHANNELS, satisfied_from=6)
    assert verdict("csat", 5, of_seven) is Book.DISSATISFIED
    assert verdict("csat", 6, of_seven) is Book.SATISFIED


def test_the_same_survey_counts_once_and_its_earliest_answer():
    first, again = csat("s", "a", 1, START), csat("s", "a", 5, START + SECOND)
    for order in ([first, again], [again, first], [first, first, again, first]):
        measures = read(begin(), TicketCreated("a", "chat", START), *order, now=START + SECOND)
        assert counted(measures)[CHAT] == {Book.DISSATISFIED: 1}


def test_an_answer_before_its_ticket_waits_for_it():
    measures = read(begin(), csat("s", "a", 5))
    assert measures.surveys.unmatched == 1
    assert counted(measures) == [{}, {}, {}]
    read(measures, TicketCreated("a", "phone", START))
    assert measures.surveys.unmatched == 0
    assert counted(measures)[PHONE] == {Book.SATISFIED: 1}


def test_of_an_unknown_ticket_the_channel_that_the_survey_names_counts_until_it_is_known():
    measures = read(begin(), csat("s", "a", 5, channel="email"))
    assert counted(measures)[EMAIL] == {Book.SATISFIED: 1}
    read(measures, TicketCreated("a", "phone", START))
    assert counted(measures)[EMAIL] == {}
    assert counted(measures)[PHONE] == {Book.SATISFIED: 1}
    totals = measures.engine.totals.by_group
    assert totals[EMAIL].taken_back[Book.SATISFIED] == 1


def test_a_channel_that_no_policy_names_counts_for_nothing():
    measures = read(begin(), csat("s", "a", 5, channel="fax"))
    assert measures.surveys.unmatched == 1


def test_an_answer_counts_when_the_clock_gets_there():
    measures = read(begin(), TicketCreated("a", "chat", START), csat("s", "a", 5, START + SECOND))
    assert counted(measures) == [{}, {}, {}]
    read(measures, now=START + SECOND)
    assert counted(measures)[CHAT] == {Book.SATISFIED: 1}


def test_an_answer_slides_out_of_the_window():
    measures = read(begin(), TicketCreated("a", "chat", START), csat("s", "a", 5))
    read(measures, now=START + 301 * SECOND)
    assert counted(measures, "5m") == [{}, {}, {}]
    assert counted(measures, "1h")[CHAT] == {Book.SATISFIED: 1}


def test_an_answer_is_remembered_as_long_as_a_ticket_that_is_over():
    measures = read(
        begin(), TicketCreated("a", "chat", START), TicketClosed("a", START), csat("s", "a", 5)
    )
    read(measures, now=START + DAY - 1)
    measures.forget()
    assert len(measures.surveys) == 1
    measures.surveys.changed.clear()
    read(measures, now=START + DAY)
    measures.forget()
    assert len(measures.surveys) == 0
    assert measures.surveys.changed == {"s": None}
    assert measures.engine.totals.by_group[CHAT].net(Book.SATISFIED) == 1


surveys = st.builds(
    SurveyAnswered,
    st.sampled_from("stuv"),
    st.sampled_from("abc"),
    st.sampled_from(("csat", "nps")),
    st.sampled_from((0, 3, 4, 7, 9)),
    moments,
    st.sampled_from(("", "email", "email")),
)
histories = st.lists(st.one_of(surveys, creations()), min_size=1, max_size=12)
END = START + 32 * DAY


def truth(events, policy, clock):
    """Work out the slow way what is said of each group: a Counter by (group, book)."""
    channels, first = {}, {}
    for event in events:
        if isinstance(event, TicketCreated):
            new = (event.at, event.channel, event.team, event.priority, event.customer)
            channels[event.ticket_id] = min(channels.get(event.ticket_id, new), new)
        else:
            new = (event.at, event.ticket_id, event.kind, event.score)
            new += (not event.channel, event.channel, event.team)
            known = first.get(event.survey_id)
            if known is None or new < known[0]:
                first[event.survey_id] = new, event
    found = [{} for _ in policy.groups]
    for _, event in first.values():
        _, channel, team, *_ = channels.get(event.ticket_id, (0, event.channel, event.team))
        if channel and event.at <= clock:
            mine = found[policy.groups.index(policy.group(channel, team))]
            book = verdict(event.kind, event.score, policy)
            mine[book] = mine.get(book, 0) + 1
    return found


def net(measures):
    return [
        {book: group.net(book) for book in ANSWERS if group.net(book)}
        for group in measures.engine.totals.by_group
    ]


@given(st.data(), histories, st.booleans())
def test_order_repeats_restarts_and_batches_change_nothing(data, events, teams):
    policy = Policy(CHANNELS, teams=("billing",)) if teams else PLAIN
    order = data.draw(st.permutations([*events, *events[:3]]))
    measures, clock = begin(START - DAY, policy), START - DAY
    kept = {}
    for event in order:
        clock = max(clock, data.draw(st.sampled_from((clock, event.at))))
        read(measures, event, now=clock)
        if data.draw(st.booleans()):
            kept |= measures.surveys.changed
            engine = measures.engine
            again = Engine(
                policy,
                clock=engine.clock,
                tickets=list(engine.tickets.values()),
                totals=engine.totals.stored(),
            )
            survived = KeptMeasures([each for each in kept.values() if each is not None])
            measures = Measures(again, survived)
    read(measures, now=END)
    assert net(measures) == truth(events, policy, END)
