// The outcomes of an import's rows, as a bar and as numbers.

import { h } from "../dom.js";
import { number } from "../format.js";

/** outcomes are the counts of rows by outcome, in the bar's order. */
export function outcomes(found) {
  const r = found.result;
  if (!r) return [];
  const nothingMade = found.dry_run || found.error?.code === "rejected_rows" || (found.mode === "all_or_nothing" && r.created_licenses_count + r.existed_licenses_count === 0);
  const valid = nothingMade
    ? [{ kind: "valid", label: found.dry_run ? "Valid" : "Valid, not imported", rows: r.valid_row_count }]
    : [
      { kind: "imported", label: "Imported", rows: r.created_licenses_count },
      { kind: "existed", label: "Existed already", rows: r.existed_licenses_count },
    ];
  return [...valid, { kind: "rejected", label: "Rejected", rows: r.invalid_row_count }];
}

/** sentence is the same in words. */
export function sentence(found) {
  return outcomes(found).map((o) => `${o.label.toLowerCase()}: ${number(o.rows)}`).join(", ") || "no row decided yet";
}

/** bar is the picture. While the import runs, it fills from the left as its progress. */
export function bar(found, thin = false) {
  const all = outcomes(found).filter((o) => o.rows > 0);
  const decided = all.reduce((sum, o) => sum + o.rows, 0);
  const running = found.status === "running";
  const done = running ? found.progress : 1;
  const attributes = running
    ? { role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.floor(done * 100) }
    : { role: "img" };
  return h("div", { class: thin ? "bar thin" : "bar", "aria-label": `Rows ${sentence(found)}`, ...attributes },
    all.map((o) => {
      const part = h("span", { class: `is-${o.kind}` });
      part.style.flexBasis = `${(o.rows / decided) * done * 100}%`;
      part.style.flexShrink = "1";
      return part;
    }));
}

/** numbers are the counts, each in its colour of the bar. */
export function numbers(found) {
  const total = found.result?.total_row_count ?? 0;
  return h("dl", { class: "numbers" },
    outcomes(found).map((o) => entry(o.label, o.rows, h("span", { class: `key is-${o.kind}` }))),
    entry("Rows decided", total),
    found.result?.warning_count > 0 && entry("With warnings", found.result.warning_count));
}

function entry(label, n, key) {
  return h("div", {}, h("dt", {}, key, label), h("dd", {}, number(n)));
}
