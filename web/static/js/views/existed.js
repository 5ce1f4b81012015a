// The rows whose license, feature or customer existed, each with the import that it is from.

import { h, user } from "../dom.js";
import { number } from "../format.js";
import { kindOf, made } from "../kinds.js";
import { link } from "../router.js";
import { identity, identityLabel } from "../parts/identity.js";
import { row } from "../parts/table.js";
import { rowList } from "./rowlist.js";

const columnsOf = (of) => [
  { label: "Row", class: "number" }, { label: identityLabel(of) }, { label: "Already imported in", class: "short" },
  ...(kindOf(of).namesParties ? [{ label: "Customer" }] : []),
];

/** existedRows has a root, and show(found, query). */
export function existedRows(of, signal) {
  const columns = columnsOf(of);
  return rowList(of, {
    name: "existed", path: "existed_rows", caption: `Rows whose ${kindOf(of).one} existed already`, columns,
    filter: () => ({}), count: (found) => made(found).existed,
    draw: (r) => [row(columns, [
      number(r.row),
      identity(r),
      r.import_id === of.id
        ? `Row ${number(r.import_row)} of this file (left unchanged)`
        : [h("a", { href: link(`imports/${r.import_id}`) }, `Import ${r.import_id}`), `, row ${number(r.import_row)} (left unchanged)`],
      r.customer_email && user(r.customer_email),
    ].slice(0, columns.length))],
  }, signal);
}
