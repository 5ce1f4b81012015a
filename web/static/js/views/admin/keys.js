// Managers' keys: made here, shown once, revoked.

import { post } from "../../api.js";
import { fill, focusOn, h, say, user } from "../../dom.js";
import { ask } from "../../parts/ask.js";
import { moment } from "../../parts/badge.js";
import { choice, field } from "../../parts/field.js";
import { notice, working } from "../../parts/notice.js";
import { capital } from "../../format.js";
import { row } from "../../parts/table.js";
import { isOwn } from "../../session.js";
import { rights } from "../../words.js";
import { adminList } from "./list.js";

const columns = [
  { label: "Manager", class: "lead" }, { label: "Role" }, { label: "Products" }, { label: "Key begins with" }, { label: "Made" }, { label: "Last used" }, { label: "Revoke", class: "short" },
];

export function keys({ section, query, signal }) {
  const list = adminList({
    place: "admin", path: "manager-keys/", noun: "key", caption: "Keys that work, by manager", columns, draw,
    nothing: ["No keys yet", "You use the admin key of the server's environment. Make keys for people and programs here."],
  }, signal);
  fill(section, keyForm(list.again), list.root);
  list.show(query);
  return list.show;
}

function keyForm(made) {
  const manager = field("Whose key is it?", { required: true, maxlength: 100 }, "A person or a program, such as Web shop. A manager may have several keys.");
  const role = choice("Role", ["importer", "viewer", "admin"].map((name) => [name, capital(name)]), capital(rights("importer")) + ".");
  role.input.addEventListener("change", () => { role.hint.textContent = `${capital(rights(role.value))}.`; });
  const products = field("Limited to products", {}, "Short codes with commas between them. Empty: every product.");
  const button = h("button", { class: "button primary" }, "Make a key");
  const shown = h("div");
  const form = h("form", { class: "sheet stack", "aria-label": "Make a key" });
  const submit = (e) => {
    e.preventDefault();
    working(button, async () => {
      const body = { manager: manager.value, role: role.value, products: products.value.split(",").map((code) => code.trim()).filter(Boolean) };
      const key = await post("manager-keys/", {}, { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
      form.reset();
      role.hint.textContent = `${capital(rights(role.value))}.`;
      fill(shown, onlyOnce(key));
      focusOn(shown.querySelector("strong"));
      made();
    });
  };
  form.addEventListener("submit", submit);
  fill(form, h("h2", {}, "Make a key"), h("div", { class: "fields" }, manager.root, role.root, products.root), h("div", { class: "actions" }, button));
  return h("div", { class: "stack" }, form, shown);
}

/** onlyOnce shows a new key, the only time. */
function onlyOnce(made) {
  const input = h("input", { class: "input", id: "new-key", readonly: true, value: made.key, autocomplete: "off", spellcheck: "false", on: { focus: () => input.select() } });
  const copy = h("button", { type: "button", class: "button" }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(made.key);
      say("Copied");
      copy.textContent = "Copied";
    } catch { // not over plain HTTP: it can be copied by hand
      input.select();
    }
  });
  return notice("good", ["The key of ", user(made.manager)],
    h("p", { class: "detail" }, "Copy it now and hand it over safely. It cannot be shown again; if it gets lost, revoke it and make another one."),
    h("div", { class: "field" }, h("label", { for: "new-key" }, "Key"), h("div", { class: "joined" }, input, copy)));
}

function draw(key, again) {
  const revoke = () => ask(`Revoke this key of ${key.manager}?`,
    "It stops working within a second, also for uploads that go on. It can never be used again.",
    "Revoke the key", async () => {
      await post(`manager-keys/${key.begins_with}/`, {}, { method: "DELETE" });
      say("The key is revoked");
      again();
    });
  const own = isOwn(key.begins_with);
  return row(columns, [
    user(key.manager), key.role,
    key.products.length > 0 ? key.products.map((code, i) => [i > 0 && ", ", user(code)]) : "every product",
    h("code", {}, key.begins_with),
    [moment(key.created_at), key.created_by && h("div", { class: "under" }, h("span", {}, "by ", user(key.created_by)))],
    key.last_used_at ? moment(key.last_used_at) : h("span", { class: "soft" }, "never"),
    own ? h("span", { class: "soft" }, "yours")
      : h("button", { type: "button", class: "button small", "aria-label": `Revoke ${key.begins_with} of ${key.manager}`, on: { click: revoke } }, "Revoke"),
  ]);
}
