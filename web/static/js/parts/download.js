import { save } from "../api.js";
import { h } from "../dom.js";
import { working } from "./notice.js";

/** downloadButton saves the rejected rows of an import as a CSV, to be fixed and uploaded. */
export function downloadButton(id, label) {
  return saveButton(`licenses-import-results/${id}/invalid_rows.csv`, `import-${id}-invalid-rows.csv`, label);
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
