// The start view: a place to drop a file, and the list of imports, newest first.

import { pause } from "../api.js";
import { fill, h, uniqueId, user } from "../dom.js";
import { capital, number } from "../format.js";
import { imports as newest, kindNote, kinds } from "../kinds.js";
import { go, link, pageOf } from "../router.js";
import { mayImport, session } from "../session.js";
import { busy, upload } from "../upload.js";
import { modeName } from "../words.js";
import { badge, moment } from "../parts/badge.js";
import { bar, outcomes } from "../parts/bar.js";
import { saveButton } from "../parts/download.js";
import { filter } from "../parts/filter.js";
import { empty, loading, problem } from "../parts/notice.js";
import { pager } from "../parts/pager.js";
import { row, table, update } from "../parts/table.js";
import { uploader } from "../parts/uploader.js";

const size = 20;
const busyEvery = 1000; // ms, while an import is running
const calmEvery = 5000;
const statuses = [["", "Any"], ["pending", "Waiting"], ["running", "Running"], ["success", "Done"], ["error", "Failed"]];
const columns = [
  { label: "File", class: "lead wide" }, { label: "Status" }, { label: "Rows", class: "number" },
  { label: "Rejected", class: "number" }, { label: "By" }, { label: "When" },
];

export function imports({ root, query, signal, title }) {
  const heading = h("h1", {}, "Imports");
  const list = h("div", { class: "stack" }, loading());
  const [byKind, byStatus] = [filter("Kind"), filter("Status")];
  fill(root, heading,
    mayImport() && chooser(signal),
    h("section", { class: "stack", "aria-labelledby": "list-title" },
      h("h2", { id: "list-title" }, "Recent imports"),
      h("div", { class: "filters" }, byKind.root, byStatus.root),
      list));
  title(heading, "Imports");

  const shown = watch(list, signal);
  const apply = (next) => {
    byKind.show([["", "Any"], ...kinds.map((k) => [k.name, capital(k.many)])].map(([kind, label]) => ({
      label, href: link("", { status: next.status, kind }), chosen: (next.kind || "") === kind,
    })));
    byStatus.show(statuses.map(([status, label]) => ({
      label, href: link("", { status, kind: next.kind }), chosen: (next.status || "") === status,
    })));
    shown(next);
  };
  apply(query);
  return apply;
}

let lastKind = ""; // that was chosen in this tab

/** chooser is the choice of what the rows of a file are, and then the place for the file. */
function chooser(signal) {
  const place = h("div");
  let round = new AbortController();
  const show = (kind) => {
    round.abort();
    round = new AbortController();
    lastKind = kind.name;
    fill(place, uploader({
      title: "Drop a CSV or Excel file here", kind, signal: AbortSignal.any([signal, round.signal]),
      hint: `with one ${kind.one} per row. The template has all columns and an example.`,
      aside: [
        saveButton(`${kind.template}.csv`, `${kind.template}.csv`, "Download the template"),
        saveButton(`${kind.template}.xlsx`, `${kind.template}.xlsx`, "Template for Excel"),
      ],
    }));
  };
  const limited = session.me.products.length > 0;
  const offered = kinds.filter((k) => k.ofProducts || !limited);
  const now = offered.find((k) => k.name === (busy() ? upload.kind.name : lastKind)) || offered[0];
  show(now);
  return h("div", { class: "stack" },
    h("fieldset", { class: "kinds" }, h("legend", {}, "What is in the file?"), offered.map((k) => {
      const id = uniqueId("kind");
      return h("span", { class: "kind" },
        h("input", { type: "radio", id, name: "kind", value: k.name, checked: k === now, on: { change: () => show(k) } }),
        h("label", { for: id }, contents[k.name] || capital(k.many)));
    })),
    place);
}

const contents = { features: "Features of licenses" };

/** watch polls the list; it returns a function that shows another page of it. */
function watch(list, signal) {
  let query = {};
  let wake = new AbortController();
  const loop = async () => {
    while (!signal.aborted) {
      const round = AbortSignal.any([signal, wake.signal]);
      try {
        await pause(await load(list, query, round, () => wake.abort()), round);
      } catch (error) {
        if (error.name !== "AbortError") throw error;
        if (wake.signal.aborted) wake = new AbortController();
      }
    }
  };
  document.addEventListener("visibilitychange", () => document.hidden || wake.abort(), { signal });
  let started = false;
  return (next) => {
    query = next;
    if (started) wake.abort();
    else loop();
    started = true;
  };
}

/** load draws one page; it returns the milliseconds until the next poll. */
async function load(list, query, signal, retry) {
  if (document.hidden) return calmEvery;
  const page = pageOf(query);
  let found;
  try {
    found = await newest({ kind: query.kind, limit: size, offset: (page - 1) * size, status: query.status, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    tell(list, error, retry);
    return calmEvery;
  }
  signal.throwIfAborted();
  draw(list, found, query, page);
  return found.results.some((r) => r.status === "running" || r.status === "pending") ? busyEvery : calmEvery;
}

/** tell shows why the list could not be fetched. A message that is there stays: its button may have the focus. */
function tell(list, error, retry) {
  if (list.querySelector(".notice .detail")?.textContent === error.message) return;
  fill(list, problem(error, retry));
}

function draw(list, found, query, page) {
  if (found.results.length === 0) return fill(list, nothing(query, page));
  let body = list.querySelector("tbody");
  if (!body) {
    fill(list, h("div", { class: "sheet" }, table("Imports, newest first", columns, [])), h("div"));
    body = list.querySelector("tbody");
  }
  update(body, found.results.map((r) => ({ key: String(r.id), version: JSON.stringify(r), make: () => importRow(r) })));
  const place = list.lastElementChild;
  const version = `${page} ${found.count} ${query.status} ${query.kind}`;
  if (place.dataset.version === version) return list;
  place.dataset.version = version;
  return fill(place, pager({
    page, size, count: found.count, noun: "imports",
    href: (n) => link("", { status: query.status, kind: query.kind, page: n }), goTo: (n) => go("", { status: query.status, kind: query.kind, page: n }),
  }));
}

function nothing(query, page) {
  if (page > 1) return empty("This page is empty", h("p", {}, h("a", { href: link("", { status: query.status, kind: query.kind }) }, "Go to the first page")));
  if (query.status || query.kind) return empty("No imports match", h("p", {}, h("a", { href: "#/" }, "Show all imports")));
  return empty("No imports yet", h("p", {}, mayImport()
    ? "Drop a file above. If you don’t have one yet, start with the template."
    : "They appear here as soon as someone imports a file."));
}

function importRow(r) {
  const notes = [kindNote(r), r.dry_run && "check only", r.mode === "all_or_nothing" && modeName(r.mode).toLowerCase()].filter(Boolean);
  const rejected = outcomes(r).find((o) => o.kind === "rejected")?.rows;
  return row(columns, [
    [h("a", { class: "file-name", href: link(`imports/${r.id}`) }, user(r.file_name || "(no name)")),
      h("div", { class: "under" }, `Import ${r.id}`, notes.map((n) => h("span", {}, n)))],
    [badge(r), r.result && r.status !== "error" && h("div", {}, bar(r, true))],
    r.result ? number(r.result.total_row_count) : "–",
    rejected === undefined ? "–" : number(rejected),
    user(r.manager),
    moment(r.created_at),
  ]);
}
