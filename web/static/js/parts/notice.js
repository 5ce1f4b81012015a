// Messages: errors, empty lists, work in progress.

import { h } from "../dom.js";

/** notice is a message with its tone: "bad", "busy", "good" or "calm". */
export function notice(tone, title, ...more) {
  return h("div", { class: `notice ${tone}`, role: tone === "bad" ? "alert" : null }, h("strong", {}, title), more);
}

/** problem shows a failed request and offers a retry. */
export function problem(error, retry) {
  if (error.name === "AbortError") return null;
  const title = { 0: "No connection", 403: "Not allowed", 404: "Not found", 429: "Too many requests", 503: "Not ready yet" }[error.status];
  return notice("bad", title || "That did not work",
    h("p", { class: "detail" }, error.message),
    retry && error.status !== 403 && error.status !== 404 &&
      h("div", { class: "actions" }, h("button", { type: "button", class: "button small", on: { click: retry } }, "Try again")));
}

/** empty says that a list is empty, and what to do. */
export function empty(title, ...more) {
  return h("div", { class: "empty" }, h("h2", {}, title), more);
}

/** loading is a placeholder until an answer arrives. */
export function loading() {
  return h("p", { class: "loading" }, "Loading…");
}

/**
 * working disables a button while its work runs, and shows an error beside it.
 */
export async function working(button, work) {
  if (button.disabled) return;
  const next = button.parentElement.nextElementSibling;
  if (next?.classList.contains("notice")) next.remove();
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    const told = problem(error);
    if (told) button.parentElement.after(told);
  } finally {
    button.disabled = false;
  }
}
