// A paged list of an import's rows, fetched when it is looked at.

import { get } from "../api.js";
import { fill, h, say } from "../dom.js";
import { number } from "../format.js";
import { hasEnded } from "../follow.js";
import { go, link, pageOf } from "../router.js";
import { loading, problem } from "../parts/notice.js";
import { pager } from "../parts/pager.js";
import { table } from "../parts/table.js";

const size = 50;

/**
 * rowList shows one of an import's lists of rows. kind has its name in the
 * address and in the API (path), a caption, columns, the filter of a query, the
 * count of rows that are known, and draw(row), which makes one or several table
 * rows.
 */
export function rowList(id, kind, signal) {
  const root = h("div", { class: "stack" }, loading());
  let shown = { place: "", rows: "" };
  let round = new AbortController();

  const load = async (query, moved) => {
    round.abort();
    round = new AbortController();
    const page = pageOf(query);
    root.setAttribute("aria-busy", "true");
    try {
      const found = await get(`licenses-import-results/${id}/${kind.path}/`, {
        signal: AbortSignal.any([signal, round.signal]),
        query: { limit: size, offset: (page - 1) * size, ...kind.filter(query) },
      });
      const address = (n) => ({ show: kind.name, ...kind.filter(query), page: n });
      fill(root, h("div", { class: "sheet" }, table(kind.caption, kind.columns, found.results.flatMap(kind.draw))),
        pager({
          page, size, count: found.count, noun: kind.caption.toLowerCase(),
          href: (n) => link(`imports/${id}`, address(n)), goTo: (n) => go(`imports/${id}`, address(n)),
        }));
      if (moved) say(`${number(found.count)} rows, page ${number(page)}`);
    } catch (error) {
      if (error.name === "AbortError") return;
      fill(root, problem(error, () => load(query, moved)));
    }
    root.removeAttribute("aria-busy");
  };
  /** show fetches the part that the query asks for; again while its page fills, and at the end. */
  const show = (found, query) => {
    const page = pageOf(query);
    const place = JSON.stringify([kind.filter(query), page]);
    const rows = `${Math.min(page * size, kind.count(found, query))} ${hasEnded(found)}`;
    if (place === shown.place && rows === shown.rows) return;
    load(query, shown.place !== "" && place !== shown.place);
    shown = { place, rows };
  };
  return { root, show };
}
