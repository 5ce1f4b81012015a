// A list of the administration, read again after each change.

import { get } from "../../api.js";
import { fill, h } from "../../dom.js";
import { count } from "../../format.js";
import { empty, loading, problem } from "../../parts/notice.js";
import { pager } from "../../parts/pager.js";
import { table } from "../../parts/table.js";
import { go, link, pageOf } from "../../router.js";

const size = 50;

/**
 * adminList makes a list of kind: place (its address), path (in the API), noun, caption, columns, draw(record, again) and nothing
 * (title and text of an empty list). It has a root, show(query) and again().
 */
export function adminList(kind, signal) {
  const root = h("div", { class: "stack" }, loading());
  let page = 1;
  const again = async () => {
    root.setAttribute("aria-busy", "true");
    try {
      const found = await get(kind.path, { signal, query: { limit: size, offset: (page - 1) * size } });
      fill(root, found.results.length === 0 ? empty(kind.nothing[0], h("p", {}, kind.nothing[1])) : [
        h("h2", {}, count(found.count, kind.noun, kind.nouns)),
        h("div", { class: "sheet" }, table(kind.caption, kind.columns, found.results.map((record) => kind.draw(record, again)))),
        pager({ page, size, count: found.count, noun: kind.nouns || `${kind.noun}s`, href: (n) => link(kind.place, { page: n }), goTo: (n) => go(kind.place, { page: n }) }),
      ]);
    } catch (error) {
      if (error.name === "AbortError") return;
      fill(root, problem(error, again));
    }
    root.removeAttribute("aria-busy");
  };
  const show = (query) => {
    page = pageOf(query);
    again();
  };
  return { root, show, again };
}
