// One welcome mail for each imported license, exactly once, also when this program or the server is killed:
//
//   export NATS_TOKEN="$(cat data/nats.token)"
//   npm ci && node subscriber.js nats://127.0.0.1:4222 outbox.jsonl
//
// The "mails" are lines of a file, the outbox. It is also the record of what was sent: a line is on disk before its
// event is acknowledged, so a redelivered event is found there.
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { connect } from "@nats-io/transport-node";
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";

const [url, path] = process.argv.slice(2);
if (!path) {
  console.error("usage: node subscriber.js NATS-URL OUTBOX-FILE");
  process.exit(2);
}

const stored = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
const whole = stored.lastIndexOf("\n") + 1; // a crash can leave half a line: that mail was not sent
const lines = stored.subarray(0, whole).toString().split("\n").filter(Boolean);
const sent = new Set(lines.map((line) => JSON.parse(line).id));
const outbox = openSync(path, "a", 0o600);
ftruncateSync(outbox, whole);

function send(mail) {
  if (sent.has(mail.id)) return;
  writeSync(outbox, JSON.stringify(mail) + "\n");
  fsyncSync(outbox);
  sent.add(mail.id);
}

const nc = await connect({ servers: url, token: process.env.NATS_TOKEN, name: "welcome-mail-node", waitOnFirstConnect: true, maxReconnectAttempts: -1 });
const manager = await jetstreamManager(nc);
// Creates the durable consumer or finds it: the server stores what was acknowledged.
await manager.consumers.add("LICENSES", {
  durable_name: "welcome-mail-node",
  filter_subject: "licenses.>",
  deliver_policy: DeliverPolicy.All,
  ack_policy: AckPolicy.Explicit,
  ack_wait: 5_000_000_000, // nanoseconds
});
const consumer = await jetstream(nc).consumers.get("LICENSES", "welcome-mail-node");
const messages = await consumer.consume();

function handle({ id, type, data }) {
  if (["LicenseUpdated", "LicenseRestored", "LicenseRevoked"].includes(type)) return; // no reason for a welcome
  if (type !== "LicenseImported") throw new Error(`an event of type ${type}: this program is too old for it`);
  if (!data.customer?.email) return;
  const text = `Welcome, ${data.customer.first_name ?? ""}! Your license for ${data.product.short_code} is ${data.license.license_key}.`;
  send({ id, to: data.customer.email, text });
}

// Has an operator decided that readers leave a message out, because it is not licenseimport's?
async function setAside(seq) {
  const decision = await manager.direct.getMessage("LICENSES", { last_by_subj: `operations.set_aside.${seq}` });
  return decision?.json().type === "EventSetAside";
}

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => messages.stop());
}
for await (const message of messages) {
  try {
    handle(message.json());
  } catch (error) {
    if (!(await setAside(message.seq))) throw error;
  }
  message.ack();
}
await nc.drain();
closeSync(outbox);
