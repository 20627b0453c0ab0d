// The clocks beside the first response: the next reply, and the resolution.

import { count, duration, plural } from "./format.js";

const NAMES = { next_reply: ["next reply", "next replies"], resolution: ["resolution", "resolutions"] };
const STATES = { overdue: "overdue", at_risk: "at risk", likely_late: "likely late" };

const namesOf = (clock) => NAMES[clock] ?? [clock, clock];

export const clockName = ({ clock }) => namesOf(clock)[0];

/** A channel's clocks: that of the first response, which is the channel itself, and the others. */
export const clocksOf = (channel) => [channel, ...(channel.clocks ?? [])];

/** The worst that is true of any of its clocks, as a name, and in the words of the first of them. */
export function worst(channel) {
  const clocks = clocksOf(channel);
  const state = Object.keys(STATES).find((name) => clocks.some((each) => each[name]));
  const first = clocks.find((each) => each[state]);
  return { state, words: first ? `${howMany(first, first[state])} ${STATES[state]}` : "" };
}

/** How a clock stands: "next reply: 3 running, 1 at risk". */
export function standing(each) {
  const parts = [[each.waiting, "running"], [each.overdue, "overdue"], [each.at_risk - each.overdue, "at risk"]];
  const words = parts.filter(([number]) => number > 0).map(([number, word]) => `${count(number)} ${word}`);
  return `${clockName(each)}: ${words.join(", ") || "none running"}`;
}

/** "next reply within 8 h". */
export const promise = (each) => `${clockName(each)} within ${duration(each.target.limit_seconds)}`;

const howMany = ({ clock }, number) => (clock ? plural(number, ...namesOf(clock)) : count(number));
