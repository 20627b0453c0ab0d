// One channel (or one team of it): how many wait, who is next to break the promise, how well
// it was kept.

import { HourChart } from "./chart.js";
import { clockName, promise, standing, worst } from "./clocks.js";
import { fromTemplate, setData, setText, showState } from "./dom.js";
import { count, duration, percent, plural } from "./format.js";
import { Queue } from "./queue.js";

const TICKETS_SHOWN = 6;
const TICKETS_BESIDE_CLOCKS = 4; // of the first response and of the other clocks together
const RUNS_SHOWN = 2;

export class Card {
  #fields;
  #chart;
  #tickets;
  #runs;
  #channel;

  constructor() {
    const { element, fields } = fromTemplate("card");
    this.element = element;
    this.#fields = fields;
    this.#chart = new HourChart(fields);
    this.#tickets = new Queue(fields.tickets);
    this.#runs = new Queue(fields.runs);
  }

  update(channel, snapshot) {
    this.#channel = channel;
    this.#showHead(channel, snapshot.now);
    this.#showFigures(channel);
    this.#showService(channel);
    this.#showBudget(channel);
    this.#showTickets(channel, snapshot.now);
    this.#showClocks(channel, snapshot.now);
    this.#chart.update(channel.hour, snapshot.clock ?? snapshot.now);
  }

  repaint() {
    this.#chart.repaint();
  }

  /** Moves the countdowns; `now` is the server's. */
  tick(now) {
    setText(this.#fields.state, stateWords(this.#channel, now));
    this.#tickets.tick(now);
    this.#runs.tick(now);
  }

  #showHead(channel, now) {
    const { at_risk_seconds: risk, limit_seconds: limit } = channel.target;
    setText(this.#fields.name, title(channel));
    const hours = channel.hours ? ` · ${channel.hours.name}` : "";
    const words = `first reply within ${duration(limit)}, at risk after ${duration(risk)}${hours}`;
    setText(this.#fields.promise, words);
    showState(this.element, stateOf(channel));
    setText(this.#fields.state, stateWords(channel, now));
  }

  #showFigures(channel) {
    for (const name of ["waiting", "at_risk", "overdue"]) {
      const field = this.#fields[name];
      setText(field, count(channel[name]));
      setData(field.parentElement, "zero", String(!channel[name]));
      setData(field, "digits", String(Math.min(field.textContent.length, 7)));
    }
  }

  #showService(channel) {
    const { ratio } = channel.target;
    setText(this.#fields.target, `target ${percent(ratio)}`);
    for (const cell of this.element.querySelectorAll(".share td")) {
      showShare(cell, channel.windows?.[cell.dataset.window]?.service_level_ratio, ratio);
    }
    for (const cell of this.element.querySelectorAll("[data-quantile] td")) {
      const seconds = channel.windows?.[cell.dataset.window]?.[cell.parentElement.dataset.quantile];
      setText(cell, seconds == null ? "–" : duration(seconds));
    }
  }

  #showBudget({ error_budget: budget, target, windows }) {
    const decided = windows?.["24h"]?.service_level_ratio != null;
    setText(this.#fields.budget, decided && budget != null ? budgetWords(budget, percent(target.ratio)) : "");
  }

  #showTickets(channel, now) {
    this.#fields.likely.hidden = !channel.likely_late;
    setText(this.#fields["likely-words"], `${count(channel.likely_late)} likely late`);
    const room = channel.clocks?.length ? TICKETS_BESIDE_CLOCKS - runsShown(channel).length : TICKETS_SHOWN;
    const shown = channel.tickets.slice(0, room);
    this.#tickets.update(shown, (ticket) => whose(ticket, channel), now);
    const more = channel.waiting - shown.length;
    setText(this.#fields.more, channel.waiting ? more > 0 ? `and ${count(more)} more` : "" : "Nobody is waiting.");
  }

  /** What is next to miss the limit of another clock, whichever it is. */
  #showClocks(channel, now) {
    const clocks = channel.clocks ?? [];
    this.#fields.clocks.hidden = !clocks.length;
    this.#runs.update(clocks.length ? runsShown(channel) : [], (run) => [run.name, ...whose(run, channel)], now);
    setText(this.#fields.standing, clocks.map(standing).join(" · "));
    this.#fields.standing.title = clocks.map(promise).join(", ");
  }
}

export function title({ channel, team }) {
  return team ? `${channel} · ${team}` : channel;
}

export function stateOf(channel) {
  return { overdue: "overdue", at_risk: "risk", likely_late: "likely" }[worst(channel).state] ?? "calm";
}

/** While a team is away its clocks stand still: nothing gets worse until it is back. */
export function stateWords(channel, now) {
  const back = channel.hours?.opens_at;
  const closed = back != null && now < back ? `closed, opens in ${roughly(back - now)}` : "";
  return [worst(channel).words, closed].filter(Boolean).join("; ") || "calm";
}

function runsShown({ clocks }) {
  const runs = clocks.flatMap((clock) => clock.tickets.map((ticket) => ({ ...ticket, name: clockName(clock) })));
  return runs.sort((one, other) => one.due_at - other.due_at).slice(0, RUNS_SHOWN);
}

/** Whose a ticket is; the team only where the card is not the team's own. */
const whose = ({ priority, team }, channel) => [priority, channel.team ? "" : team];

function budgetWords(budget, target) {
  if (budget < 0) return `24 h: ${plural(-budget, "miss", "misses")} too many to meet ${target}`;
  return `24 h: you can miss ${budget ? count(budget) : "no"} more and still meet ${target}`;
}

/** The largest unit only: "14 h", where every minute more would take the room of the promise. */
function roughly(seconds) {
  return duration(seconds).split(" ", 2).join(" ");
}

function showShare(cell, share, target) {
  const [value, note] = cell.children;
  const judged = share == null ? "none" : share < target ? "below" : "met";
  const words = { none: "no tickets decided", below: "▼ below", met: "✓ on target" };
  setText(value, share == null ? "–" : percent(share));
  setText(note, words[judged]);
  setData(cell, "judged", judged);
}
