import { h } from "../dom.js";
import { exactTime, time } from "../format.js";
import { status } from "../words.js";

/** badge shows the status of an import by a word and a colour. */
export function badge(found) {
  const [word, tone] = status(found);
  return h("span", { class: `badge ${tone}` }, word);
}

/** moment is a time; its tooltip adds seconds and zone. */
export function moment(iso) {
  return h("time", { datetime: iso, title: exactTime(iso) }, time(iso));
}
