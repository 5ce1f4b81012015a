// This tab's upload: one at a time. It is independent of the views, so that
// navigation does not end it.

import { address, Problem } from "./api.js";
import { remember } from "./kinds.js";
import { signed } from "./session.js";

/**
 * upload holds the state: "idle", "sending", "storing" (sent, not yet answered),
 * "failed", "done". It emits "change".
 */
export const upload = Object.assign(new EventTarget(), {
  state: "idle", file: null, options: {}, sent: 0, total: 0, speed: 0, problem: null, jobId: 0, origin: "", place: "", kind: null,
});

let request = null;
let attempt = { file: null, options: "", key: "" };

/**
 * start sends a file. The origin is the address of the view that shows progress, the place is where in it.
 * The same file with the same options is sent with the same Idempotency-Key: if
 * the answer was lost, the retry does not import it twice.
 */
export function start(file, options, origin, place, kind) {
  if (busy()) return;
  const began = performance.now();
  request = new XMLHttpRequest();
  request.open("POST", address(kind.upload, options));
  for (const [name, value] of Object.entries(signed())) request.setRequestHeader(name, value);
  request.setRequestHeader("Idempotency-Key", keyFor(file, { ...options, kind: kind.name }));
  request.responseType = "text";
  request.upload.onprogress = (e) => change({
    sent: e.loaded, total: e.total, speed: e.loaded / Math.max(0.05, (performance.now() - began) / 1000),
  });
  request.upload.onload = () => change({ state: "storing" });
  request.onload = () => finish(request.status, request.responseText);
  request.onerror = () => fail(new Problem(0, {
    detail: "The connection was lost before the server answered. Send the file again: it is never imported twice.",
  }));
  const form = new FormData();
  form.append("file", file);
  change({ state: "sending", file, options, origin, place, kind, sent: 0, total: file.size, speed: 0, problem: null, jobId: 0 });
  request.send(form);
}

/** again retries a failed upload. */
export function again() {
  start(upload.file, upload.options, upload.origin, upload.place, upload.kind);
}

/** stop aborts the upload; none of its rows is imported. */
export function stop() {
  request?.abort();
  reset();
}

/** reset clears the outcome of the last upload. */
export function reset() {
  request = null;
  change({ state: "idle", problem: null });
}

/** busy reports whether leaving the page would abort an upload. */
export function busy() {
  return upload.state === "sending" || upload.state === "storing";
}

function finish(status, body) {
  let answer = {};
  try {
    answer = JSON.parse(body);
  } catch {
    // Not JSON: a page of a proxy. Its status is enough.
  }
  if (status === 200 && answer.job_id) {
    attempt = { file: null, options: "", key: "" };
    remember(answer.job_id, upload.kind);
    change({ state: "done", jobId: answer.job_id });
    return;
  }
  if (answer.code === "idempotency_key_reused") attempt.key = ""; // the file has changed since the first try
  fail(new Problem(status, answer));
}

function fail(problem) {
  request = null;
  change({ state: "failed", problem });
}

function change(what) {
  Object.assign(upload, what);
  upload.dispatchEvent(new Event("change"));
}

function keyFor(file, options) {
  const spelt = JSON.stringify(options);
  if (attempt.key === "" || attempt.file !== file || attempt.options !== spelt) {
    const random = crypto.getRandomValues(new Uint8Array(16));
    attempt = { file, options: spelt, key: Array.from(random, (b) => b.toString(16).padStart(2, "0")).join("") };
  }
  return attempt.key;
}

addEventListener("beforeunload", (e) => {
  if (busy()) e.preventDefault();
});
