// One import: its progress, the outcomes of its rows, and what to do about
// rejected rows.

import { get } from "../api.js";
import { fill, focusOn, h, say } from "../dom.js";
import { follow, hasEnded } from "../follow.js";
import { link } from "../router.js";
import { sentence } from "../parts/bar.js";
import { loading, problem } from "../parts/notice.js";
import { status } from "../words.js";
import { existedRows } from "./existed.js";
import { nextStep } from "./nextstep.js";
import { rejectedRows } from "./rejected.js";
import { summary } from "./summary.js";

export function importView({ root, params, query, signal, title }) {
  let current = query;
  let rows = null;
  const load = async () => {
    fill(root, loading());
    try {
      const found = await get(`licenses-import-results/${encodeURIComponent(params.id)}/`, { signal });
      const top = summary(found, signal);
      rows = rowsOf(found, signal);
      const bottom = h("div", { class: "loose" }, nextStep(found, signal));
      fill(root, top.root, rows.root, bottom);
      title(top.heading, found.file_name || `Import ${found.id}`);
      rows.show(found, current, false);
      if (!hasEnded(found)) await watch(found, top, rows, bottom, () => current, signal);
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
  await follow(first.id, {
    signal,
    onLost: (error) => top.lost(error),
    onResult: (found) => {
      last = found;
      top.show(found);
      rows.show(found, query(), false);
      const quarter = Math.floor(found.progress * 4);
      if (quarter > told && !hasEnded(found)) say(`${quarter * 25} percent. ${sentence(found)}`);
      told = Math.max(told, quarter);
    },
  });
  say(`${status(last)[0]}. ${sentence(last)}`);
  fill(bottom, nextStep(last, signal));
}

/** rowsOf has two lists, of rejected and of existed rows; the query selects one. */
function rowsOf(first, signal) {
  let found = first;
  const tabs = h("nav", { "aria-label": "Rows" });
  const heading = h("h2", {}, "Rows that need attention");
  const parts = { rejected: rejectedRows(first.id, signal), existed: existedRows(first.id, signal) };
  const place = h("div");
  const root = h("section", { class: "stack", hidden: true }, h("div", { class: "heading" }, heading, tabs), place);

  const show = (next, query, moved) => {
    found = next || found;
    const counts = { rejected: found.result?.invalid_row_count || 0, existed: found.result?.existed_licenses_count || 0 };
    root.hidden = counts.rejected + counts.existed === 0;
    if (root.hidden) return;
    const chosen = query.show || (counts.rejected > 0 ? "rejected" : "existed");
    const part = parts[chosen] || parts.rejected;
    drawTabs(tabs, heading, found.id, chosen, counts);
    if (place.firstChild !== part.root) fill(place, part.root);
    part.show(found, query);
    if (moved) focusOn(heading);
  };
  return { root, show };
}

function drawTabs(tabs, heading, id, chosen, counts) {
  const labels = [["rejected", "Rejected rows"], ["existed", "Existed already"]].filter(([name]) => counts[name] > 0);
  const version = `${chosen} ${JSON.stringify(counts)}`;
  if (tabs.dataset.version === version) return;
  tabs.dataset.version = version;
  heading.textContent = labels.length === 1 ? labels[0][1] : "Rows that need attention";
  tabs.hidden = labels.length === 1;
  fill(tabs, h("ul", { class: "chips" }, labels.map(([name, label]) => h("li", {},
    h("a", { href: link(`imports/${id}`, { show: name }), "aria-current": chosen === name && "true" },
      label, " ", h("span", { class: "count" }, counts[name].toLocaleString()))))));
}
