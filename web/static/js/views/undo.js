// Undo of an import: what it would do, in numbers; its progress; what it did.

import { get, pause, post } from "../api.js";
import { fill, h, user } from "../dom.js";
import { hasEnded } from "../follow.js";
import { count, number, percent } from "../format.js";
import { kindOf, made, resultPath } from "../kinds.js";
import { link } from "../router.js";
import { mayCancel } from "../session.js";
import { moment } from "../parts/badge.js";
import { loading, notice, problem, working } from "../parts/notice.js";

/** mayUndo reports whether to offer to undo an import. The server checks it again. */
export function mayUndo(found) {
  const { created, updated } = made(found);
  return kindOf(found).undoable && hasEnded(found) && !found.dry_run && !found.undo && mayCancel(found) && created + updated > 0;
}

/** undoButton opens the question; began() is called when the undo has begun. */
export function undoButton(found, began) {
  const button = h("button", { type: "button", class: "button" }, "Undo this import");
  button.addEventListener("click", () => question(found, began));
  return button;
}

function question(found, began) {
  const what = h("div", { class: "tight" }, loading());
  const close = () => dialog.close();
  const yes = h("button", { type: "button", class: "button danger", disabled: true }, "Undo this import");
  yes.addEventListener("click", () => working(yes, async () => {
    await post(`${resultPath(found)}undo/`);
    await shown(found);
    close();
    began();
  }));
  const leaving = new AbortController();
  const dialog = h("dialog", { "aria-labelledby": "undo-title", on: { close: () => { leaving.abort(); dialog.remove(); } } },
    h("h2", { id: "undo-title" }, `Undo import ${found.id}?`), what,
    h("div", { class: "actions" }, h("button", { type: "button", class: "button", on: { click: close } }, "Keep it"), yes));
  const ask = async () => {
    try {
      const plan = await get(`${resultPath(found)}undo/`, { signal: leaving.signal });
      const does = parts(plan, "will be", kindOf(found).one);
      fill(what, does.length > 0 ? h("ul", { class: "bullets" }, does.map((line) => h("li", {}, line))) : h("p", {}, "Nothing is left to take back."),
        h("p", { class: "hint" }, `An undo cannot be undone. To bring the ${kindOf(found).many} in again, import the file again.`));
      yes.disabled = plan.revoked + plan.restored === 0;
    } catch (error) {
      fill(what, problem(error, ask));
    }
  };
  document.body.append(dialog);
  dialog.showModal();
  ask();
}

/** shown waits until the result shows the undo. */
async function shown(found) {
  for (let i = 0; i < 50 && !(await get(resultPath(found))).undo; i++) await pause(200);
}

/** parts says in numbers what an undo does or did: verb is "will be" or "". */
function parts({ revoked = 0, restored = 0, kept = 0 }, verb, noun) {
  const be = (n) => verb || (n === 1 ? "was" : "were");
  return [
    revoked > 0 && `${count(revoked, noun)} ${be(revoked)} removed`,
    restored > 0 && `${count(restored, noun)} ${be(restored)} set back to the values before this import`,
    kept > 0 && `${count(kept, noun)} ${verb ? "stay" : "stayed"}${kept === 1 && verb ? "s" : ""} as ${kept === 1 ? "it is" : "they are"}, because a later import changed ${kept === 1 ? "it" : "them"}`,
  ].filter(Boolean);
}

/** undoNote is the state of an import's undo; null: there is none. */
export function undoNote(found) {
  const { undo } = found;
  if (!undo) return null;
  if (undo.status === "running") {
    const done = undo.progress || 0;
    const track = h("span");
    track.style.width = percent(done).replace(" ", "");
    return h("section", { class: "sheet stack", "aria-label": "Undo" },
      h("h2", {}, "This import is being undone"),
      h("div", { class: "progress", role: "progressbar", "aria-label": "Undo", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.floor(done * 100) }, track),
      h("p", { class: "progress-facts" }, h("span", {}, percent(done)),
        h("span", { class: "soft" }, `${number(undo.revoked)} removed, ${number(undo.restored)} set back, ${number(undo.kept)} kept`)),
      h("p", { class: "hint" }, "You may close this page: the undo goes on without it."));
  }
  const did = parts(undo, "", kindOf(found).one);
  return notice("calm", "This import was undone",
    h("p", { class: "detail" }, "By ", user(undo.manager), ", ", moment(undo.finished_at || undo.started_at), "."),
    h("ul", {}, did.length > 0 ? did.map((line) => h("li", {}, line)) : h("li", {}, "Nothing was left to take back")),
    undo.kept > 0 && h("p", {}, h("a", { href: link(`imports/${found.id}`, { show: "kept" }) }, "See what stayed")));
}
