// Tickets by name, those that are due first first, and their countdowns.

import { fromTemplate, setText, showState } from "./dom.js";
import { sinceTime, stopwatch } from "./format.js";

export class Queue {
  #list;
  #rows = [];
  #tickets = [];

  constructor(list) {
    this.#list = list;
  }

  /** `about` says in a few words whose a ticket is. */
  update(tickets, about, now) {
    this.#tickets = tickets;
    while (this.#rows.length < tickets.length) this.#addRow();
    while (this.#rows.length > tickets.length) this.#rows.pop().element.remove();
    this.#rows.forEach((row, index) => showTicket(row, tickets[index], about, now));
  }

  tick(now) {
    this.#rows.forEach((row, index) => showCountdown(row, this.#tickets[index], now));
  }

  #addRow() {
    const row = fromTemplate("ticket");
    this.#rows.push(row);
    this.#list.append(row.element);
  }
}

function showTicket({ fields }, ticket, about, now) {
  setText(fields.id, ticket.ticket_id);
  fields.id.title = ticket.ticket_id;
  setText(fields.about, [...about(ticket), `since ${sinceTime(ticket.created_at, now)}`].filter(Boolean).join(" · "));
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
