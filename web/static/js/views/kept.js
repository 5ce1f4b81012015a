// What an undo left as they are, each with the import that changed it later.

import { h } from "../dom.js";
import { capital, number } from "../format.js";
import { kindOf } from "../kinds.js";
import { link } from "../router.js";
import { identity, identityLabel } from "../parts/identity.js";
import { row } from "../parts/table.js";
import { rowList } from "./rowlist.js";

const columnsOf = (of) => [{ label: "Row", class: "number" }, { label: identityLabel(of) }, { label: "Changed later by", class: "short" }];

/** keptRows has a root, and show(found, query). */
export function keptRows(of, signal) {
  const columns = columnsOf(of);
  return rowList(of, {
    name: "kept", path: "kept_rows", caption: `${capital(kindOf(of).many)} that the undo left as they are`, columns,
    filter: () => ({}), count: (found) => found.undo?.kept || 0,
    draw: (r) => [row(columns, [
      number(r.row),
      identity(r),
      [h("a", { href: link(`imports/${r.import_id}`) }, `Import ${r.import_id}`), `, row ${number(r.import_row)}`],
    ])],
  }, signal);
}
