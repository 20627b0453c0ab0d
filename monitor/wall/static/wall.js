// The wall: takes a snapshot a second, and says clearly when none comes.

import { Card, stateOf, stateWords, title } from "./card.js";
import { clocksOf } from "./clocks.js";
import { fieldsOf, setData, setText, showState } from "./dom.js";
import { clockTime } from "./format.js";
import { SILENCE_SECONDS, judge } from "./freshness.js";
import { Measures } from "./measures.js";
import { Stream } from "./stream.js";
import { initTheme } from "./theme.js";

const TICK_MILLISECONDS = 250;
const MARKS = { overdue: "●", risk: "▲", likely: "◆", calm: "✓" };

const fields = fieldsOf(document.body);
const measures = new Measures(fields);
const cards = new Map();
const announced = new Map();
let snapshot = null;
let receivedAt = performance.now();

const elapsedSeconds = () => (performance.now() - receivedAt) / 1000;

function receive(newest) {
  // A screen that hangs for months gets a new page with a new release.
  if (snapshot && snapshot.version !== newest.version) location.reload();
  snapshot = newest;
  receivedAt = performance.now();
  showChannels(snapshot.channels);
  measures.update(snapshot.measures);
  setText(fields.version, snapshot.version ? `v${snapshot.version}` : "");
  setText(fields.notice, snapshot.notice ?? "");
  fields.notice.hidden = !snapshot.notice;
  tick();
}

function showChannels(channels) {
  const keys = channels.map((channel) => JSON.stringify([channel.channel, channel.team]));
  if (keys.join() !== [...cards.keys()].join()) layOut(keys);
  channels.forEach((channel, index) => cards.get(keys[index]).update(channel, snapshot));
  fields.empty.hidden = channels.length > 0;
  setText(fields.empty, "There are no channels to watch yet: they appear here as soon as the policy names one.");
  announceStates(channels, keys);
}

function layOut(keys) {
  const kept = keys.map((key) => [key, cards.get(key) ?? new Card()]);
  cards.clear();
  for (const [key, card] of kept) cards.set(key, card);
  fields.wall.replaceChildren(...[...cards.values()].map((card) => card.element));
  const columns = Math.min(4, Math.max(1, Math.ceil(Math.sqrt(keys.length))));
  setData(fields.wall, "columns", String(columns));
}

function announceStates(channels, keys) {
  const changed = channels.filter((channel, index) => changes(keys[index], stateOf(channel)));
  announce(changed.map((channel) => `${title(channel)}: ${stateWords(channel)}`));
}

/** Whether the state differs from the last one told; the first one is no change. */
function changes(key, state) {
  const before = announced.get(key);
  announced.set(key, state);
  return before !== undefined && before !== state;
}

function announce(sentences) {
  if (sentences.length) fields.announcer.textContent = sentences.join(". ");
}

function tick() {
  const elapsed = elapsedSeconds();
  const freshness = judge(snapshot, elapsed, stream.isOpen);
  showFreshness(freshness);
  showOverall(freshness);
  if (!snapshot) return;
  // What is stale stands still: a countdown that runs on would call answered tickets overdue.
  const clock = clockNow(Math.min(elapsed, SILENCE_SECONDS));
  setText(fields.clock, clock == null ? "--:--:--" : clockTime(clock));
  for (const card of cards.values()) card.tick(clock ?? snapshot.now);
}

/** The time the figures are true for: while partitions are behind, an answer may be unread. */
function clockNow(since) {
  return snapshot.state === "live" ? snapshot.now + since : snapshot.clock;
}

function showFreshness(freshness) {
  setData(document.body, "connection", freshness.kind);
  setText(fields.connection, freshness.word);
  fields.banner.hidden = !freshness.title;
  setText(fields["banner-title"], freshness.title ?? "");
  setText(fields["banner-reason"], freshness.reason ?? "");
  if (changes("freshness", freshness.kind)) {
    announce([freshness.kind === "stale" ? `Figures are stale. ${freshness.reason}` : `Figures are ${freshness.word}`]);
  }
}

function showOverall({ kind, word }) {
  const { state, words } = overall(kind, word);
  showState(fields.overall, state);
  setText(fields["overall-word"], words);
  document.title = `${MARKS[state] ?? "■"} ${words} – SLA wall`;
}

function overall(kind, word) {
  if (kind === "stale") return { state: "stale", words: "STALE" };
  if (!snapshot?.channels.length) return { state: "stale", words: snapshot ? "no channels" : word };
  const clocks = snapshot.channels.flatMap(clocksOf);
  const sum = (name) => clocks.reduce((total, clock) => total + (clock[name] ?? 0), 0);
  const all = { overdue: sum("overdue"), at_risk: sum("at_risk"), likely_late: sum("likely_late") };
  const state = stateOf(all);
  return { state, words: state === "calm" ? "all calm" : stateWords(all) };
}

initTheme(fields.theme, () => cards.forEach((card) => card.repaint()));
const stream = new Stream("events", receive);
setInterval(() => {
  stream.check();
  tick();
}, TICK_MILLISECONDS);
