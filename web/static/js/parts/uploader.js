// Choosing a file and its options, and the progress of its upload.

import { fill, focusOn, h, say, uniqueId, user } from "../dom.js";
import { bytes, percent, span } from "../format.js";
import { kindNamed } from "../kinds.js";
import { here } from "../router.js";
import { again, busy, reset, start, stop, upload } from "../upload.js";
import { headerAdvice, onPage, uploadAdviceFor } from "../words.js";
import { notice } from "./notice.js";
import { ready } from "./ready.js";

/**
 * uploader is the place where a file is dropped or chosen. title and hint explain
 * it; given and file preselect options and a file. With go, the text of the button, the options of a given file are
 * settled, and out of sight. kind is what its rows are. signal removes its listeners.
 */
export function uploader({ title, hint, aside, given = {}, file = null, small = false, go = "", kind = kindNamed(""), signal }) {
  const origin = here();
  const root = h("section", { class: "stack", "aria-label": title });
  let options = given;
  let sent = null; // the file that the options were sent with
  let settled = file ? go : "";

  const draw = () => {
    const ours = upload.origin === origin && upload.place === title;
    if (busy() && upload.origin === origin && !ours) return fill(root); // it is shown in another place of this view
    if (busy()) return fill(root, sending(ours));
    if (upload.state === "failed" && ours) return fill(root, failed(() => choose(null), () => choose(upload.file)));
    if (file) return fill(root, ready({ file, kind, given: options, settled, send, back: () => choose(null), signal }));
    return fill(root, drop({ title, hint, aside, small, choose }));
  };
  const send = (query) => {
    sent = file;
    options = given.retry_of ? { ...query, retry_of: given.retry_of } : query; // no question of the form
    start(file, options, origin, title, kind);
  };
  const choose = (picked) => {
    if (picked && sent && picked.name !== sent.name) options = { ...given, ...ofEveryFile(options) };
    file = picked;
    settled = "";
    if (upload.state === "failed") reset(); // reset emits "change", which draws
    else draw();
    focusOn(root.querySelector(picked ? "h2, h3" : "input, button"));
  };
  let shown = "";
  upload.addEventListener("change", () => {
    if (shown === upload.state && busy()) return progress(root);
    if (upload.state === "failed") say(`The upload failed. ${upload.problem.message}`);
    shown = upload.state;
    draw();
  }, { signal });
  draw();
  return root;
}

/** ofEveryFile are the options that say nothing about one file: not what its columns become, nor how it is read. */
function ofEveryFile({ existing, mode, dry_run }) {
  return { existing, mode, dry_run };
}

function drop({ title, hint, aside, small, choose }) {
  const id = uniqueId("file");
  const wrong = h("p", { class: "badge bad", role: "alert", hidden: true });
  const take = (files) => {
    if (files.length === 1) return choose(files[0]);
    wrong.textContent = "One file at a time, please.";
    wrong.hidden = files.length === 0;
  };
  const input = h("input", {
    type: "file", id, accept: ".csv,.xlsx,.txt,.tsv,.gz,text/csv,text/plain", "aria-label": `${title}: choose a file`,
    on: { change: () => take(input.files) },
  });
  const zone = h("div", { class: small ? "drop small" : "drop" },
    h(small ? "h3" : "h2", { class: "drop-title" }, title),
    h("p", { class: "soft" }, hint),
    wrong,
    h("div", { class: "actions" }, input, h("label", { class: "button primary", for: id }, "Choose a file"), aside));
  const over = (on) => (e) => {
    e.preventDefault();
    zone.classList.toggle("over", on);
  };
  zone.addEventListener("dragenter", over(true));
  zone.addEventListener("dragover", over(true));
  zone.addEventListener("dragleave", over(false));
  zone.addEventListener("drop", (e) => {
    over(false)(e);
    take(e.dataTransfer.files);
  });
  return zone;
}

function sending(ours) {
  const panel = h("div", { class: "sheet stack" },
    h("h2", {}, "Uploading ", user(upload.file.name)),
    h("div", { class: "progress", role: "progressbar", "aria-label": "Upload", "aria-valuemin": 0, "aria-valuemax": 100 }, h("span")),
    h("p", { class: "progress-facts" }, h("span", { class: "sent" }), h("span", { class: "left soft" })),
    h("p", { class: "hint" }, "Keep this tab open until the file is uploaded. Nothing is imported before that."),
    h("div", { class: "actions" },
      h("button", { type: "button", class: "button danger", on: { click: stop } }, "Stop the upload"),
      !ours && h("a", { class: "button plain", href: upload.origin }, "Go to the upload")));
  progress(panel);
  return panel;
}

function progress(root) {
  const track = root.querySelector(".progress");
  if (!track) return; // another place of the view shows it
  const part = upload.total ? upload.sent / upload.total : 0;
  const storing = upload.state === "storing";
  track.firstChild.style.width = storing ? "100%" : percent(part).replace(" ", "");
  track.setAttribute("aria-valuenow", Math.floor(part * 100));
  root.querySelector(".sent").textContent = storing
    ? "All sent. Waiting until every row is stored…"
    : `${percent(part)} – ${bytes(upload.sent)} of ${bytes(upload.total)}`;
  root.querySelector(".left").textContent = storing || !upload.speed || upload.sent === 0
    ? ""
    : `${bytes(upload.speed)}/s, ${span((upload.total - upload.sent) / upload.speed)} left`;
}

function failed(back, change) {
  const { problem } = upload;
  const passing = problem.status === 0 || problem.status === 408 || problem.status === 409 || problem.status === 429 || problem.status >= 500;
  const advice = uploadAdviceFor(problem.code);
  return notice("bad", upload.file ? `${upload.file.name} was not imported` : "The upload failed",
    problem.errors.length > 0
      ? h("ul", {}, problem.errors.map((e) => h("li", {}, headerAdvice(e))))
      : h("p", { class: "detail" }, onPage(problem.message)),
    advice && h("p", { class: "detail" }, advice),
    h("div", { class: "actions" },
      passing && h("button", { type: "button", class: "button", on: { click: again } }, "Send it again"),
      h("button", { type: "button", class: "button", on: { click: back } }, "Choose a file"),
      !passing && h("button", { type: "button", class: "button", on: { click: change } }, "Change the options"),
      problem.jobId > 0 && h("a", { class: "button plain", href: `#/imports/${problem.jobId}` }, `Import ${problem.jobId}`)));
}
