import { save } from "../api.js";
import { h } from "../dom.js";
import { working } from "./notice.js";

/** downloadButton saves the rejected rows of an import as a CSV, to be fixed and uploaded. */
export function downloadButton(id, label) {
  return saveButton(`licenses-import-results/${id}/invalid_rows.csv`, `import-${id}-invalid-rows.csv`, label);
}

/** saveButton saves a file of the API. */
export function saveButton(path, name, label) {
  const button = h("button", { type: "button", class: "button" }, label);
  button.addEventListener("click", () => working(button, () => save(path, name)));
  return button;
}
