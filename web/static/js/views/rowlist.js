// A paged list of an import's rows, fetched when it is shown.

import { get } from "../api.js";
import { fill, h, say } from "../dom.js";
import { number } from "../format.js";
import { hasEnded } from "../follow.js";
import { resultPath } from "../kinds.js";
import { go, link, pageOf } from "../router.js";
import { loading, problem } from "../parts/notice.js";
import { pager } from "../parts/pager.js";
import { table } from "../parts/table.js";

const size = 50;

/**
 * rowList shows one list of an import's rows. kind gives: its name in the address,
 * its path in the API, a caption, columns, the filter from a query, the number of
 * rows known, and draw(row), which returns one or more table rows.
 */
export function rowList(of, kind, signal) {
  const { id } = of;
  const root = h("div", { class: "stack" }, loading());
  let shown = { place: "", rows: "" };
  let round = new AbortController();

  const load = async (query, moved) => {
    round.abort();
    round = new AbortController();
    const page = pageOf(query);
    root.setAttribute("aria-busy", "true");
    try {
      const found = await get(`${resultPath(of)}${kind.path}/`, {
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
  /** show fetches the query's page, and again while the page is not full and when the import ends. */
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
