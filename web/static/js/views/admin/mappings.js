// Saved mappings: those that people saved, and those that come with the program.

import { post } from "../../api.js";
import { fill, h, say, user } from "../../dom.js";
import { count } from "../../format.js";
import { ask } from "../../parts/ask.js";
import { row } from "../../parts/table.js";
import { adminList } from "./list.js";

const columns = [{ label: "Name", class: "lead" }, { label: "For" }, { label: "Fills" }, { label: "Delete", class: "short" }];

export function mappings({ section, query, signal }) {
  const list = adminList({
    place: "admin/mappings", path: "import-mappings/", noun: "mapping", caption: "Mappings, by name", columns, draw,
    nothing: ["No mappings", "People save one when they import a file with other columns."],
  }, signal);
  fill(section, h("p", { class: "lead" }, "A mapping says which column each of a file's columns fills. People save one when they import such a file. Imports keep the mapping that they were started with."), list.root);
  list.show(query);
  return list.show;
}

function draw(mapping, again) {
  const remove = () => ask(`Delete the mapping ${mapping.name}?`, "Imports that used it keep it. Files like theirs are asked about again.",
    "Delete the mapping", async () => {
      await post(`import-mappings/${encodeURIComponent(mapping.name)}/`, {}, { method: "DELETE" });
      say("The mapping is deleted");
      again();
    });
  const filled = Object.values(mapping.columns).filter(Boolean).length + Object.keys(mapping.set).length;
  return row(columns, [
    user(mapping.name), mapping.builtin ? ["exports of ", user(mapping.title)] : mapping.kind, count(filled, "column"),
    mapping.builtin ? h("span", { class: "soft" }, "built in")
      : h("button", { type: "button", class: "button small", "aria-label": `Delete ${mapping.name}`, on: { click: remove } }, "Delete"),
  ]);
}
