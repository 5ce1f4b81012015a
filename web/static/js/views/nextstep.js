// The next step after an import has ended: fix and upload its rejected rows, or
// import the file of a dry run.

import { h } from "../dom.js";
import { hasEnded } from "../follow.js";
import { mayImport } from "../session.js";
import { upload } from "../upload.js";
import { downloadButton } from "../parts/download.js";
import { uploader } from "../parts/uploader.js";

/** nextStep is that step as a section; null: nothing is left to do. */
export function nextStep(found, signal) {
  if (!hasEnded(found) || !mayImport()) return null;
  const given = { mode: found.mode };
  const again = upload.jobId === found.id ? { file: upload.file, given: { ...upload.options, ...given } } : { given };
  const rejected = found.result?.invalid_row_count || 0;
  if (rejected > 0) return fixRows(found, again, signal);
  if (found.dry_run && found.status === "success") return importChecked(found, again, signal);
  if (found.status === "error") return whole("Import it again", "The same file, complete.", again, signal);
  return null;
}

function fixRows(found, { given }, signal) {
  const nothing = found.dry_run || found.error?.code === "rejected_rows";
  const steps = nothing
    ? ["Fix the rows above in your own file.", "Upload the complete file here: nothing of it was imported yet."]
    : [downloadButton(found.id, "Download the rejected rows"), "Fix them in your spreadsheet. The extra columns at the end explain each problem; you can leave them in.", "Upload the corrected file here. It contains only the rejected rows; the rest are already imported."];
  return section("Fix the rejected rows", [
    h("ol", { class: "steps" }, steps.map((s) => h("li", {}, h("div", {}, s)))),
    uploader({
      title: "Upload the corrected file", hint: nothing ? "The complete file, with corrections." : "The rows you downloaded, with corrections.",
      given: optionsOfFixed(given), small: true, signal,
    }),
  ]);
}

/** optionsOfFixed are the options without the encoding: the downloaded rows are UTF-8. */
function optionsOfFixed({ encoding: _, dry_run: __, ...rest }) {
  return rest;
}

function importChecked(found, { file, given }, signal) {
  const { dry_run: _, ...rest } = given;
  return section("Every row is valid", [
    h("p", {}, file ? "Nothing was imported yet. Import it now:" : "Nothing was imported yet. Choose the file again to import it."),
    uploader({ title: "Import the file", hint: "The file that was checked.", given: rest, file, small: true, signal }),
  ]);
}

function whole(title, hint, { file, given }, signal) {
  return section(title, [uploader({ title: "Upload the file", hint, given, file, small: true, signal })]);
}

function section(title, content) {
  return h("section", { class: "stack" }, h("h2", {}, title), content);
}
