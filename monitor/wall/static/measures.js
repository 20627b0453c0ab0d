// The measures of a support team, below the channels: those only of which there is something to say.

import { fromTemplate, setText } from "./dom.js";
import { count, duration, percent } from "./format.js";

const CHANNELS_NAMED = 4;

export class Measures {
  #element;
  #list;
  #cells = [];

  constructor({ measures, "measures-list": list }) {
    this.#element = measures;
    this.#list = list;
  }

  update(measures) {
    const shown = measures ? SHOWN.map((show) => show(measures)).filter(Boolean) : [];
    this.#element.hidden = !shown.length;
    while (this.#cells.length < shown.length) this.#addCell();
    while (this.#cells.length > shown.length) this.#cells.pop().element.remove();
    this.#cells.forEach(({ fields }, index) => showMeasure(fields, shown[index]));
  }

  #addCell() {
    const cell = fromTemplate("measure");
    this.#cells.push(cell);
    this.#list.append(cell.element);
  }
}

function showMeasure(fields, { name, value, more }) {
  setText(fields.name, name);
  setText(fields.value, value);
  setText(fields.more, more);
}

const SHOWN = [
  ({ resolution_seconds: { all, channels } }) =>
    all != null && { name: "resolved in", value: roughly(all), more: byChannel(channels, roughly) },
  preferred,
  ({ csat_ratio: { all, channels } }) =>
    all != null && { name: "satisfied", value: whole(all), more: byChannel(channels, whole) },
  ({ net_promoter_score: { all, channels } }) =>
    all != null && { name: "net promoter score", value: signed(all), more: byChannel(channels, signed) },
  unresolved,
  ({ retention_ratio: kept, churn_ratio: churn, customer_base: base }) =>
    kept != null && {
      name: "customers kept",
      value: percent(kept),
      more: `of ${count(base)}${churn == null ? "" : ` · ${percent(churn)} left`}`,
    },
  ({ customers, omnichannel_ratio: several }) =>
    customers > 0 && { name: "customers served", value: count(customers), more: `${whole(several)} on several channels` },
];

function preferred({ tickets_ratio: shares }) {
  const [first, ...rest] = Object.entries(shares).sort(([, one], [, other]) => other - one);
  if (!first) return null;
  const more = rest.filter(([, share]) => share > 0).slice(0, CHANNELS_NAMED);
  return { name: "preferred channel", value: first[0], more: [["", first[1]], ...more].map(([name, share]) => `${name} ${whole(share)}`.trim()).join(" · ") };
}

function unresolved({ unresolved: ages }) {
  const [first, ...rest] = ages.filter(({ tickets }) => tickets > 0);
  if (!first) return null;
  const over = ({ older_than_seconds: age }) => `over ${duration(age)}`;
  const more = rest.map((each) => `${count(each.tickets)} ${over(each)}`);
  return { name: "unresolved", value: count(first.tickets), more: [over(first), ...more].join(" · ") };
}

const byChannel = (channels, show) =>
  Object.entries(channels).slice(0, CHANNELS_NAMED).map(([name, value]) => `${name} ${show(value)}`).join(" · ");

const whole = (ratio) => `${Math.floor(ratio * 100 + 1e-6)} %`;
const signed = (score) => `${score > 0 ? "+" : score < 0 ? "−" : ""}${Math.round(Math.abs(score))}`;

/** The largest unit only, or two where that says too little: "4 h", "1 h 20 min". */
const roughly = (seconds) => duration(seconds >= 7200 ? Math.round(seconds / 3600) * 3600 : seconds >= 120 ? Math.round(seconds / 60) * 60 : seconds);
