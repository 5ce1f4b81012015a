// Tables. On a narrow screen each row becomes a card (see views.css). Explicit
// roles keep it a table for screen readers.

import { fill, h } from "../dom.js";

/**
 * table makes one from columns, { label, class, sort } each, and rows. The caption is
 * for screen readers; sighted users see the heading above it. With order, { sort, to },
 * columns that have a sort are links: sort is that of the list ("-" before it:
 * downwards), and to gives the address of another one.
 */
export function table(caption, columns, rows, order) {
  return h("table", { class: "table", role: "table" },
    h("caption", { class: "unseen" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" },
      columns.map((c) => columnHeader(c, order)))),
    h("tbody", { role: "rowgroup" }, rows));
}

function columnHeader(column, order) {
  const attributes = { role: "columnheader", scope: "col", class: column.class };
  if (!order || !column.sort) return h("th", attributes, column.label);
  const [up, down] = [order.sort === column.sort, order.sort === `-${column.sort}`];
  return h("th", { ...attributes, "aria-sort": up ? "ascending" : down ? "descending" : "none" },
    h("a", { class: "sort", href: order.to(up ? `-${column.sort}` : column.sort) }, column.label,
      h("span", { class: "arrow", "aria-hidden": "true" }, up ? "▲" : down ? "▼" : "")));
}

/** row makes one row; cells are in the order of the columns, the first is the row's header. */
export function row(columns, cells, attributes = {}) {
  return h("tr", { role: "row", ...attributes }, cells.map((content, i) => cell(columns[i], content, i === 0)));
}

function cell(column, content, first) {
  const none = content === null || content === undefined || content === "" || content.length === 0;
  const classes = [column.class, none && "bare"].filter(Boolean).join(" ");
  const attributes = { class: classes || null, "data-label": column.label };
  if (first) return h("th", { role: "rowheader", scope: "row", ...attributes }, h("div", {}, content));
  return h("td", { role: "cell", ...attributes }, h("div", {}, content));
}

/**
 * update replaces changed rows only, by key: the others keep focus and selection.
 * Each entry is { key, version, make }.
 */
export function update(body, entries) {
  const present = new Map(Array.from(body.children, (tr) => [tr.dataset.key, tr]));
  const focused = document.activeElement?.closest("tr")?.dataset.key;
  const rows = entries.map(({ key, version, make }) => {
    const old = present.get(key);
    if (old?.dataset.version === version) return old;
    const made = make();
    made.dataset.key = key;
    made.dataset.version = version;
    return made;
  });
  if (rows.length === body.children.length && rows.every((tr, i) => tr === body.children[i])) return;
  const held = document.activeElement;
  fill(body, rows);
  if (focused && document.activeElement !== held) {
    (held.isConnected ? held : rows.find((tr) => tr.dataset.key === focused)?.querySelector("a, button"))?.focus({ preventScroll: true });
  }
}
