"""One welcome mail for each imported license, exactly once, also when this program or the server is killed:

    pip install nats-py
    export NATS_TOKEN="$(cat data/nats.token)"
    python3 subscriber.py nats://127.0.0.1:4222 outbox.jsonl

The "mails" are lines of a file, the outbox. It is also the record of what was sent: a line is on disk before its event
is acknowledged, so a redelivered event is found there.
"""

import asyncio
import json
import os
import sys

import nats
from nats.errors import TimeoutError as NoMessages
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import APIError, NotFoundError


class Outbox:
    """A file of mails, one JSON object a line, and the memory of what was sent."""

    def __init__(self, path):
        self.file = open(path, "a+b")
        self.file.seek(0)
        text = self.file.read()
        whole = text.rfind(b"\n") + 1  # a crash may have left half a line: that mail was not sent
        self.file.truncate(whole)
        self.sent = {json.loads(line)["id"] for line in text[:whole].splitlines()}

    def send(self, mail):
        if mail["id"] in self.sent:
            return
        self.file.write(json.dumps(mail, ensure_ascii=False).encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        self.sent.add(mail["id"])


def handle(outbox, body):
    event = json.loads(body)
    if event["type"] in ("LicenseUpdated", "LicenseRestored", "LicenseRevoked"):
        return  # no reason for a welcome
    if event["type"] != "LicenseImported":
        raise ValueError(f"an event of type {event['type']}: this program is too old for it")
    data = event["data"]
    customer = data.get("customer") or {}
    if customer.get("email"):
        text = (
            f"Welcome, {customer.get('first_name', '')}! Your license for {data['product']['short_code']}"
            f" is {data['license']['license_key']}."
        )
        outbox.send({"id": event["id"], "to": customer["email"], "text": text})


async def set_aside(js, sequence):
    """Whether an operator has decided that readers leave a message out, because it is not licenseimport's."""
    try:
        decision = await js.get_last_msg("LICENSES", f"operations.set_aside.{sequence}", direct=True)
    except NotFoundError:
        return False
    return json.loads(decision.data)["type"] == "EventSetAside"


async def main(url, path):
    outbox = Outbox(path)
    nc = await nats.connect(url, name="welcome-mail-python", max_reconnect_attempts=-1, token=os.environ.get("NATS_TOKEN"))
    js = nc.jetstream()
    # Creates the durable consumer or finds it: the server stores what was acknowledged.
    subscription = await js.pull_subscribe(
        "licenses.>",
        durable="welcome-mail-python",
        stream="LICENSES",
        config=ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=5),
    )
    while True:
        try:
            messages = await subscription.fetch(100, timeout=5)
        except NoMessages:
            continue
        except APIError:  # the server is starting, or its leader changes
            await asyncio.sleep(1)
            continue
        for message in messages:
            try:
                handle(outbox, message.data)
            except (KeyError, TypeError, ValueError):
                if not await set_aside(js, message.metadata.sequence.stream):
                    raise
            await message.ack()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: subscriber.py NATS-URL OUTBOX-FILE")
    asyncio.run(main(sys.argv[1], sys.argv[2]))
