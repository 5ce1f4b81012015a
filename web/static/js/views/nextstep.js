// The next step after an import has ended: fix and upload its rejected rows, try them again as they are, or go
// on from a check to the import.

import { post } from "../api.js";
import { h } from "../dom.js";
import { isAtRest } from "../follow.js";
import { count, number } from "../format.js";
import { kindOf, remember, resultPath } from "../kinds.js";
import { go } from "../router.js";
import { mayImport } from "../session.js";
import { upload } from "../upload.js";
import { rejectedButtons } from "../parts/download.js";
import { working } from "../parts/notice.js";
import { uploader } from "../parts/uploader.js";

/** nextStep is that step as sections; null: nothing is left to do. */
export function nextStep(found, signal) {
  if (!isAtRest(found) || found.undo || !mayImport()) return null;
  const given = { mode: found.mode, existing: found.existing, ...(found.dry_run && found.retry_of && { retry_of: found.retry_of }) };
  const again = upload.jobId === found.id ? { file: upload.file, given: { ...upload.options, ...given } } : { given };
  const rejected = found.result?.invalid_row_count || 0;
  const valid = found.result?.valid_row_count || 0;
  const checked = found.dry_run && found.status === "success" && valid > 0 && (rejected === 0 || found.mode !== "all_or_nothing");
  if (rejected > 0) return [fixRows(found, again, signal), checked && goOn(found, again, signal)];
  if (checked) return goOn(found, again, signal);
  if (found.status === "error") return whole(found, "Import it again", "The same file, complete.", again, signal);
  return null;
}

function fixRows(found, { given: { dry_run: _, ...given } }, signal) {
  const nothing = found.dry_run || found.error?.code === "rejected_rows";
  const all = nothing || found.error !== null; // it may have ended before its last row
  const steps = all
    ? ["Fix the rows above in your own file.", `Upload the complete file here: ${nothing ? "nothing of it was imported yet" : "not all of its rows were reached, and no row is imported twice"}.`]
    : [h("div", { class: "actions" }, rejectedButtons(found)), "Fix them in your spreadsheet. The extra columns at the end explain each problem; you can leave them in.", "Upload the corrected file here. It contains only the rejected rows; the rest are already imported."];
  return section("Fix the rejected rows", [
    h("ol", { class: "steps" }, steps.map((s) => h("li", {}, h("div", {}, s)))),
    uploader({
      title: "Upload the corrected file", hint: all ? "The complete file, with corrections." : "The rows you downloaded, with corrections.",
      given: all ? given : { ...optionsOfFixed(given), retry_of: found.id }, small: true, signal, kind: kindOf(found),
    }),
    !all && retry(found),
  ]);
}

/** retryButton sends the rejected rows again as they are. */
export function retryButton(found, small = false) {
  const button = h("button", { type: "button", class: small ? "button small" : "button" }, "Try the rejected rows again");
  button.addEventListener("click", () => working(button, async () => {
    const { job_id: job } = await post(`${resultPath(found)}retry/`);
    remember(job, kindOf(found));
    go(`imports/${job}`);
  }));
  return button;
}

function retry(found) {
  return h("div", { class: "stack" },
    h("p", { class: "soft" }, "If the rows are right and the cause was elsewhere, such as a product missing from the catalogue, fix that first and try the same rows again."),
    h("div", { class: "actions" }, retryButton(found)));
}

/** optionsOfFixed are the options without the encoding: the downloaded rows are UTF-8. */
function optionsOfFixed({ encoding: _, ...rest }) {
  return rest;
}

/** goOn imports the file that was checked: one button where the page still has the file. */
function goOn(found, { file, given }, signal) {
  const { dry_run: _, ...rest } = given;
  const rejected = found.result.invalid_row_count;
  const what = rejected === 0 ? "Import the file" : `Import the ${count(found.result.valid_row_count, "valid row")}`;
  return section(rejected === 0 ? "Every row is valid" : `Or import without the ${number(rejected)} to fix`, [
    h("p", {}, file ? "Nothing was imported yet." : "Nothing was imported yet. Choose the file again to import it."),
    uploader({ title: what, hint: "The file that was checked.", given: rest, file, small: true, go: what, signal, kind: kindOf(found) }),
  ]);
}

function whole(found, title, hint, { file, given }, signal) {
  return section(title, [uploader({ title: "Upload the file", hint, given, file, small: true, signal, kind: kindOf(found) })]);
}

function section(title, content) {
  return h("section", { class: "stack" }, h("h2", {}, title), content);
}
