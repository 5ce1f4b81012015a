// One import: its progress, the outcomes of its rows, and what to do about
// rejected rows.

import { fill, focusOn, h, say } from "../dom.js";
import { follow, isAtRest } from "../follow.js";
import { number } from "../format.js";
import { find, made, would } from "../kinds.js";
import { link } from "../router.js";
import { sentence } from "../parts/bar.js";
import { loading, problem } from "../parts/notice.js";
import { status } from "../words.js";
import { existedRows } from "./existed.js";
import { keptRows } from "./kept.js";
import { nextStep } from "./nextstep.js";
import { rejectedRows } from "./rejected.js";
import { summary } from "./summary.js";
import { updatedRows } from "./updated.js";
import { warnedRows } from "./warned.js";

export function importView({ root, params, query, signal, title }) {
  let current = query;
  let rows = null;
  const load = async () => {
    fill(root, loading());
    try {
      const found = await find(params.id, { signal });
      const bottom = h("div", { class: "loose" });
      const top = summary(found, signal, load);
      rows = rowsOf(found, signal);
      fill(bottom, nextStep(found, signal));
      fill(root, top.root, rows.root, bottom);
      title(top.heading, found.file_name || `Import ${found.id}`);
      rows.show(found, current, false);
      if (!isAtRest(found)) await watch(found, top, rows, bottom, () => current, signal);
    } catch (error) {
      if (error.name === "AbortError") return;
      const heading = h("h1", {}, `Import ${params.id}`);
      fill(root, heading, problem(error, load), h("p", {}, h("a", { href: "#/" }, "Go to the imports")));
      title(heading, `Import ${params.id}`);
    }
  };
  load();
  return (next) => {
    current = next;
    rows?.show(null, next, true);
  };
}

/** watch shows an import's progress until it ends. */
async function watch(first, top, rows, bottom, query, signal) {
  let told = Math.floor((first.progress || 0) * 4);
  let last = first;
  await follow(first, {
    signal,
    onLost: (error) => top.lost(error),
    onResult: (found) => {
      last = found;
      top.show(found);
      rows.show(found, query(), false);
      const quarter = Math.floor(found.progress * 4);
      if (quarter > told && found.status === "running") say(`${quarter * 25} percent. ${sentence(found)}`);
      told = Math.max(told, quarter);
    },
  });
  say(`${status(last)[0]}. ${sentence(last)}`);
  fill(bottom, nextStep(last, signal));
}

/** lists are the lists of an import's rows: name in the address, label, rows(found), and what makes it. */
const lists = [
  { name: "rejected", label: () => "Rejected rows", rows: (found) => found.result?.invalid_row_count, make: rejectedRows },
  { name: "updated", label: (found) => (found.dry_run ? "Would change" : "Changed"), make: updatedRows,
    rows: (found) => made(found).updated || would(found)?.updated },
  { name: "warnings", label: () => "Warnings", rows: (found) => found.result?.warning_count, make: warnedRows },
  { name: "existed", label: () => "Existed already", rows: (found) => made(found).existed, make: existedRows },
  { name: "kept", label: () => "Stayed after the undo", rows: (found) => found.undo?.kept, make: keptRows },
];

/** rowsOf has the lists that hold rows; the query selects one. */
function rowsOf(first, signal) {
  let found = first;
  const tabs = h("nav", { "aria-label": "Rows" });
  const heading = h("h2", {}, "Rows that need attention");
  const made = {};
  const place = h("div");
  const root = h("section", { class: "stack", hidden: true }, h("div", { class: "heading" }, heading, tabs), place);

  const show = (next, query, moved) => {
    found = next || found;
    const filled = lists.filter((l) => l.rows(found) > 0);
    root.hidden = filled.length === 0;
    if (root.hidden) return;
    const chosen = filled.find((l) => l.name === query.show) || filled[0];
    made[chosen.name] ||= chosen.make(first, signal);
    drawTabs(tabs, heading, found, chosen, filled);
    if (place.firstChild !== made[chosen.name].root) fill(place, made[chosen.name].root);
    made[chosen.name].show(found, query);
    if (moved) focusOn(heading);
  };
  return { root, show };
}

function drawTabs(tabs, heading, found, chosen, filled) {
  const version = JSON.stringify([chosen.name, filled.map((l) => [l.name, l.rows(found)])]);
  if (tabs.dataset.version === version) return;
  tabs.dataset.version = version;
  heading.textContent = filled.length === 1 ? chosen.label(found) : "Rows that need attention";
  tabs.hidden = filled.length === 1;
  fill(tabs, h("ul", { class: "tabs" }, filled.map((l) => h("li", {},
    h("a", { href: link(`imports/${found.id}`, { show: l.name }), "aria-current": l === chosen && "true" },
      l.label(found), " ", h("span", { class: "count" }, number(l.rows(found))))))));
}
