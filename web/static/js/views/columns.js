import { fill, h } from "../dom.js";
import { columnLabel } from "../labels.js";
import { loading, problem } from "../parts/notice.js";
import { row, table } from "../parts/table.js";

const shape = [{ label: "Column", class: "lead" }, { label: "Value" }, { label: "Meaning" }, { label: "Example" }];

/** columns lists all columns of a file. The list is a static file: no key is needed. */
export function columns({ root, signal, title }) {
  const heading = h("h1", {}, "Columns of a file");
  const list = h("div", {}, loading());
  fill(root, h("div", { class: "stack" }, heading,
    h("p", {}, "The first line of the file names its columns, in any order, in upper or lower case. Two are required; leave out any of the others. An empty cell means “not given”.")),
  list);
  title(heading, "Columns");
  const load = async () => {
    try {
      const all = await (await fetch(new URL("../../columns.json", import.meta.url), { signal })).json();
      fill(list, h("div", { class: "sheet" }, table("Columns that a file may have", shape, all.map(entry))));
    } catch (error) {
      fill(list, problem(error, load));
    }
  };
  load();
}

function entry(column) {
  return row(shape, [
    [columnLabel(column.name), column.required && [" ", h("span", { class: "badge busy" }, "required")]],
    column.values, column.help,
    column.example && h("span", { class: "value" }, column.example),
  ]);
}
