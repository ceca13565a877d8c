"""Queues behind one protocol: a spool folder, Redis Streams, SQS."""

from flows.streams.queues.address import open_queue
from flows.streams.queues.queue import Depth, Message, Queue

__all__ = ["Depth", "Message", "Queue", "open_queue"]
