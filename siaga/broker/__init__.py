"""The embedded MQTT broker of `siaga up`.

broker = EmbeddedBroker(data_dir / "broker.sqlite", 1883)
broker.start()      # PortTaken says why not
…
broker.close()

Why one of our own: the acknowledgement that a device gets must mean that its message survives. Measured with amqtt
0.12.1, which was tried first: a message whose subscriber takes longer than 5 s to acknowledge it is thrown away, as is
what was under way when the subscriber's connection broke; sessions of clients without a user name keep nothing; a
client that falls silent never gets its last will, because a keep-alive that ran out is ignored; nothing survives a
restart.
"""

from siaga.broker.server import EmbeddedBroker, PortTaken

__all__ = ["EmbeddedBroker", "PortTaken"]
