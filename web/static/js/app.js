// The frame: the session, the view of an address, and the move to an import when
// its upload is done.

import { get, onRefused, post } from "./api.js";
import { fill, focusOn, h, say, user } from "./dom.js";
import { here, match, parse } from "./router.js";
import { enter, keep, leave, mayManage, session } from "./session.js";
import { busy, reset, stop, upload } from "./upload.js";
import { ask } from "./parts/ask.js";
import { notice, problem } from "./parts/notice.js";
import { rights } from "./words.js";
import { admin } from "./views/admin.js";
import { columns } from "./views/columns.js";
import { customers } from "./views/customers.js";
import { guide } from "./views/guide.js";
import { imports } from "./views/imports.js";
import { importView } from "./views/import.js";
import { license } from "./views/license.js";
import { licenses } from "./views/licenses.js";
import { orders } from "./views/orders.js";
import { signIn } from "./views/signin.js";

const routes = [
  { pattern: "", show: imports, part: "imports" },
  { pattern: "imports", show: imports, part: "imports" },
  { pattern: "imports/:id", show: importView, part: "imports" },
  { pattern: "licenses", show: licenses, part: "licenses" },
  { pattern: "licenses/:id", show: license, part: "licenses" },
  { pattern: "customers", show: customers, part: "customers" },
  { pattern: "orders", show: orders, part: "orders" },
  { pattern: "admin", show: admin, part: "admin" },
  { pattern: "admin/:part", show: admin, part: "admin" },
  { pattern: "columns", show: columns, part: "guide", open: true },
  { pattern: "guide", show: guide, part: "guide", open: true },
];

const main = document.getElementById("main");
const slot = document.getElementById("notice");
let shown = { place: "", update: null, leave: new AbortController() };
let arrived = false; // false until the first view, which takes no focus

/** route shows the view of the address. */
function route() {
  const { segments, query } = parse(location.hash);
  const found = match(routes, segments);
  const place = `${session.me ? "" : "out "}${segments.join("/")}`;
  if (shown.place === place && shown.update) {
    shown.update(query);
    return;
  }
  fill(slot);
  if (found && (session.me || found.route.open)) show(place, found.route.show, found.params, query);
  else if (!session.me) show(place, signIn, { done: signedIn }, query);
  else show(place, nowhere, {}, query);
  frame(found?.route.part);
}

function show(place, view, params, query) {
  shown.leave.abort();
  shown = { place, update: null, leave: new AbortController() };
  const { signal } = shown.leave;
  const root = h("div", { class: "loose" });
  fill(main, root);
  scrollTo(0, 0);
  const moved = arrived;
  arrived = true;
  /** title names the view and moves the focus to its heading. */
  const title = (heading, text) => {
    document.title = `${text} · licenseimport`;
    if (moved) focusOn(heading, { preventScroll: true });
  };
  shown.update = view({ root, params, query, signal, title }) || null;
}

function nowhere({ root, title }) {
  const heading = h("h1", {}, "Page not found");
  fill(root, heading, h("p", {}, h("a", { href: "#/" }, "Go to the imports")));
  title(heading, "Page not found");
}

/** frame draws the page around the view. */
function frame(part) {
  const nav = document.getElementById("nav");
  const who = document.getElementById("who");
  nav.hidden = who.hidden = !session.me;
  if (!session.me) return;
  const { manager, role, products } = session.me;
  const entry = (name, href, label) => h("a", { href, "aria-current": part === name && "page" }, label);
  fill(nav, entry("imports", "#/", "Imports"), entry("licenses", "#/licenses", "Licenses"),
    products.length === 0 && [entry("customers", "#/customers", "Customers"), entry("orders", "#/orders", "Orders")], // 403 for other keys
    mayManage() && entry("admin", "#/admin", "Administration"),
    entry("guide", "#/guide", "Guide"));
  const may = rights(role) + (products.length ? `; products ${products.join(", ")}` : "");
  fill(who,
    h("span", { class: "who-name", title: `This key ${may}` }, h("strong", {}, user(manager)), " ", h("span", { class: "badge" }, role), h("span", { class: "unseen" }, `: this key ${may}`)),
    h("button", { type: "button", class: "button small", on: { click: askToLeave } }, "Sign out"));
}

function signedIn(key, me, kept) {
  if (kept) keep(key, me);
  else enter(key, me);
  say(`Signed in as ${me.manager}`);
  route();
}

/** askToLeave signs out. It asks first where that ends an upload. */
function askToLeave() {
  if (!busy()) return leaveForGood();
  const what = ["You sign out while ", user(upload.file.name), " is being uploaded. None of its rows will be imported."];
  return ask("Stop the upload?", what, "Stop it and sign out", leaveForGood);
}

/** leaveForGood signs out, of the server's session, too. */
async function leaveForGood() {
  if (!session.key && session.kept) {
    try {
      await post("session/", {}, { method: "DELETE" });
    } catch (error) {
      if (error.status === 401) return; // it had ended: onRefused has told it
      fill(slot, problem(error, leaveForGood));
      return;
    }
  }
  signOut("");
}

function signOut(reason) {
  stop();
  leave();
  shown.update = null;
  route();
  if (reason) fill(slot, notice("bad", "Signed out", h("p", { class: "detail" }, reason)));
}

onRefused.call = (error) => session.me && signOut(error.message);

// Another tab has signed out, or in.
addEventListener("storage", (e) => {
  if (e.key === "licenseimport.kept" && !session.key && session.me && e.newValue !== session.kept) location.reload();
});

upload.addEventListener("change", () => {
  if (upload.state !== "done") return;
  const target = `#/imports/${upload.jobId}`;
  reset();
  if (here() === upload.origin) {
    location.hash = target;
    return;
  }
  say(`${upload.file.name} has been uploaded.`);
  fill(slot, notice("good", "The file is uploaded", h("p", { class: "detail" }, user(upload.file.name), " is import ",
    h("a", { href: target }, upload.jobId), ".")));
});

document.getElementById("skip").addEventListener("click", (e) => {
  e.preventDefault(); // the address is the route
  main.focus();
});

addEventListener("hashchange", route);

/** begin signs in with the key of this tab, or by the cookie of a person who stays signed in, if there is one. */
async function begin() {
  if (session.key || session.kept) {
    try {
      session.me = await get("me/");
    } catch (error) {
      if (error.status !== 401) {
        fill(slot, problem(error, begin));
        return;
      }
      leave();
    }
  }
  fill(slot);
  route();
}

begin();
