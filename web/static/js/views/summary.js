// The summary of one import: name and options, progress, counts.

import { post } from "../api.js";
import { fill, h, user } from "../dom.js";
import { hasEnded } from "../follow.js";
import { capital, number, percent, span, took } from "../format.js";
import { kindNote, kindOf, made, resultPath } from "../kinds.js";
import { link } from "../router.js";
import { mayCancel } from "../session.js";
import { adviceFor, modeName, onPage } from "../words.js";
import { badge, moment } from "../parts/badge.js";
import { bar, numbers, sentence } from "../parts/bar.js";
import { outcomesButton } from "../parts/download.js";
import { notice, working } from "../parts/notice.js";
import { notes } from "./notes.js";
import { mayUndo, undoButton, undoNote } from "./undo.js";

/** summary has a root to show, the heading, show(found) and lost(error or null). undone() is called when an undo has begun. */
export function summary(first, signal, undone) {
  const heading = h("h1", {}, user(first.file_name || `Import ${first.id}`));
  const state = h("div", { class: "under" });
  const failure = h("div");
  const undo = h("div");
  const connection = h("div");
  const counts = h("div", { class: "stack" });
  const actions = h("div", { class: "actions" });
  const sheet = h("section", { class: "sheet stack", "aria-label": "Outcome" }, counts, actions);
  const left = estimate();
  const aside = notes(signal);
  const show = (found) => {
    fill(state, facts(found));
    fill(failure, found.error && failed(found));
    fill(undo, undoNote(found));
    fill(counts, found.result && hasEnded(found) && h("p", { class: "outcome" }, sentence(found)), picture(found),
      !hasEnded(found) && going(found, left(found)), found.result && [numbers(found), others(found)]);
    aside.show(found);
    act(actions, found, undone);
    sheet.hidden = !counts.hasChildNodes() && !actions.hasChildNodes();
  };
  show(first);
  return {
    heading, show,
    root: h("div", { class: "stack" },
      h("div", {}, h("p", { class: "crumbs" }, h("a", { href: "#/" }, "Imports")), heading, state),
      failure, undo, connection, aside.root,
      sheet),
    lost: (error) => fill(connection, error && notice("busy", "The connection is lost", h("p", { class: "detail" },
      "The import goes on without this page, which shows it again as soon as the server answers."))),
  };
}

function facts(found) {
  return [
    badge(found),
    h("span", {}, `Import ${found.id}`, kindNote(found) && ` of ${kindNote(found)}`),
    h("span", {}, "by ", user(found.manager)),
    moment(found.created_at),
    found.dry_run && h("span", {}, "check only, nothing imported"),
    found.mode === "all_or_nothing" && h("span", {}, modeName(found.mode).toLowerCase()),
    found.finished_at && found.started_at && h("span", {}, `took ${span(took(found.started_at, found.finished_at))}`),
  ];
}

function failed(found) {
  const tone = found.error.code === "cancelled" ? "calm" : "bad";
  return notice(tone, onPage(found.error.message), h("p", { class: "detail" }, adviceFor(found.error.code)));
}

/** picture is the bar of outcomes; before the first outcome, an indeterminate bar. */
function picture(found) {
  if (found.result) return bar(found);
  return hasEnded(found) ? null : h("div", { class: "progress waiting", role: "progressbar", "aria-label": "Waiting for the first row" }, h("span"));
}

/** going is the progress of a running import. */
function going(found, left) {
  const running = found.status === "running";
  return [
    h("p", { class: "progress-facts" },
      h("span", {}, running ? percent(found.progress) : "Being uploaded, or waiting for its turn"),
      h("span", { class: "soft" }, [
        found.rows_per_second && `${number(Math.round(found.rows_per_second))} rows/s`,
        left && `about ${span(left)} left`,
      ].filter(Boolean).join(", "))),
    running && h("p", { class: "hint" }, "Every row is stored. You may close this page: the import goes on without it."),
  ];
}

/** estimate is the time left in seconds, from the progress since the page was opened; null: unknown. */
function estimate() {
  let begun = null;
  return (found) => {
    if (found.status !== "running" || !(found.progress > 0)) return null;
    const now = { time: performance.now(), progress: found.progress };
    begun ||= now;
    const seconds = (now.time - begun.time) / 1000;
    const part = now.progress - begun.progress;
    return seconds > 1 && part > 0 ? ((1 - now.progress) * seconds) / part : null;
  };
}

/** others are the counts of customers and orders that are not 0; null for a key limited to products. */
function others(found) {
  const r = found.result;
  if (found.dry_run || done(found) === 0 || !Number.isFinite(r.created_orders_count)) return null; // of another kind, or not for this key
  const parts = [
    ["Customers", r.created_customers_count, r.existed_customers_count],
    ["Orders", r.created_orders_count, r.existed_orders_count],
  ].filter(([, made, existed]) => made + existed > 0);
  return parts.length > 0 && h("p", { class: "aside" }, parts.map(([name, made, existed]) => h("span", {}, h("strong", {}, `${name}: `),
    [made > 0 && `${number(made)} new`, existed > 0 && `${number(existed)} existing`].filter(Boolean).join(", "))));
}

function done(found) {
  const { created, updated, existed } = made(found);
  return created + updated + existed;
}

/** act updates the buttons for the state; a button that stays keeps its focus. */
function act(actions, found, undone) {
  const wanted = [
    !hasEnded(found) && mayCancel(found) && "cancel",
    made(found).created > 0 && !found.undo && shownIn(found) && "licenses",
    hasEnded(found) && !found.dry_run && done(found) > 0 && "outcomes",
    mayUndo(found) && "undo",
  ].filter(Boolean);
  if (actions.dataset.version === wanted.join()) return;
  actions.dataset.version = wanted.join();
  actions.hidden = wanted.length === 0;
  fill(actions,
    wanted.includes("cancel") && cancelButton(found),
    wanted.includes("licenses") && shownIn(found),
    wanted.includes("outcomes") && outcomesButton(found),
    wanted.includes("undo") && undoButton(found, undone));
}

/** lists are the page's lists of what imports make, by kind. */
const lists = {
  licenses: (found) => ({ href: link("licenses", { import_id: found.id }), text: "View the imported licenses" }),
  customers: () => ({ href: link("customers"), text: "View the customers" }),
};

/** shownIn leads to what an import has made; null: the page has no list of it. */
function shownIn(found) {
  const list = lists[kindOf(found).name]?.(found);
  return list ? h("a", { class: "button", href: list.href }, list.text) : null;
}

function cancelButton(found) {
  const button = h("button", { type: "button", class: "button danger" }, "Cancel the import");
  button.addEventListener("click", () => {
    const close = () => dialog.close();
    const yes = h("button", { type: "button", class: "button danger" }, "Cancel the import");
    yes.addEventListener("click", () => working(yes, async () => {
      await post(`${resultPath(found)}cancel/`);
      close();
    }));
    const dialog = h("dialog", { "aria-labelledby": "cancel-title", on: { close: () => dialog.remove() } },
      h("h2", { id: "cancel-title" }, "Cancel this import?"),
      h("p", {}, `${capital(kindOf(found).many)} that are imported already stay. The remaining rows are skipped.`),
      h("div", { class: "actions" }, h("button", { type: "button", class: "button", on: { click: close } }, "Keep importing"), yes));
    document.body.append(dialog);
    dialog.showModal();
  });
  return button;
}
