// A filter of a list: what it filters by, and the choices. Each is a link: the choice is part of the address.

import { fill, h, uniqueId } from "../dom.js";
import { number } from "../format.js";

/**
 * filter has a root, and show(choices), of { label, href, chosen, rows } each: rows is how many a choice has, where
 * that is known. The choice that has the focus keeps it.
 */
export function filter(name) {
  const id = uniqueId("filter");
  const choices = h("ul", { class: "chips" });
  let drawn = "";
  let labels = [];
  return {
    root: h("nav", { class: "filter", "aria-labelledby": id }, h("span", { class: "filter-name", id }, name), choices),
    show(next) {
      if (drawn === JSON.stringify(next)) return;
      drawn = JSON.stringify(next);
      const focused = labels[[...choices.children].findIndex((item) => item.contains(document.activeElement))];
      labels = next.map(({ label }) => label);
      fill(choices, next.map(({ label, href, chosen, rows }) => h("li", {},
        h("a", { href, "aria-current": chosen && "true" }, label,
          rows !== undefined && [" ", h("span", { class: "count" }, number(rows))]))));
      choices.children[labels.indexOf(focused)]?.firstChild.focus({ preventScroll: true });
    },
  };
}
