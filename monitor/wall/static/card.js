// One channel (or one team of it): how many wait, who is next to break the promise, how well
// it was kept.

import { HourChart } from "./chart.js";
import { fromTemplate, setData, setText, showState } from "./dom.js";
import { count, duration, percent, plural, sinceTime, stopwatch } from "./format.js";

const TICKETS_SHOWN = 6;

export class Card {
  #fields;
  #chart;
  #rows = [];
  #tickets = [];
  #channel;

  constructor() {
    const { element, fields } = fromTemplate("card");
    this.element = element;
    this.#fields = fields;
    this.#chart = new HourChart(fields);
  }

  update(channel, snapshot) {
    this.#channel = channel;
    this.#showHead(channel, snapshot.now);
    this.#showFigures(channel);
    this.#showService(channel);
    this.#showBudget(channel);
    this.#showTickets(channel, snapshot.now);
    this.#chart.update(channel.hour, snapshot.clock ?? snapshot.now);
  }

  repaint() {
    this.#chart.repaint();
  }

  /** Moves the countdowns; `now` is the server's. */
  tick(now) {
    setText(this.#fields.state, stateWords(this.#channel, now));
    this.#rows.forEach((row, index) => showCountdown(row, this.#tickets[index], now));
  }

  #showHead(channel, now) {
    const { at_risk_seconds: risk, limit_seconds: limit } = channel.target;
    setText(this.#fields.name, title(channel));
    const hours = channel.hours ? ` · ${channel.hours.name}` : "";
    const promise = `first reply within ${duration(limit)}, at risk after ${duration(risk)}${hours}`;
    setText(this.#fields.promise, promise);
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
    this.#tickets = channel.tickets.slice(0, TICKETS_SHOWN);
    while (this.#rows.length < this.#tickets.length) this.#addRow();
    while (this.#rows.length > this.#tickets.length) this.#rows.pop().element.remove();
    this.#rows.forEach((row, index) => showTicket(row, this.#tickets[index], channel, now));
    const more = channel.waiting - this.#tickets.length;
    setText(this.#fields.more, channel.waiting ? more > 0 ? `and ${count(more)} more` : "" : "Nobody is waiting.");
  }

  #addRow() {
    const row = fromTemplate("ticket");
    this.#rows.push(row);
    this.#fields.tickets.append(row.element);
  }
}

export function title({ channel, team }) {
  return team ? `${channel} · ${team}` : channel;
}

export function stateOf({ overdue, at_risk: risk, likely_late: likely }) {
  if (overdue) return "overdue";
  if (risk) return "risk";
  return likely ? "likely" : "calm";
}

/** While a team is away its clocks stand still: nothing gets worse until it is back. */
export function stateWords({ overdue, at_risk: risk, likely_late: likely, hours }, now) {
  const back = hours?.opens_at;
  const closed = back != null && now < back ? `closed, opens in ${roughly(back - now)}` : "";
  const late = likely ? `${count(likely)} likely late` : "";
  const words = overdue ? `${count(overdue)} overdue` : risk ? `${count(risk)} at risk` : late;
  return [words, closed].filter(Boolean).join("; ") || "calm";
}

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

function showTicket({ fields }, ticket, { team }, now) {
  setText(fields.id, ticket.ticket_id);
  fields.id.title = ticket.ticket_id;
  const about = [ticket.priority, team ? "" : ticket.team, `since ${sinceTime(ticket.created_at, now)}`];
  setText(fields.about, about.filter(Boolean).join(" · "));
}

function showCountdown({ element, fields }, ticket, now) {
  const left = ticket.due_at - now;
  const early = ticket.is_likely_late ? "likely" : "calm";
  const state = left < 0 ? "overdue" : now > ticket.at_risk_at ? "risk" : early;
  const chance = chanceOf(ticket);
  const words = {
    overdue: "overdue",
    risk: `at risk${chance}`,
    likely: `likely late${chance}`,
    calm: chance ? `left${chance} late` : "left",
  };
  showState(element, state);
  setText(fields.time, left < 0 ? `+${stopwatch(-left)}` : stopwatch(Math.ceil(left)));
  setText(fields.word, words[state]);
}

/** The chance of missing the limit; never 0 % nor 100 %, for no forecast is certain. */
function chanceOf({ chance_of_missing: chance }) {
  return chance == null ? "" : `, ${Math.min(99, Math.max(1, Math.round(chance * 100)))} %`;
}
