"""A tiny Kafka client on plain sockets, for tests that must know exactly what was sent and what was acknowledged.

Non-flexible versions only: ApiVersions 0, CreateTopics 4, Metadata 4, Produce 7, Fetch 4. Blocking, one request in flight.
"""
import socket
import struct
import time

_CRC_TABLE = []
for _byte in range(256):
    _value = _byte
    for _ in range(8):
        _value = (_value >> 1) ^ (0x82F63B78 if _value & 1 else 0)
    _CRC_TABLE.append(_value)


def crc32c(data: bytes) -> int:
    crc, table = 0xFFFFFFFF, _CRC_TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def varint(value: int) -> bytes:
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at


def batch(values: list[bytes], timestamp: int = 1_700_000_000_000) -> bytes:
    """An uncompressed record batch without keys, as a producer sends it."""
    records = bytearray()
    for delta, value in enumerate(values):
        body = b"\x00" + varint(0) + varint(delta) + varint(-1) + varint(len(value)) + value + varint(0)
        records += varint(len(body)) + body
    checked = struct.pack(">hiqqqhii", 0, len(values) - 1, timestamp, timestamp, -1, -1, -1, len(values)) + records
    return struct.pack(">qiibI", 0, 9 + len(checked), -1, 2, crc32c(checked)) + checked


def records(data: bytes):
    """(offset, value) of every record in a run of uncompressed batches; a cut batch at the end is left out."""
    at = 0
    while len(data) - at >= 61:
        base, length = struct.unpack_from(">qi", data, at)
        if at + 12 + length > len(data):
            return
        stored, = struct.unpack_from(">I", data, at + 17)
        if crc32c(data[at + 21:at + 12 + length]) != stored:
            raise ValueError(f"the batch at offset {base} has a wrong checksum")
        count, = struct.unpack_from(">i", data, at + 57)
        cursor = at + 61
        for _ in range(count):
            size, cursor = _read_varint(data, cursor)
            end = cursor + size
            _, inner = _read_varint(data, cursor + 1)
            delta, inner = _read_varint(data, inner)
            key, inner = _read_varint(data, inner)
            value, inner = _read_varint(data, inner + max(key, 0))
            yield base + delta, data[inner:inner + value] if value >= 0 else None
            cursor = end
        at += 12 + length


class RefusedError(Exception):
    """The broker answered with an error code."""

    def __init__(self, what: str, code: int):
        super().__init__(f"{what}: error code {code}")
        self.code = code


def _text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()


class Client:
    def __init__(self, address: str, timeout: float = 30.0):
        host, port = address.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._correlation = 0

    def close(self):
        self._socket.close()

    def _receive(self, count: int) -> bytes:
        parts = []
        while count:
            part = self._socket.recv(min(count, 1 << 20))
            if not part:
                raise ConnectionError("the broker closed the connection")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def call(self, api: int, version: int, body: bytes) -> bytes:
        self._correlation += 1
        frame = struct.pack(">hhi", api, version, self._correlation) + _text("wire") + body
        self._socket.sendall(struct.pack(">i", len(frame)) + frame)
        size, = struct.unpack(">i", self._receive(4))
        answer = self._receive(size)
        got, = struct.unpack_from(">i", answer)
        if got != self._correlation:
            raise ValueError(f"answer {got} where {self._correlation} was due")
        return answer[4:]

    def api_keys(self) -> set[int]:
        """What the broker advertises."""
        answer = self.call(18, 0, b"")
        count, = struct.unpack_from(">i", answer, 2)
        return {struct.unpack_from(">hhh", answer, 6 + 6 * index)[0] for index in range(count)}

    def create_topic(self, name: str, partitions: int = 1, configs: dict[str, str] | None = None):
        body = struct.pack(">i", 1) + _text(name) + struct.pack(">ihi", partitions, 1, 0)
        body += struct.pack(">i", len(configs or {}))
        for key, value in (configs or {}).items():
            body += _text(key) + _text(value)
        answer = self.call(19, 4, body + struct.pack(">i?", 30000, False))
        code, = struct.unpack_from(">h", answer, 8 + 2 + len(name))
        if code:
            raise RefusedError(f"creating {name}", code)

    def produce(self, topic: str, partition: int, data: bytes, acks: int = -1) -> int:
        """Appends one batch and returns its base offset, once acknowledged. A topic that was just made may take a
        moment to be led: retried for ten seconds."""
        body = struct.pack(">hhii", -1, acks, 30000, 1) + _text(topic) + struct.pack(">iii", 1, partition, len(data)) + data
        deadline = time.monotonic() + 10
        while True:
            answer = self.call(0, 7, body)
            code, offset = struct.unpack_from(">hq", answer, 4 + 2 + len(topic) + 4 + 4)
            if code not in (3, 5, 6) or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        if code:
            raise RefusedError(f"producing to {topic}-{partition}", code)
        return offset

    def fetch(self, topic: str, partition: int, offset: int, max_bytes: int = 4 << 20) -> tuple[int, bytes]:
        """The high watermark and the batches from `offset` on, as stored."""
        body = struct.pack(">iiiibi", -1, 100, 0, max_bytes, 0, 1) + _text(topic)
        body += struct.pack(">iiqi", 1, partition, offset, max_bytes)
        answer = self.call(1, 4, body)
        at = 4 + 4 + 2 + len(topic) + 4
        _, code, watermark, _, aborted = struct.unpack_from(">ihqqi", answer, at)
        if code:
            raise RefusedError(f"fetching {topic}-{partition} at {offset}", code)
        at += 26 + max(aborted, 0) * 16
        size, = struct.unpack_from(">i", answer, at)
        return watermark, answer[at + 4:at + 4 + max(size, 0)]

    def read_all(self, topic: str, partition: int) -> list[tuple[int, bytes | None]]:
        found, offset = [], 0
        while True:
            watermark, data = self.fetch(topic, partition, offset)
            part = [record for record in records(data) if record[0] >= offset]
            if not part:
                if offset < watermark:
                    raise ValueError(f"{topic}-{partition} gives nothing at {offset}, before its high watermark {watermark}")
                return found
            found += part
            offset = part[-1][0] + 1
