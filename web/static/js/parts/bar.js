// The outcomes of an import's rows: as one line, as a bar, and as numbers.

import { h } from "../dom.js";
import { count, number } from "../format.js";
import { hasEnded } from "../follow.js";
import { made, would } from "../kinds.js";

/**
 * outcomes are the counts of rows by outcome, in the bar's order. Each has its label, and said(n): its words
 * in the line of all outcomes.
 */
export function outcomes(found) {
  const r = found.result;
  if (!r) return [];
  return [...valid(found, r), { kind: "rejected", label: "Rejected", rows: r.invalid_row_count, said: (n) => `${n} to fix` }];
}

function valid(found, r) {
  if (found.dry_run) return checked(found);
  const { created, updated, existed } = made(found);
  if (nothingDone(found)) return [{ kind: "valid", label: "Valid, not imported", rows: r.valid_row_count, said: (n) => `${n} valid, not imported` }];
  return [
    { kind: "imported", label: "Imported", rows: created, said: (n) => `${n} imported` },
    found.existing === "update" && { kind: "updated", label: "Updated", rows: updated, said: (n) => `${n} updated` },
    { kind: "existed", label: "Existed already", rows: existed, said: (n) => `${n} existed (unchanged)` },
  ].filter(Boolean);
}

function checked(found) {
  const preview = would(found);
  if (!preview) return [{ kind: "valid", label: "Valid", rows: found.result.valid_row_count, said: (n) => `${n} valid` }];
  const { created, updated, existed } = preview;
  return [
    { kind: "valid", label: "New", rows: created, said: (n) => `${n} new` },
    { kind: "updated", label: "Would change", rows: updated, said: (n) => `${n} would change` },
    { kind: "existed", label: "Exist already", rows: existed, said: (n) => `${n} exist${n === "1" ? "s" : ""} already (unchanged)` },
  ].filter((o) => o.kind !== "updated" || o.rows > 0);
}

/** nothingDone reports whether no valid row of an "all or nothing" import was imported, yet or at all. */
function nothingDone(found) {
  const { created, updated, existed } = made(found);
  const done = created + updated + existed;
  return found.error?.code === "rejected_rows" || (found.mode === "all_or_nothing" && done === 0);
}

/** sentence is the outcome in one line: "32 imported, 1 existed (unchanged), 7 to fix". */
export function sentence(found) {
  const all = outcomes(found).filter((o) => o.rows > 0);
  if (all.length === 0) return found.result ? "No rows" : "No row processed yet";
  const line = all.map((o) => o.said(number(o.rows))).join(", ");
  const rejected = found.result.invalid_row_count;
  if (!hasEnded(found) || found.dry_run || rejected === 0) return line;
  if (rejected === found.result.total_row_count) return `Nothing imported: ${count(rejected, "row")} to fix`;
  return nothingDone(found) ? `Nothing imported: ${number(rejected)} of ${count(found.result.total_row_count, "row")} to fix` : line;
}

/** bar is the picture. While the import runs, it fills from the left as its progress. */
export function bar(found, thin = false) {
  const all = outcomes(found).filter((o) => o.rows > 0);
  const processed = all.reduce((sum, o) => sum + o.rows, 0);
  const running = found.status === "running";
  const done = running ? found.progress : 1;
  const attributes = running
    ? { role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.floor(done * 100) }
    : { role: "img" };
  return h("div", { class: thin ? "bar thin" : "bar", "aria-label": `Rows: ${sentence(found)}`, ...attributes },
    all.map((o) => {
      const part = h("span", { class: `is-${o.kind}` });
      part.style.flexBasis = `${(o.rows / processed) * done * 100}%`;
      part.style.flexShrink = "1";
      return part;
    }));
}

/** numbers are the counts, each in its colour of the bar. */
export function numbers(found) {
  const total = found.result?.total_row_count ?? 0;
  return h("dl", { class: "numbers" },
    outcomes(found).map((o) => entry(o.label, o.rows, h("span", { class: `key is-${o.kind}` }))),
    entry(hasEnded(found) ? "Total rows" : "Rows processed", total),
    found.result?.warning_count > 0 && entry("With warnings", found.result.warning_count));
}

function entry(label, n, key) {
  return h("div", {}, h("dt", {}, key, label), h("dd", {}, number(n)));
}
