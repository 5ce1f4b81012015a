// What a user should know about an import beside its counts: columns that were not read, an earlier import of
// the same file, the import that this one tries again.

import { get } from "../api.js";
import { fill, h, user } from "../dom.js";
import { hasEnded, isAtRest } from "../follow.js";
import { count, number } from "../format.js";
import { find, resultPath } from "../kinds.js";
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
    const [before, again] = [h("div"), h("div")];
    fill(root, before, retried(found), again, ignored(found));
    if (found.same_file_as) sameFile(found, before, signal);
    if (found.retried_by && hasRejected(found)) retries(found, again, signal);
  };
  return { root, show };
}

const earlierFiles = 5; // imports of the same file that are looked at

/** sameFile names the latest earlier import of the same file. A check of it before is no news. */
async function sameFile(found, place, signal) {
  let earlier = { same_file_as: found.same_file_as, dry_run: true };
  for (let i = 0; i < earlierFiles && earlier.dry_run; i++) {
    if (!earlier.same_file_as) return;
    try {
      earlier = await find(earlier.same_file_as, { signal });
    } catch {
      return; // the sentence is missing, no more
    }
  }
  if (earlier.dry_run) return;
  fill(place, notice("calm", "You have sent this file before", h("p", { class: "detail" },
    "It is the same file as ", h("a", { href: link(`imports/${earlier.id}`) }, `import ${earlier.id}`), ", sent on ", moment(earlier.created_at), ".", came(earlier))));
}

/** came is what has come of an earlier import of the same file, where it is not that its rows are imported. */
function came(earlier) {
  if (earlier.error?.code === "rejected_rows") return " Nothing of it was imported.";
  return earlier.undo?.status === "finished" ? " It was undone." : "";
}

function retried(found) {
  return found.retry_of ? notice("calm", "Another try", h("p", { class: "detail" },
    "These are rejected rows of ", h("a", { href: link(`imports/${found.retry_of}`) }, `import ${found.retry_of}`), ", sent again.")) : null;
}

function hasRejected(found) {
  return isAtRest(found) && !found.dry_run && found.result?.invalid_row_count > 0;
}

/**
 * retries says what is still open after the last retry of an import's rejected rows. A corrected file may have
 * fewer of them.
 */
async function retries(found, place, signal) {
  let last;
  try {
    last = await get(resultPath({ ...found, id: found.retried_by }), { signal });
  } catch {
    return; // the sentence is missing, no more
  }
  const there = h("a", { href: link(`imports/${last.id}`) }, `import ${last.id}`);
  const { done, says } = leftOpen(found, last);
  fill(place, notice(done ? "good" : "calm", "Tried again", h("p", { class: "detail" }, "The rejected rows were sent again as ", there, ". ", says)));
}

/** leftOpen says what the latest retry left of an import's rejected rows. */
function leftOpen(found, last) {
  const sent = found.result.invalid_row_count;
  if (!hasEnded(last)) return { says: "They are being tried again." };
  if (!last.result || last.error) return { says: `It ended early: ${count(sent, "row")} still to fix.` };
  const [open, missing] = [last.result.invalid_row_count, Math.max(0, sent - last.result.total_row_count)];
  if (open + missing === 0) return { done: true, says: "No rejected row is left to fix." };
  return { says: [open > 0 && `${count(open, "row")} still to fix: see there.`, missing > 0 && `It has ${number(sent - missing)} of the ${count(sent, "rejected row")}.`].filter(Boolean).join(" ") };
}

function ignored(found) {
  const columns = found.ignored_columns || [];
  if (columns.length === 0) return null;
  return notice("busy", `${count(columns.length, "column")} ignored`,
    h("p", { class: "detail" }, names(columns), columns.length === 1 ? " matches no field, so it was not read." : " match no field, so they were not read."));
}

/** names lists headers of a file. */
export function names(headers) {
  return headers.map((name, i) => [i > 0 && (i === headers.length - 1 ? " and " : ", "), user(name, { class: "value" })]);
}
