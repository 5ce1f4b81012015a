// Numbers, times and sizes, as the reader's own language writes them.

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

/** bytes is a size that a person compares. */
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

/** span is how long something took or will take, in seconds, roughly. */
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

/** percent rounds down, so that 100 % is only said at the end. */
export function percent(part) {
  return `${Math.floor(part * 100)} %`;
}

/** capital makes a text begin as a sentence does. */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** words turns a column's name into words: max_activations is "max activations". */
export function words(name) {
  return name.replace(/^(license|customer|order|product)__/, "").replaceAll("_", " ");
}

/** beginning is a text, cut to so many characters. */
export function beginning(text, most) {
  const characters = [...text.slice(0, 2 * most + 2)]; // as people count them, and no more than are needed
  return characters.length > most ? `${characters.slice(0, most).join("")}…` : text;
}
