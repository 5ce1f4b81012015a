"""Stands in for nats-py in this project's tests, on machines where that cannot be installed.

It has those few calls of nats-py that subscriber.py makes, and speaks with the real NATS server.
"""

import asyncio
import itertools
import json
import uuid
from types import SimpleNamespace
from urllib.parse import urlsplit

from nats.errors import TimeoutError
from nats.js.errors import APIError, NotFoundError


async def connect(url, name, max_reconnect_attempts, token=None):
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    return Client(reader, writer, name, token)


class Client:
    def __init__(self, reader, writer, name, token):
        self.reader, self.writer = reader, writer
        self.numbers, self.queues = itertools.count(1), {}
        options = {"name": name, "verbose": False, "pedantic": False, "headers": True, "no_responders": True, "auth_token": token or ""}
        self.writer.write(f"CONNECT {json.dumps(options)}\r\n".encode())
        self.reading = asyncio.create_task(self.read())

    async def read(self):
        while line := (await self.reader.readline()).decode().split():
            if line[0] == "PING":
                self.writer.write(b"PONG\r\n")
            elif line[0] == "-ERR":
                raise ConnectionError(" ".join(line))
            elif line[0] in ("MSG", "HMSG"):
                whole = await self.reader.readexactly(int(line[-1]) + 2)
                head = int(line[-2]) if line[0] == "HMSG" else 0
                reply = line[3] if len(line) == (6 if head else 5) else ""
                # A message that arrives after its request has ended is redelivered by the server.
                if queue := self.queues.get(line[2]):
                    queue.put_nowait(Message(self, reply, whole[:head], whole[head:-2]))

    async def ask(self, subject, body, count, timeout):
        """The answers to a request, up to count, and the status that ended them."""
        number, reply = str(next(self.numbers)), f"_INBOX.{uuid.uuid4().hex}"
        queue = self.queues[number] = asyncio.Queue()
        self.writer.write(f"SUB {reply} {number}\r\n".encode())
        self.publish(subject, json.dumps(body).encode() if body else b"", reply)
        answers = []
        try:
            async with asyncio.timeout(timeout):
                while len(answers) < count:
                    answer = await queue.get()
                    if answer.status:
                        return answers, answer.status
                    answers.append(answer)
        except asyncio.TimeoutError:
            pass
        finally:
            del self.queues[number]
            self.writer.write(f"UNSUB {number}\r\n".encode())
        return answers, ""

    def publish(self, subject, body, reply=""):
        self.writer.write(f"PUB {subject} {reply} {len(body)}\r\n".encode() + body + b"\r\n")

    def jetstream(self):
        return self

    async def pull_subscribe(self, subject, durable, stream, config):
        wanted = {"durable_name": durable, "filter_subject": subject, "deliver_policy": "all",
                  "ack_policy": config.ack_policy, "ack_wait": int(config.ack_wait * 1e9)}
        answers, status = await self.ask(f"$JS.API.CONSUMER.CREATE.{stream}.{durable}.{subject}",
                                         {"stream_name": stream, "config": wanted}, 1, 5)
        if not answers or "error" in json.loads(answers[0].data):
            raise APIError(status or answers)
        return Subscription(self, f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}")


    async def get_last_msg(self, stream, subject, direct):
        answers, status = await self.ask(f"$JS.API.DIRECT.GET.{stream}.{subject}", None, 1, 5)
        if status == "404":
            raise NotFoundError
        if not answers:
            raise APIError(status)
        return answers[0]


class Subscription:
    def __init__(self, client, subject):
        self.client, self.subject = client, subject

    async def fetch(self, batch, timeout):
        request = {"batch": batch, "expires": int(timeout * 1e9), "no_wait": True}
        messages, status = await self.client.ask(self.subject, request, batch, timeout)
        if not messages:  # as nats-py does, first what is there, then what comes
            del request["no_wait"]
            messages, status = await self.client.ask(self.subject, {**request, "batch": 1}, 1, timeout)
        if messages:
            return messages
        if status in ("", "404", "408"):
            raise TimeoutError
        raise APIError(status)


class Message:
    def __init__(self, client, reply, head, data):
        self.client, self.reply, self.data = client, reply, data
        words = head.split(b"\r\n", 1)[0].split()  # NATS/1.0 404 No Messages
        self.status = words[1].decode() if len(words) > 1 else ""

    @property
    def metadata(self):  # the reply is $JS.ACK.STREAM.CONSUMER.DELIVERED.SEQUENCE and so on
        return SimpleNamespace(sequence=SimpleNamespace(stream=int(self.reply.split(".")[5])))

    async def ack(self):
        self.client.publish(self.reply, b"+ACK")
        await self.client.writer.drain()
