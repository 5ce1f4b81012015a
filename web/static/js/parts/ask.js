import { h, uniqueId } from "../dom.js";
import { working } from "./notice.js";

/** ask opens a question before something that cannot be taken back; work runs when it is answered with the label. */
export function ask(title, what, label, work) {
  const id = uniqueId("ask");
  const close = () => dialog.close();
  const yes = h("button", { type: "button", class: "button danger" }, label);
  yes.addEventListener("click", () => working(yes, async () => {
    await work();
    close();
  }));
  const dialog = h("dialog", { "aria-labelledby": id, on: { close: () => dialog.remove() } },
    h("h2", { id }, title), h("p", {}, what),
    h("div", { class: "actions" }, h("button", { type: "button", class: "button", on: { click: close } }, "Keep it"), yes));
  document.body.append(dialog);
  dialog.showModal();
}
