import { save } from "../api.js";
import { h } from "../dom.js";
import { resultPath } from "../kinds.js";
import { working } from "./notice.js";

/** rejectedButtons save the rejected rows of an import, as a workbook or as a CSV, to be fixed and uploaded. */
export function rejectedButtons(of) {
  const button = (kind, label) => saveButton(`${resultPath(of)}invalid_rows.${kind}`, `import-${of.id}-invalid-rows.${kind}`, label);
  return [button("csv", "Download the rejected rows"), button("xlsx", "Rejected rows for Excel")];
}

/** outcomesButton saves what happened to each row that was not rejected. */
export function outcomesButton(of) {
  return saveButton(`${resultPath(of)}imported_rows.csv`, `import-${of.id}-imported-rows.csv`, "Download each row’s outcome");
}

/** saveButton saves a file of the API. */
export function saveButton(path, name, label, query) {
  const button = h("button", { type: "button", class: "button" }, label);
  button.addEventListener("click", () => working(button, () => save(path, name, query)));
  return button;
}

/** exportButton saves a list as a CSV in the columns of the import: what the filters select. */
export function exportButton(what, filters) {
  return saveButton(`${what}/export/`, `${what}.csv`, "Export as CSV", filters);
}
