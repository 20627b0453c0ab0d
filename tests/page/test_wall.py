"""What a team sees on the wall, and what it must never see."""

import asyncio
import re
import time

import pytest

from tests.page.source import MEASURES, channel, clock, ticket
from tests.support.hostile import ODD

pytestmark = pytest.mark.asyncio(loop_scope="session")

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
HOSTILE = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"
SCREENS = {"phone": (390, 844), "laptop": (1366, 768), "television": (3840, 2160)}
STATES = {"phone": "2 overdue", "chat": "1 at risk", "social": "calm", "email": "calm"}


def card(page, name):
    return page.locator(".card").filter(has=page.locator(f".name:text-is('{name}')"))


async def seconds_on(locator):
    shown = re.search(r"[\d:]+", await locator.text_content())[0]
    total = 0
    for part in shown.split(":"):
        total = total * 60 + int(part)
    return total


async def eventually(page, script, within=5.0):
    # Not `wait_for_function`: it evaluates text in the page, which the page's policy forbids.
    async with asyncio.timeout(within):
        while not await page.evaluate(script):
            await page.wait_for_timeout(50)


async def test_four_channels_appear_with_their_promise_and_figures(open_page):
    page = await open_page()
    assert await page.locator(".card .name").all_text_contents() == list(STATES)
    chat = card(page, "chat")
    assert await chat.locator(".promise").text_content() == (
        "first reply within 2 min, at risk after 1 min 30 s"
    )
    assert await chat.locator(".figure dd").all_text_contents() == ["3", "1", "0"]
    assert page.complaints == []


async def test_figures_follow_the_source_live(open_page, source):
    page = await open_page()
    source.channel("chat")["overdue"] = 7
    await eventually(page, "document.body.innerText.includes('7 overdue')")
    assert await page.title() == f"● 9 overdue {DASH} SLA wall"
    assert "chat: 7 overdue" in await page.locator("[aria-live=polite]").text_content()


async def test_a_channel_that_comes_or_goes_gets_or_loses_its_card(open_page, source):
    page = await open_page()
    source.channels[:] = [*source.channels[1:], channel("chat", time.time(), team="Berlin")]
    await eventually(page, "document.querySelector('.wall').innerText.includes('Berlin')")
    names = await page.locator(".card .name").all_text_contents()
    assert names == ["chat", "social", "email", "chat · Berlin"]


@pytest.mark.parametrize("skew_seconds", [0, 5000])
async def test_countdowns_move_by_the_clock_of_the_server(open_page, source, skew_seconds):
    now = time.time() + skew_seconds
    source.offset_seconds = skew_seconds
    source.channel("chat")["tickets"] = [
        ticket("late", now - 315),
        ticket("soon", now - 100),
        ticket("fresh", now - 20),
    ]
    page = await open_page()
    late, soon, fresh = await card(page, "chat").locator(".countdown").all()
    assert re.fullmatch(r"\+03:1\d overdue", await late.text_content())
    assert re.fullmatch(r"00:[12]\d at risk", await soon.text_content())
    assert re.fullmatch(r"01:[34]\d left", await fresh.text_content())
    before = [await seconds_on(each) for each in (late, fresh)]
    await asyncio.sleep(1.5)
    after = [await seconds_on(each) for each in (late, fresh)]
    assert 1 <= after[0] - before[0] <= 3
    assert 1 <= before[1] - after[1] <= 3


async def test_a_wait_of_hours_counts_down_in_hours(open_page):
    page = await open_page()
    first = card(page, "email").locator(".countdown").first
    assert re.fullmatch(r"6:0\d:\d\d left, 41 % late", await first.text_content())


async def test_a_hostile_ticket_id_is_text_and_runs_nothing(open_page, source):
    chat = source.channel("chat")
    chat["tickets"] = [ticket(HOSTILE, time.time(), priority=HOSTILE, team=HOSTILE)]
    chat["team"] = ""
    source.notice = HOSTILE
    source.channels.append(channel("chat", time.time(), team=HOSTILE))
    page = await open_page()
    assert await card(page, "chat").locator(".id").first.text_content() == HOSTILE
    assert await page.locator(".notice").text_content() == HOSTILE
    assert await page.evaluate("window.hacked") is None
    assert await page.locator("main script, main img, .notice > *").count() == 0
    assert page.complaints == []


@pytest.mark.parametrize("size", [(360, 740), (1366, 768)])
@pytest.mark.parametrize("kind", [*ODD, "all"])
async def test_odd_ticket_data_stays_in_its_place(open_page, source, screenshots, kind, size):
    texts = [*ODD.values()] if kind == "all" else [ODD[kind]]
    now = time.time()
    source.channel("chat")["tickets"] = [
        ticket(text, now - 100 + n, priority=text, team=text) for n, text in enumerate(texts)
    ]
    source.channels.append(channel("chat", now, team=texts[0][:64]))
    page = await open_page(*size)
    await page.wait_for_selector(".card canvas")
    if size[0] > 1000 or kind == "all":
        path = screenshots / f"odd-{kind.replace(' ', '-')}-{size[0]}.png"
        await page.screenshot(path=path, full_page=True)
    assert await page.evaluate("window.hacked") is None
    assert await page.locator("main script, main img").count() == 0
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert await page.evaluate(ESCAPING) == []
    # Nothing behind it is turned around, and its line is as high as any.
    about = await card(page, "chat").locator(".about").first.text_content()
    assert re.search(r" · since \d\d:\d\d$", about)
    heights = await page.eval_on_selector_all(".ticket", "all => all.map(e => e.clientHeight)")
    assert max(heights) <= min(heights) + 8
    assert page.complaints == []


ESCAPING = """
() => [...document.querySelectorAll('.ticket')].filter((row) => {
  const [id, about, time] = ['.id', '.about', '.countdown']
    .map((part) => row.querySelector(part).getBoundingClientRect());
  const box = row.getBoundingClientRect();
  return id.right > time.left + 1 || about.right > time.left + 1 || time.right > box.right + 1;
}).map((row) => row.textContent.slice(0, 60))
"""


async def test_states_have_words_and_shapes_not_just_colours(open_page):
    page = await open_page()
    shapes = {}
    for name, words in STATES.items():
        state = card(page, name).locator(".state")
        assert await state.text_content() == words
        shapes[name] = await state.locator("use").get_attribute("href")
    assert shapes["social"] == shapes["email"]
    assert len(set(shapes.values())) == 3


async def test_who_will_likely_be_late_is_told_before_the_threshold_in_word_shape_and_chance(
    open_page, source
):
    page = await open_page()
    chat = card(page, "chat")
    assert (await chat.locator(".likely").text_content()).strip() == "2 likely late"
    at_risk, likely, calm = await chat.locator(".ticket").all()
    assert await at_risk.locator(".word").text_content() == "at risk, 96 %"
    assert await likely.locator(".word").text_content() == "likely late, 57 %"
    assert await calm.locator(".word").text_content() == "left, 20 % late"
    shapes = {await each.locator("use").get_attribute("href") for each in (at_risk, likely, calm)}
    assert shapes == {"#icon-risk", "#icon-likely", "#icon-calm"}
    # Of one that is over its limit there is nothing left to forecast.
    assert await card(page, "phone").locator(".word").first.text_content() == "overdue"
    assert await card(page, "email").locator(".likely").is_hidden()


async def test_a_channel_that_is_calm_but_for_a_forecast_says_so(open_page, source):
    for each in source.channels:
        each.update(at_risk=0, overdue=0, likely_late=3 if each["channel"] == "email" else 0)
    page = await open_page()
    assert await card(page, "email").locator(".state").text_content() == "3 likely late"
    assert await card(page, "email").get_attribute("data-state") == "likely"
    assert await page.title() == f"◆ 3 likely late {DASH} SLA wall"


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (12, "24 h: you can miss 12 more and still meet 90 %"),
        (0, "24 h: you can miss no more and still meet 90 %"),
        (-1, "24 h: 1 miss too many to meet 90 %"),
        (-4, "24 h: 4 misses too many to meet 90 %"),
    ],
)
async def test_how_many_more_may_miss_is_a_sentence(open_page, source, budget, words):
    source.channel("chat")["error_budget"] = budget
    page = await open_page()
    assert await card(page, "chat").locator("caption").text_content() == words


async def test_of_a_day_with_nothing_decided_there_is_no_budget_to_tell(open_page, source):
    source.channel("chat")["windows"]["24h"]["service_level_ratio"] = None
    page = await open_page()
    assert await card(page, "chat").locator("caption").text_content() == ""


async def test_the_title_and_the_header_tell_the_worst_state(open_page):
    page = await open_page()
    assert await page.title() == f"● 2 overdue {DASH} SLA wall"
    assert (await page.locator(".overall").text_content()).strip() == "2 overdue"


async def test_no_tickets_decided_is_no_hundred_percent(open_page):
    page = await open_page()
    cells = card(page, "social").locator(".share td")
    assert await cells.nth(0).text_content() == f"{DASH}no tickets decided"
    assert await cells.nth(1).text_content() == "90 %✓ on target"
    below = card(page, "phone").locator(".share td").nth(0)
    assert await below.text_content() == "71.4 %▼ below"


async def test_a_share_is_never_rounded_up(open_page):
    page = await open_page()
    assert "99.9 %" in await card(page, "chat").locator(".share td").nth(1).text_content()


async def test_windows_without_figures_and_an_empty_queue_are_shown_in_words(open_page, source):
    social = source.channel("social")
    social["windows"] = {"5m": {}, "1h": {}, "24h": {}}
    page = await open_page()
    shares = await card(page, "social").locator(".share td").all_text_contents()
    assert shares == [f"{DASH}no tickets decided"] * 3
    assert "Nobody is waiting." in await card(page, "social").text_content()
    assert page.complaints == []


async def test_more_waiting_than_fit_are_counted(open_page):
    page = await open_page()
    assert await card(page, "email").locator(".ticket").count() == 6
    assert await card(page, "email").locator(".more").text_content() == "and 106 more"


async def test_the_last_hour_is_drawn_with_a_legend_and_a_description(open_page):
    page = await open_page()
    await page.wait_for_selector(".card canvas")
    assert await page.locator(".card canvas").count() == 4
    legend = await card(page, "phone").locator(".legend").text_content()
    assert re.search(r"created \d+\s+answered \d+\s+missed \d+", legend)
    described = await card(page, "phone").locator(".chart").get_attribute("aria-label")
    assert "missed" in described


async def test_no_channels_is_said_in_a_friendly_sentence(open_page, source):
    source.channels.clear()
    page = await open_page()
    assert await page.locator(".empty").is_visible()
    assert "no channels" in await page.locator(".empty").text_content()
    assert page.complaints == []


async def test_a_notice_is_shown_and_goes(open_page, source):
    source.notice = "This is a demo."
    page = await open_page()
    assert await page.locator(".notice").text_content() == "This is a demo."
    source.notice = ""
    await page.locator(".notice").wait_for(state="hidden")


async def stale_age(page):
    title = await page.locator(".banner strong").text_content()
    return int(re.fullmatch(rf"STALE {DASH} figures are from (\d+) s ago", title)[1])


async def test_a_stalled_stream_says_stale_within_five_seconds_and_recovers(open_page, site):
    page = await open_page()
    await site.stop()
    await eventually(page, "document.querySelector('.banner').innerText.includes('STALE')")
    first = await stale_age(page)
    assert "connection is lost" in await page.locator(".banner").text_content()
    assert await page.title() == f"■ STALE {DASH} SLA wall"
    assert await opacity(page, ".figures") <= 0.6
    frozen = await page.locator(".countdown").first.text_content()
    await asyncio.sleep(2.2)
    assert 1 <= await stale_age(page) - first <= 3
    assert await page.locator(".countdown").first.text_content() == frozen
    await site.start()
    await page.locator(".banner").wait_for(state="hidden", timeout=5000)
    await eventually(page, "document.body.dataset.connection === 'live'")


async def opacity(page, selector):
    await asyncio.sleep(0.4)  # the fade
    found = await page.eval_on_selector(selector, "element => getComputedStyle(element).opacity")
    return float(found)


async def test_a_snapshot_that_fails_says_stale_though_the_connection_stands(open_page, source):
    page = await open_page()
    working, source.channels = source.channels, None
    source.state = object()
    await eventually(page, "document.querySelector('.banner').innerText.includes('STALE')")
    assert "No message from the monitor" in await page.locator(".banner").text_content()
    source.channels, source.state = working, "live"
    await page.locator(".banner").wait_for(state="hidden", timeout=5000)


async def test_a_stream_that_the_browser_gave_up_is_opened_again(open_page, site, source):
    page = await open_page()

    # An answer that is no event stream closes an EventSource for good.
    async def login_page(route):
        await route.fulfill(status=200, content_type="text/html", body="Please log in.")

    await page.route("**/events", login_page)
    async with page.expect_response(lambda answer: answer.headers["content-type"] == "text/html"):
        await site.stop()
    await page.wait_for_timeout(100)
    await site.start()
    await page.unroute("**/events")
    source.notice = "Back again."
    await eventually(page, "document.body.innerText.includes('Back again.')")


@pytest.mark.parametrize(
    ("state", "age", "words"),
    [
        ("broker_away", 42.0, ("figures are from 4\\d s ago", "The broker is away")),
        ("starting", None, ("no figures yet", "still catching up: 1,234 records behind")),
        ("behind", 900.0, ("figures are from 15 min", "Still catching up: 1,234 records behind")),
        ("live", 9.0, ("figures are from (9|1\\d) s ago", "Still catching up")),
    ],
)
async def test_a_monitor_that_cannot_know_says_stale_and_why(open_page, source, state, age, words):
    title, reason = words
    page = await open_page()
    assert await page.locator(".banner").is_hidden()
    source.state, source.clock_age_seconds, source.lag_records = state, age, 1234
    await eventually(page, "document.querySelector('.banner').innerText.includes('STALE')")
    assert re.search(f"STALE {DASH} {title}", await page.locator(".banner strong").text_content())
    assert reason in await page.locator(".banner").text_content()
    assert await opacity(page, ".figures") <= 0.6
    source.state, source.clock_age_seconds, source.lag_records = "live", 0.02, 0
    await page.locator(".banner").wait_for(state="hidden", timeout=3000)
    assert await opacity(page, ".figures") == 1


async def test_a_monitor_a_little_behind_says_how_far_and_is_not_stale(open_page, source):
    source.state, source.clock_age_seconds, source.lag_records = "behind", 2.0, 12345
    page = await open_page()
    banner = await page.locator(".banner").text_content()
    assert re.search(r"Catching up, 12,345 records behind; clock at \d\d:\d\d:\d\d", banner)
    assert "9 of 12 partitions caught up" in banner
    assert await opacity(page, ".figures") == 1


async def test_nothing_is_counted_overdue_by_the_wall_clock_while_behind(open_page, source):
    source.state, source.clock_age_seconds = "behind", 600.0
    source.channel("chat")["tickets"] = [ticket("answered-but-unread", time.time() - 300)]
    page = await open_page()
    shown = await card(page, "chat").locator(".countdown").first.text_content()
    assert shown.endswith("left")


async def test_a_new_release_brings_a_new_page(open_page, source):
    page = await open_page()
    async with page.expect_navigation():
        source.version = "0.2.0"
    await eventually(page, "document.body.innerText.includes('v0.2.0')")


async def test_the_theme_follows_the_system_until_the_button_is_pressed(open_page):
    page = await open_page(color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = await page.evaluate(background)
    await page.locator(".theme").click()
    light = await page.evaluate(background)
    assert light != dark
    await page.reload()
    await page.wait_for_selector(".card")
    assert await page.evaluate(background) == light


@pytest.mark.parametrize(("width", "height"), [(360, 740), (768, 1024), (1366, 768), (3840, 2160)])
async def test_nothing_scrolls_sideways(open_page, source, width, height):
    source.channel("chat")["tickets"][0]["ticket_id"] = "T-" + "0123456789" * 12
    source.channel("email")["waiting"] = 123456
    source.channels.append(channel("social", time.time(), team="A-team-with-a-name-of-some-length"))
    source.notice = "This is a demo with a sentence that is rather long. " * 3
    page = await open_page(width, height)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.evaluate(CLIPPED_SIDEWAYS) == []


CLIPPED_SIDEWAYS = """
() => [...document.querySelectorAll('.card .body > *, .figure, .service td, .ticket, .state')]
  .filter((element) => element.scrollWidth > element.clientWidth + 1)
  .map((element) => `${element.className || element.tagName}: ${element.textContent.trim()}`)
"""

OUT_OF_SIGHT = """
() => [...document.querySelectorAll('.card, .card .body > *, .ticket, .more:not(:empty), .chart')]
  .filter((element) => {
    const box = element.getBoundingClientRect();
    const card = element.closest('.card').getBoundingClientRect();
    return box.top < 0 || box.bottom > innerHeight || box.bottom > card.bottom + 1;
  })
  .map((element) => `${element.className}: ${element.textContent.trim().slice(0, 40)}`)
"""


async def test_six_cards_on_a_laptop_scroll_but_cut_nothing_off(open_page, source):
    teams = [channel(name, time.time(), team="Berlin") for name in ("chat", "email")]
    source.channels.extend(teams)
    page = await open_page()
    await page.wait_for_selector(".card canvas")
    cut_off = await page.evaluate(OUT_OF_SIGHT.replace("box.bottom > innerHeight ||", ""))
    assert cut_off == []


@pytest.mark.parametrize("bar", ["none", "notice", "stale and notice"])
@pytest.mark.parametrize(
    ("width", "height"), [(1366, 768), (1280, 720), (1920, 1080), (3840, 2160), (2160, 3840)]
)
async def test_four_cards_are_wholly_in_sight(open_page, source, width, height, bar):
    if "notice" in bar:
        source.notice = "This is a demo: the traffic is synthetic."
    if "stale" in bar:
        source.state, source.clock_age_seconds = "broker_away", 30.0
    page = await open_page(width, height)
    await page.wait_for_selector(".card canvas")
    assert await page.evaluate("document.documentElement.scrollHeight") <= height
    assert await page.evaluate(OUT_OF_SIGHT) == []


CONTRASTS = """
() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const over = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => rgb
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const backgrounds = (element) => element
    ? [...backgrounds(element.parentElement), getComputedStyle(element).backgroundColor]
    : ['white'];
  const texts = [...document.querySelectorAll('body *')].filter((element) =>
    element.checkVisibility() && !element.closest('.unseen, svg, noscript, script') &&
    [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
  return texts.map((element) => {
    const behind = backgrounds(element);
    const written = [...behind, getComputedStyle(element).color];
    const [ink, paper] = [written, behind].map(over).map(luminance);
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    return [`${element.className || element.tagName}: ${element.textContent.trim()}`, ratio];
  });
}
"""


@pytest.mark.parametrize("state", ["live", "behind", "broker_away"])
@pytest.mark.parametrize("scheme", ["dark", "light"])
async def test_texts_have_enough_contrast(open_page, source, scheme, state):
    source.notice = "This is a demo."
    source.state = state
    page = await open_page(color_scheme=scheme)
    contrasts = await page.evaluate(CONTRASTS)
    assert len(contrasts) > 100
    assert [each for each in contrasts if each[1] < 4.5] == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("screen", list(SCREENS))
async def test_screenshots_are_taken_for_people_to_look_at(open_page, screenshots, screen, scheme):
    page = await open_page(*SCREENS[screen], color_scheme=scheme)
    await page.wait_for_selector(".card canvas")
    path = screenshots / f"wall-{screen}-{scheme}.png"
    await page.screenshot(path=path, full_page=screen == "phone")
    assert path.stat().st_size > 10_000


async def test_a_team_that_is_away_says_when_it_is_back(open_page, source, screenshots):
    back = time.time() + 14 * 3600 + 3 * 60 + 50  # a slow page has that long
    for name, opens_at in (("email", back), ("social", None), ("phone", back)):
        source.channel(name)["hours"] = {"name": "office", "opens_at": opens_at}
    page = await open_page()
    assert await card(page, "email").locator(".state").text_content() == ("closed, opens in 14 h")
    assert await card(page, "social").locator(".state").text_content() == "calm"
    phone = await card(page, "phone").locator(".state").text_content()
    assert phone == "2 overdue; closed, opens in 14 h"
    promise = await card(page, "email").locator(".promise").text_content()
    assert promise.endswith(" · office")
    await page.screenshot(path=screenshots / "closed.png")
    assert not page.complaints


def with_clocks(source):
    """Promise the next reply in chat, and by e-mail the close too."""
    now = time.time()
    source.channel("chat")["clocks"] = [clock("next_reply", "chat", now, 190, 150, 20, limit=180)]
    source.channel("email")["clocks"] = [
        clock("next_reply", "email", now, 13_000, 9_000, 300),
        clock("resolution", "email", now, 80_000, 60_000, 40_000, 10_000, limit=86_400),
    ]


async def test_what_is_next_to_miss_another_limit_is_shown_with_its_clock(open_page, source):
    with_clocks(source)
    page = await open_page()
    runs = card(page, "email").locator(".clocks .ticket")
    about = await runs.locator(".about").all_text_contents()
    assert [each.split(" · ")[0] for each in about] == ["next reply", "next reply"]
    shown = await runs.locator(".countdown").all_text_contents()
    assert re.fullmatch(r"23:\d\d at risk", shown[0])
    assert re.fullmatch(r"1:\d\d:\d\d left", shown[1])
    words = await card(page, "email").locator(".standing").text_content()
    assert words == "next reply: 5 running, 1 at risk · resolution: 6 running, 1 at risk"
    told = await card(page, "email").locator(".standing").get_attribute("title")
    assert told == "next reply within 4 h, resolution within 24 h"
    assert await card(page, "email").locator(".queue > .tickets .ticket").count() == 2
    assert page.complaints == []


async def test_where_fewer_wait_by_other_clocks_there_is_room_for_more_first_responses(
    open_page, source
):
    now = time.time()
    source.channel("email")["clocks"] = [clock("next_reply", "email", now)]
    page = await open_page()
    assert await card(page, "email").locator(".queue > .tickets .ticket").count() == 4
    source.channel("email")["clocks"] = [clock("next_reply", "email", now, 300)]
    await eventually(page, "document.body.innerText.includes('and 109 more')")
    assert await card(page, "email").locator(".queue > .tickets .ticket").count() == 3


async def test_another_clock_that_is_missed_is_the_state_of_its_channel(open_page, source):
    with_clocks(source)
    source.channels[:] = [each for each in source.channels if each["channel"] != "phone"]
    source.channel("email")["clocks"].reverse()
    page = await open_page()
    assert await card(page, "chat").locator(".state").text_content() == "1 next reply overdue"
    assert await card(page, "chat").get_attribute("data-state") == "overdue"
    email = await card(page, "email").locator(".state").text_content()
    assert email == "1 resolution at risk"
    assert await page.title() == f"● 1 overdue {DASH} SLA wall"


async def test_without_other_clocks_nothing_is_shown_of_them(open_page):
    page = await open_page()
    assert await page.locator(".clocks").count() == 4
    assert await page.locator(".clocks:visible").count() == 0


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1366, 768), (1920, 1080), (3840, 2160)])
async def test_other_clocks_have_their_place_on_every_screen(
    open_page, source, screenshots, width, height
):
    with_clocks(source)
    page = await open_page(width, height)
    await page.wait_for_selector(".card canvas")
    await page.screenshot(path=screenshots / f"clocks-{width}.png", full_page=width < 1000)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.evaluate(CLIPPED_SIDEWAYS) == []
    if width > 1000:
        assert await page.evaluate(OUT_OF_SIGHT) == []


async def measures_on(page):
    cells = page.locator(".measure")
    names = await cells.locator("dt").all_text_contents()
    return dict(zip(names, await cells.locator("dd").all_text_contents(), strict=True))


async def test_the_measures_of_the_day_are_below_the_channels(open_page, source):
    source.measures = MEASURES
    page = await open_page()
    assert await measures_on(page) == {
        "resolved in": "1 h 25 min phone 5 min · chat 5 min · social 1 h 5 min · email 7 h",
        "preferred channel": "chat 54 % · phone 25 % · email 11 % · social 9 %",
        "satisfied": "87 % chat 86 % · email 91 %",
        "net promoter score": f"+32 phone +42 · chat {MINUS}4",
        "unresolved": "152 over 1 h · 61 over 8 h",
        "customers kept": "99.2 % of 4,021 · 0.7 % left",
        "customers served": "1,944 21 % on several channels",
    }
    assert page.complaints == []


async def test_of_what_nothing_is_known_no_measure_is_shown(open_page, source):
    nothing = {"all": None, "channels": {}}
    source.measures = MEASURES | {
        **dict.fromkeys(("csat_ratio", "net_promoter_score", "resolution_seconds"), nothing),
        "unresolved": [{"older_than_seconds": 3600.0, "tickets": 0}],
        "retention_ratio": None,
        "customers": 0,
        "omnichannel_ratio": None,
    }
    page = await open_page()
    assert list(await measures_on(page)) == ["preferred channel"]
    source.measures = {**source.measures, "tickets_ratio": {}}
    await page.locator(".measures").wait_for(state="hidden")
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("width", "height"), [(390, 844), (1280, 720), (1366, 768), (1920, 1080), (3840, 2160)]
)
async def test_all_that_there_is_to_show_has_its_place(
    open_page, source, screenshots, width, height, scheme
):
    with_clocks(source)
    source.measures = MEASURES
    source.notice = "Demo: the traffic is made up."
    page = await open_page(width, height, color_scheme=scheme)
    await page.wait_for_selector(".card canvas")
    await page.screenshot(path=screenshots / f"all-{width}-{scheme}.png", full_page=width < 1000)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.evaluate(CLIPPED_SIDEWAYS) == []
    assert [each for each in await page.evaluate(CONTRASTS) if each[1] < 4.5] == []
    if width > 1000:
        assert await page.evaluate("document.documentElement.scrollHeight") <= height
        assert await page.evaluate(OUT_OF_SIGHT) == []
