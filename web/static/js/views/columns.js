import { fill, h } from "../dom.js";
import { kinds } from "../kinds.js";
import { columnLabel } from "../labels.js";
import { loading, problem } from "../parts/notice.js";
import { row, table } from "../parts/table.js";

const shape = [{ label: "Column", class: "lead" }, { label: "Value" }, { label: "Meaning" }, { label: "Example" }];

/** columns lists all columns of a file. The list is a static file: no key is needed. */
export function columns({ root, signal, title }) {
  const heading = h("h1", {}, "Columns of a file");
  const list = h("div", { class: "stack" }, loading());
  fill(root, h("div", { class: "stack" }, heading,
    h("p", {}, "The first line of the file names its columns, in any order, in upper or lower case. Leave out any that is not required. An empty cell means “not given”.")),
  list);
  title(heading, "Columns");
  const load = async () => {
    try {
      const all = await (await fetch(new URL("../../columns.json", import.meta.url), { signal })).json();
      fill(list, kinds.map((kind) => h("section", { class: "stack", "aria-labelledby": `columns-${kind.name}` },
        h("h2", { id: `columns-${kind.name}` }, `Of ${kind.many}`),
        h("div", { class: "sheet" }, table(`Columns that a file of ${kind.many} may have`, shape,
          all.filter((c) => kind.columns.includes(c.name)).map((c) => entry(c, kind.required.includes(c.name))))))));
    } catch (error) {
      fill(list, problem(error, load));
    }
  };
  load();
}

function entry(column, required) {
  return row(shape, [
    [columnLabel(column.name), required && [" ", h("span", { class: "badge busy" }, "required")]],
    column.values, column.help,
    column.example && h("span", { class: "value" }, column.example),
  ]);
}
