from dataclasses import dataclass


class AckPolicy:
    EXPLICIT = "explicit"


@dataclass
class ConsumerConfig:
    ack_policy: str
    ack_wait: float
