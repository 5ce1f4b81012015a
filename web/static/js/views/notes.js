// What a user should know about an import beside its counts: columns that were not read, an earlier import of
// the same file, the import that this one tries again.

import { get } from "../api.js";
import { fill, h, user } from "../dom.js";
import { hasEnded, isAtRest } from "../follow.js";
import { count } from "../format.js";
import { link } from "../router.js";
import { moment } from "../parts/badge.js";
import { notice } from "../parts/notice.js";

/** notes has a root and show(found). */
export function notes(signal) {
  const root = h("div", { class: "tight" });
  const show = (found) => {
    const version = JSON.stringify([found.ignored_columns, found.same_file_as, found.retry_of, found.retried_by, hasEnded(found), hasRejected(found)]);
    if (root.dataset.version === version) return;
    root.dataset.version = version;
    const again = h("div");
    fill(root, sameFile(found, signal), retried(found), again, ignored(found));
    if (found.retried_by && hasRejected(found)) retries(found, again, signal);
  };
  return { root, show };
}

function sameFile(found, signal) {
  const earlier = found.same_file_as;
  if (!earlier) return null;
  const when = h("span");
  get(`licenses-import-results/${earlier}/`, { signal }).then(
    (first) => fill(when, first.dry_run ? ", checked on " : ", imported on ", moment(first.created_at)),
    () => {}); // without its date the sentence still stands
  return notice("calm", "You have sent this file before", h("p", { class: "detail" },
    "It is the same file as ", h("a", { href: link(`imports/${earlier}`) }, `import ${earlier}`), when, "."));
}

function retried(found) {
  return found.retry_of ? notice("calm", "Another try", h("p", { class: "detail" },
    "These are the rejected rows of ", h("a", { href: link(`imports/${found.retry_of}`) }, `import ${found.retry_of}`), ".")) : null;
}

function hasRejected(found) {
  return isAtRest(found) && !found.dry_run && found.result?.invalid_row_count > 0;
}

/** retries says what is still open after the last retry of an import's rejected rows. */
async function retries(found, place, signal) {
  let last;
  try {
    last = await get(`licenses-import-results/${found.retried_by}/`, { signal });
  } catch {
    return; // the sentence is missing, no more
  }
  const open = hasEnded(last) ? last.result?.invalid_row_count ?? found.result.invalid_row_count : null;
  const says = { 0: "No rejected row is left to fix.", null: "The rejected rows are being tried again." }[open] || `${count(open, "row")} still to fix: see there.`;
  fill(place, notice(open === 0 ? "good" : "calm", "Tried again", h("p", { class: "detail" },
    "The rejected rows were sent again as ", h("a", { href: link(`imports/${last.id}`) }, `import ${last.id}`), ". ", says)));
}

function ignored(found) {
  const columns = found.ignored_columns || [];
  if (columns.length === 0) return null;
  return notice("busy", `${count(columns.length, "column")} ignored`,
    h("p", { class: "detail" }, names(columns), columns.length === 1 ? " matches no license field, so it was not read." : " match no license field, so they were not read."));
}

/** names lists headers of a file. */
export function names(headers) {
  return headers.map((name, i) => [i > 0 && (i === headers.length - 1 ? " and " : ", "), user(name, { class: "value" })]);
}
