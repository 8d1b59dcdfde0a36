"""Batches and their acknowledgements.

The gateway uses `encode_batch` and `decode_ack`, the centre `decode_batch` and `encode_ack`.
"""

import re
import zlib
from collections.abc import Container, Mapping, Sequence
from hashlib import sha256
from operator import itemgetter
from types import MappingProxyType
from typing import Literal, NamedTuple

import orjson

from siaga.model.clock import MINUTE
from siaga.model.observation import Point, Reading
from siaga.wire.batch_records import RefusedRecord, take_records
from siaga.wire.json_text import UnreadableJson, read_json
from siaga.wire.senml import Record, UnreadablePack, build_pack
from siaga.wire.usual_batch import UsualBatch, read_usual

__all__ = [
    "LIVE_EDGE",
    "MAX_PACKED",
    "MAX_UNPACKED",
    "Batch",
    "BatchId",
    "RefusedRecord",
    "UnreadableBatch",
    "decode_ack",
    "decode_any_batch",
    "decode_batch",
    "encode_ack",
    "encode_batch",
]

LIVE_EDGE = 2 * MINUTE
"""A batch with an event older than this (ms) on arrival is late: that time was judged without it."""
MAX_PACKED = 1_000_000
"""Bytes of a batch as it is sent, at most (contract, section 4)."""
MAX_UNPACKED = 16_000_000
"""Bytes of a decompressed batch at most (contract, section 4)."""
MAX_ACK = 1_000
"""Bytes of an acknowledgement at most; it has about seventy."""
MAX_MEMBERS = 100
"""Members of a gzip file at most. Several may be concatenated (RFC 1952, 2.2), as streaming compressors do. A megabyte
could hold fifty thousand empty ones, and each copies the rest of the data."""
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib: a gzip header and the largest window
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_SENT = re.compile(rb'"sent"\s*:\s*[-+.0-9eE]+')
_TIME = itemgetter(2)  # of a point
_LAST_SEQ = 2**63 - 1
_LAST_SENT = 9_223_372_036


class UnreadableBatch(ValueError):
    """A batch is refused as a whole, and must not be acknowledged.

    The message is a sentence. `kind`: the reason as a metric label.
    """

    def __init__(self, kind: Literal["too_large", "not_gzip", "not_json", "envelope", "senml"], reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


class BatchId(NamedTuple):
    """The identity of a gateway's batch. `epoch`: the buffer that it comes from. `seq`: its number within that."""

    epoch: str
    seq: int

    def __str__(self) -> str:
        """Returns it as logs have it, along its whole way."""
        return f"{self.epoch}/{self.seq}"


class Batch(NamedTuple):
    """A decoded batch.

    `sent`: the gateway's time, ms; `None` if it is absent.
    `points`: in the batch's order. Adjacent readings of one device and time share a point.
    `readings`: the number of readings in the points.
    `refused`: the first few hundred refused records. `refused_count`: how many there are.
    `digest`: a hash of the content without `sent`; compression does not change it.
    `implausible`: by signal, how many values were dropped. `doubtful`: one such record per signal.
    """

    id: BatchId
    sent: int | None
    points: list[Point]
    readings: int
    refused: Sequence[RefusedRecord] = ()
    refused_count: int = 0
    digest: bytes = b""
    implausible: Mapping[str, int] = MappingProxyType({})
    doubtful: Sequence[RefusedRecord] = ()

    @property
    def first(self) -> int | None:
        """The earliest event time, ms; `None` without points."""
        return min(map(_TIME, self.points), default=None)

    @property
    def last(self) -> int | None:
        """The latest event time, ms; `None` without points."""
        return max(map(_TIME, self.points), default=None)


def encode_batch(batch: BatchId, sent: int, readings: Sequence[Reading], *, pack: bool = True) -> bytes:
    """Returns a batch in wire format. `sent`: ms. `pack`: compress with gzip.

    Readings are sorted by device and time, which makes the batch smaller. The sort is stable: of two readings at one
    time, the later one in `readings` stays later.

    Raises:
        ValueError: a time is before July 1978, which SenML would read as relative to now, or after 2262.
    """
    ordered = sorted(readings, key=lambda reading: (reading.device, reading.time))
    records = (Record(f"{reading.device}/{reading.signal}", reading.time, reading.value) for reading in ordered)
    text = orjson.dumps(
        {"epoch": batch.epoch, "seq": batch.seq, "sent": sent / 1000, "senml": build_pack(records)},
    )
    if not pack:
        return text
    packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP_WINDOW)
    return packer.compress(text) + packer.flush()


def decode_batch(payload: bytes, village: str, received: int, devices: Container[str]) -> Batch:
    """Returns the decoded batch of a village's gateway.

    Args:
        received: the centre's time, ms.
        devices: the ids of the village's devices.

    Raises:
        UnreadableBatch: the whole batch is refused. Single refused records are in the batch's `refused`.
    """
    text = _unpacked(payload)
    usual = read_usual(text, village, received, devices)
    if usual is not None and _is_batch(usual):
        sent = None if usual.sent is None else round(usual.sent * 1000)
        return Batch(BatchId(usual.epoch, usual.seq), sent, usual.points, usual.readings, digest=_digest(text))
    return decode_any_batch(text, village, received, devices)


def decode_any_batch(text: bytes, village: str, received: int, devices: Container[str]) -> Batch:
    """Returns the same as `decode_batch` for a decompressed batch, by the general way.

    Raises:
        UnreadableBatch: the whole batch is refused.
    """
    try:
        document, finite = read_json(text)
    except UnreadableJson as error:
        raise UnreadableBatch("not_json", f"the batch {error}") from None
    if not isinstance(document, dict):
        raise UnreadableBatch("envelope", "a batch is an object with epoch, seq, sent and senml")
    identity, sent = _identity(document), document.get("sent")
    if sent is not None and (isinstance(sent, bool) or not isinstance(sent, int | float) or not 0 <= sent < _LAST_SENT):
        raise UnreadableBatch("envelope", f"sent: {str(sent)[:40]} is not a time in Unix seconds")
    try:
        taken = take_records(document.get("senml"), village, received, devices, finite=finite)
    except UnreadablePack as error:
        raise UnreadableBatch("senml", f"senml: {error}") from None
    return Batch(
        identity,
        None if sent is None else round(sent * 1000),
        taken.points,
        taken.readings,
        taken.refused,
        taken.refused_count,
        _digest(text),
        taken.implausible,
        taken.doubtful,
    )


def _is_batch(usual: UsualBatch) -> bool:
    """Returns whether what surrounds the records is right."""
    right = 0 <= usual.seq <= _LAST_SEQ and _UUID.fullmatch(usual.epoch) is not None
    return right and (usual.sent is None or 0 <= usual.sent < _LAST_SENT)


def _digest(text: bytes) -> bytes:
    """Returns the hash of a batch without the time at which it was sent."""
    sent = _SENT.search(text)
    if sent is None:
        return sha256(text).digest()
    digest = sha256(text[: sent.start()])  # with processor support four times as fast as blake2b
    digest.update(memoryview(text)[sent.end() :])
    return digest.digest()


def encode_ack(batch: BatchId) -> bytes:
    """Returns the acknowledgement that every reading of the batch is durably stored, in wire format."""
    return orjson.dumps({"epoch": batch.epoch, "seq": batch.seq})


def decode_ack(payload: bytes) -> BatchId:
    """Returns the batch that an acknowledgement names.

    Raises:
        UnreadableBatch: it is no acknowledgement.
    """
    if len(payload) > MAX_ACK:
        raise UnreadableBatch("too_large", f"an acknowledgement of {len(payload)} bytes")
    try:
        document, _ = read_json(payload)
    except UnreadableJson as error:
        raise UnreadableBatch("not_json", f"the acknowledgement {error}") from None
    if not isinstance(document, dict):
        raise UnreadableBatch("envelope", "an acknowledgement is an object with epoch and seq")
    return _identity(document)


def _identity(document: dict[str, object]) -> BatchId:
    epoch, seq = document.get("epoch"), document.get("seq")
    if not isinstance(epoch, str) or not _UUID.fullmatch(epoch):
        raise UnreadableBatch("envelope", f"epoch: {str(epoch)[:40]!r} is not a UUID")
    if isinstance(seq, bool) or not isinstance(seq, int) or not 0 <= seq <= _LAST_SEQ:
        raise UnreadableBatch("envelope", f"seq: {str(seq)[:40]} is not a whole number from 0 on")
    return BatchId(epoch, seq)


def _unpacked(payload: bytes) -> bytes:
    """Returns the decompressed text of a batch. Decompression stops at the limit.

    Raises:
        UnreadableBatch: it is too large, or not valid gzip.
    """
    if len(payload) > MAX_PACKED:
        raise UnreadableBatch("too_large", f"the batch has {len(payload)} bytes, more than {MAX_PACKED}")
    if payload[:2] != _GZIP:
        return payload
    parts: list[bytes] = []
    rest, room = payload, MAX_UNPACKED
    for _ in range(MAX_MEMBERS):
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        try:
            parts.append(unpacker.decompress(rest, room + 1))
        except zlib.error as error:
            raise UnreadableBatch("not_gzip", f"the batch begins as gzip and is not: {error}") from None
        room -= len(parts[-1])
        if room < 0:
            raise UnreadableBatch("too_large", f"the batch unpacks to more than {MAX_UNPACKED} bytes")
        if not unpacker.eof:
            raise UnreadableBatch("not_gzip", "the batch's gzip ends too early")
        rest = unpacker.unused_data
        if not rest:
            return b"".join(parts)
        if rest[:2] != _GZIP:
            raise UnreadableBatch("not_gzip", "the batch's gzip goes on after its end")
    raise UnreadableBatch("not_gzip", f"the batch's gzip has more than {MAX_MEMBERS} members")
