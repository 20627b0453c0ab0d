// Times, durations and shares as people read them.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const pad = (number) => String(number).padStart(2, "0");

/** 93 is "01:33", 3693 is "1:01:33". */
export function stopwatch(seconds) {
  const whole = Math.max(0, Math.trunc(seconds));
  const rest = `${pad(Math.floor((whole % HOUR) / MINUTE))}:${pad(whole % MINUTE)}`;
  return whole < HOUR ? rest : `${Math.floor(whole / HOUR)}:${rest}`;
}

/** 90 is "1 min 30 s"; never more than the two largest units. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return pair(whole, MINUTE, "min", 1, "s");
  if (whole < 2 * DAY) return pair(whole, HOUR, "h", MINUTE, "min");
  return pair(whole, DAY, "d", HOUR, "h");
}

function pair(seconds, large, largeName, small, smallName) {
  const more = Math.floor((seconds % large) / small);
  const first = `${Math.floor(seconds / large)} ${largeName}`;
  return more ? `${first} ${more} ${smallName}` : first;
}

/** Rounded down: 99.97 % kept is not 100 %. */
export function percent(ratio) {
  return `${Math.floor(ratio * 1000 + 1e-6) / 10} %`;
}

export const count = (number) => Number(number ?? 0).toLocaleString("en");

/** "1 record", "2 records". */
export const plural = (number, noun, nouns = `${noun}s`) => `${count(number)} ${number === 1 ? noun : nouns}`;

export function clockTime(epochSeconds) {
  const date = new Date(epochSeconds * 1000);
  return `${minuteTime(epochSeconds)}:${pad(date.getSeconds())}`;
}

export function minuteTime(epochSeconds) {
  const date = new Date(epochSeconds * 1000);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

/** The minute, with its weekday where the minute alone could be today's or yesterday's. */
export function sinceTime(epochSeconds, now) {
  const minute = minuteTime(epochSeconds);
  if (now - epochSeconds < DAY / 2) return minute;
  const day = new Date(epochSeconds * 1000).toLocaleDateString("en", { weekday: "short" });
  return `${day} ${minute}`;
}

// Controls, and marks that turn the direction of a line around: data may not reach beyond its place.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

export const printable = (text) => text.replace(UNPRINTABLE, "");
