// The options of an upload.

import { h, uniqueId } from "../dom.js";

const delimiters = [["", "Detect automatically"], ["comma", "Comma"], ["semicolon", "Semicolon"], ["tab", "Tab"], ["pipe", "Vertical bar"]];
const encodings = [["", "Automatic (UTF-8 or UTF-16)"], ["windows-1252", "Windows-1252 (older Excel)"]];
const existing = [["", "Keep it unchanged"], ["update", "Update it with the row’s values"]];

/**
 * options is the form: root is its element, values() its query parameters without
 * those at their defaults, onReading(listener) tells of a change of how the file is read. given holds parameters to start with. Of a mapped file some are asked elsewhere.
 */
export function options(kind, given = {}, { mapped = false } = {}) {
  const known = select(`If a ${kind.one} exists already`, existing, given.existing, "Empty cells change nothing. A cell with #N/A clears the value.");
  const dry = choice("Check only", "See what would be rejected and what would change. Nothing is imported.", given.dry_run === "true");
  const all = choice("All or nothing", "If any row is rejected, import nothing.", given.mode === "all_or_nothing");
  const extra = choice("Ignore unrecognized columns", "Otherwise a file with such a column is refused.", given.unknown_columns === "ignore");
  const delimiter = select("Separator", delimiters, given.delimiter);
  const encoding = select("Text encoding", encodings, given.encoding,
    "For western European languages only. If names look wrong, save the file as CSV UTF-8 instead.");
  const note = () => {
    known.hint.hidden = known.input.value !== "update";
    encoding.hint.hidden = encoding.input.value !== "windows-1252";
  };
  for (const { input } of [known, encoding]) input.addEventListener("change", note);
  note();
  const root = h("fieldset", { class: "options" },
    h("legend", { class: "unseen" }, "Options"),
    known.root, !mapped && dry.root, all.root,
    h("details", { open: Boolean(given.unknown_columns || given.delimiter || given.encoding) },
      h("summary", {}, "About the file"),
      h("div", { class: "options" }, h("div", { class: "fields" }, delimiter.root, encoding.root), !mapped && extra.root)));
  return {
    root,
    onReading: (listener) => [delimiter, encoding].forEach(({ input }) => input.addEventListener("change", listener)),
    values: () => drop({
      existing: known.input.value,
      dry_run: dry.input.checked && "true",
      mode: all.input.checked && "all_or_nothing",
      unknown_columns: extra.input.checked && "ignore",
      delimiter: delimiter.input.value,
      encoding: encoding.input.value,
    }),
  };
}

function drop(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value));
}

function choice(label, hint, checked) {
  const id = uniqueId("option");
  const input = h("input", { type: "checkbox", id, checked, "aria-describedby": `${id}-hint` });
  return { input, root: h("div", { class: "choice" }, input, h("label", { for: id }, label), h("p", { class: "hint", id: `${id}-hint` }, hint)) };
}

function select(label, choices, chosen = "", advice = "") {
  const id = uniqueId("option");
  const input = h("select", { class: "input", id, "aria-describedby": advice && `${id}-hint` },
    choices.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
  const hint = h("p", { class: "hint", id: `${id}-hint`, hidden: !advice }, advice);
  return { input, hint, root: h("div", { class: "field" }, h("label", { for: id }, label), input, hint) };
}
