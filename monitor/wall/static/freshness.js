// How far the figures can be trusted, and why: the difference between a calm wall and a dead one.

import { clockTime, count, duration, plural } from "./format.js";

/** Without a message for so long the figures are stale, and countdowns stand still. */
export const SILENCE_SECONDS = 3;
const CLOCK_AGE_SECONDS = 5;

/** `elapsed` is seconds since the last message, `isOpen` whether the stream is connected. */
export function judge(snapshot, elapsed, isOpen) {
  if (elapsed > SILENCE_SECONDS) {
    return stale(snapshot, elapsed, "connection", lostReason(isOpen));
  }
  if (!snapshot) return { kind: "connecting", word: "connecting" };
  if (snapshot.state === "broker_away") {
    return stale(snapshot, elapsed, "broker away", "The broker is away; waiting for it.");
  }
  if (snapshot.state === "starting") {
    return stale(snapshot, elapsed, "starting", `Starting; ${catchingUp(snapshot)}.`);
  }
  if ((snapshot.clock_age_seconds ?? 0) > CLOCK_AGE_SECONDS) {
    const reason = `${sentence(catchingUp(snapshot))}${clockAt(snapshot)}.`;
    return stale(snapshot, elapsed, "catching up", reason);
  }
  if (snapshot.state === "behind") return behind(snapshot);
  return { kind: "live", word: "live" };
}

function stale(snapshot, elapsed, word, reason) {
  const known = snapshot?.clock != null;
  const age = (snapshot?.clock_age_seconds ?? 0) + elapsed;
  const what = known ? `figures are from ${duration(Math.floor(age))} ago` : "no figures yet";
  return { kind: "stale", word, title: `STALE – ${what}`, reason };
}

function behind(snapshot) {
  const records = plural(snapshot.lag_records, "record");
  return {
    kind: "behind",
    word: "catching up",
    title: `Catching up, ${records} behind${clockAt(snapshot)}`,
    reason: `${partitions(snapshot)}.`,
  };
}

const lostReason = (isOpen) =>
  isOpen ? "No message from the monitor." : "The connection is lost; trying again.";

const catchingUp = ({ lag_records: lag }) =>
  lag ? `still catching up: ${plural(lag, "record")} behind` : "still catching up";

const clockAt = (snapshot) =>
  snapshot.clock == null ? "" : `; clock at ${clockTime(snapshot.clock)}`;

const partitions = ({ partitions_caught_up: done, partitions: all }) =>
  `${count(done)} of ${plural(all, "partition")} caught up`;

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
