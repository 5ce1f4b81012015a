// Following an import until it ends: by its event stream, and by polling where a
// proxy breaks the stream. The stream is read by fetch: EventSource sends no key.

import { get, open, pause, Problem } from "./api.js";
import { resultPath } from "./kinds.js";

const pollEvery = 1000;
const quiet = 40_000; // ms without data; the server sends a heartbeat every 15 s

/** hasEnded reports whether an import is in a final state. */
export function hasEnded(found) {
  return found.status === "success" || found.status === "error";
}

/** isAtRest reports whether it is, and no undo of it is running. */
export function isAtRest(found) {
  return hasEnded(found) && found.undo?.status !== "running";
}

/**
 * follow calls onResult with each state of an import, the last one included. It
 * returns when the import has ended and no undo of it runs. It retries after network failures and reports
 * them to onLost; other errors of a request it throws.
 */
export async function follow(first, { onResult, onLost = () => {}, signal }) {
  for (;;) {
    try {
      if (await listen(first, onResult, signal)) return;
    } catch (error) {
      if (error.name === "AbortError" && signal.aborted) throw error;
    }
    try {
      const found = await get(resultPath(first), { signal });
      onLost(null);
      onResult({ ...found, result: found.result && { ...found.result, invalid_rows: [] } });
      if (isAtRest(found)) return;
    } catch (error) {
      const passing = error instanceof Problem && (error.status === 0 || error.status >= 500);
      if (!passing) throw error;
      onLost(error);
    }
    await pause(pollEvery, signal);
  }
}

/** listen reads the stream; it returns true if nothing more will happen. */
async function listen(first, onResult, signal) {
  const silence = new AbortController();
  const response = await open(`${resultPath(first)}events/`, {
    signal: AbortSignal.any([signal, silence.signal]), accept: "text/event-stream",
  });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const split = splitter();
  for (;;) {
    const watch = setTimeout(() => silence.abort(), quiet);
    const { value, done } = await reader.read().finally(() => clearTimeout(watch));
    if (done) return false;
    for (const { event, data } of split(value)) {
      const found = event === "progress" || event === "done" ? JSON.parse(data) : null;
      if (found) onResult(found);
      if (event === "done") return isAtRest(found);
    }
  }
}

/** splitter joins chunks of a stream and splits them into events. */
export function splitter() {
  let rest = "";
  return (piece) => {
    const blocks = (rest + piece).split("\n\n");
    rest = blocks.pop();
    return blocks.map(parse).filter((e) => e.data !== "");
  };
}

function parse(block) {
  const found = { event: "message", data: "" };
  for (const line of block.split("\n")) {
    const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (name === "event" || name === "data") found[name] = value;
  }
  return found;
}
