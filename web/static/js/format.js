// Numbers, times and sizes in the browser's language.

const whole = new Intl.NumberFormat();
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "long" });

/** number is 100,000 for 100000. */
export function number(n) {
  return whole.format(n);
}

/** count is "1 row", "2 rows". */
export function count(n, one, many = `${one}s`) {
  return `${number(n)} ${n === 1 ? one : many}`;
}

/** time is a moment in local time. */
export function time(iso) {
  return moment.format(new Date(iso));
}

/** exactTime is a moment in local time with seconds and the zone. */
export function exactTime(iso) {
  return exact.format(new Date(iso));
}

/** bytes is a size with its unit, such as 1.2 MB. */
export function bytes(n) {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (n >= 1000 && unit < units.length - 1) {
    n /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && n < 10 ? 1 : 0;
  return `${n.toLocaleString(undefined, { maximumFractionDigits: digits })} ${units[unit]}`;
}

/** span is a rounded duration; it takes seconds. */
export function span(seconds) {
  if (seconds < 1) return "less than a second";
  if (seconds < 90) return count(Math.round(seconds), "second");
  if (seconds < 5400) return count(Math.round(seconds / 60), "minute");
  return count(Math.round(seconds / 360) / 10, "hour");
}

/** took is the time between two moments, in seconds. */
export function took(from, to) {
  return (new Date(to) - new Date(from)) / 1000;
}

/** percent rounds down: 100 % appears at the end only. */
export function percent(part) {
  return `${Math.floor(part * 100)} %`;
}

/** capital makes the first letter a capital. */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** beginning cuts a text to a number of characters. */
export function beginning(text, most) {
  const characters = [...text.slice(0, 2 * most + 2)]; // code points; no more than needed
  return characters.length > most ? `${characters.slice(0, most).join("")}…` : text;
}
