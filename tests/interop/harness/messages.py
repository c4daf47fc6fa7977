"""Any request in any version, as plain dictionaries: encoded and decoded by the schemas of sdk/protocol/schemas.

    with Connection(address) as broker:
        broker.call("CreateTopics", 7, topics=[{"name": "orders", "num_partitions": 1, "replication_factor": 1}])

For tests that ask what no client asks, and look at what clients hide. Fields that are left out have their defaults.
"""
import dataclasses
import pathlib
import re
import socket
import struct
import uuid

SCHEMAS = pathlib.Path(__file__).resolve().parents[3] / "sdk/protocol/schemas"
NUMBERS = {"bool": ">?", "int8": ">b", "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "float64": ">d"}
NO_VERSION = range(0)


def _versions(text: str) -> range:
    found = re.fullmatch(r"(\d+)(\+|-(\d+))?", text)
    if not found:
        return NO_VERSION
    first = int(found[1])
    last = first if found[2] is None else 1 << 15 if found[2] == "+" else int(found[3])
    return range(first, last + 1)


@dataclasses.dataclass
class Field:
    name: str
    base: str
    is_array: bool
    nullable: range
    versions: range
    notes: dict
    fields: list

    def default(self):
        text = self.notes.get("default")
        if text is not None:
            known = {"null": None, "true": True, "false": False}
            return known[text] if text in known else text[1:-1] if text.startswith('"') else int(text)
        if self.is_array:
            return []
        return {"string": "", "bytes": b"", "records": None, "uuid": bytes(16)}.get(self.base, 0 if self.base in NUMBERS else {})


@dataclasses.dataclass
class Message:
    notes: dict
    fields: list
    structs: dict

    def is_flexible(self, version: int) -> bool:
        return version in _versions(self.notes["flexible"])


def _notes(words) -> dict:
    return dict(word.split("=", 1) if "=" in word else (word, "") for word in words)


def _field(words) -> Field:
    found = re.fullmatch(r"(\[\])?(\w+)(\?(?:\((.*)\))?)?", words[1])
    nullable = NO_VERSION if not found[3] else _versions(found[4] or "0+")
    return Field(words[0], found[2], bool(found[1]), nullable, _versions(words[2]), _notes(words[3:]), [])


def _load() -> dict:
    messages, message, open_lists = {}, None, []
    for path in sorted(SCHEMAS.glob("*.msg")):
        for line in path.read_text().splitlines():
            line = line.split("#")[0].rstrip()
            words, depth = line.split(), len(line) - len(line.lstrip())
            if not words:
                continue
            if depth == 0:
                message = messages[words[1]] = Message(_notes(words[2:]), [], {})
                open_lists = [(0, message.fields)]
            elif words[0] == "struct" and len(words) == 3 and words[1][0].isupper():
                message.structs[words[1]] = []
                open_lists = [(2, message.structs[words[1]])]
            else:
                while open_lists[-1][0] >= depth:
                    open_lists.pop()
                field = _field(words)
                open_lists[-1][1].append(field)
                open_lists.append((depth, field.fields))
    return messages


MESSAGES = _load()


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def _length(size: int | None, flexible: bool, narrow: bool) -> bytes:
    if flexible:
        return _varint(0 if size is None else size + 1)
    return struct.pack(">h" if narrow else ">i", -1 if size is None else size)


def _encode_value(message, field, version, flexible, value) -> bytes:
    if field.base in NUMBERS:
        return struct.pack(NUMBERS[field.base], value)
    if field.base == "uuid":
        return value
    if field.base in ("string", "bytes", "records"):
        content = value.encode() if isinstance(value, str) else value
        return _length(None if content is None else len(content), flexible, field.base == "string") + (content or b"")
    mark = b""
    if version in field.nullable and not field.is_array:
        if value is None:
            return b"\xff"
        mark = b"\x01"
    return mark + encode(message, field.fields or message.structs[field.base], version, flexible, value)


def _encode_field(message, field, version, flexible, value) -> bytes:
    flexible = flexible and field.notes.get("flexible") != "none"
    if not field.is_array:
        return _encode_value(message, field, version, flexible, value)
    return _length(None if value is None else len(value), flexible, False) + b"".join(
        _encode_value(message, field, version, flexible, each) for each in value or [])


def encode(message, fields, version, flexible, values: dict) -> bytes:
    unknown = set(values) - {field.name for field in fields}
    if unknown:
        raise KeyError(f"no field {', '.join(sorted(unknown))}")
    out, tagged = b"", []
    for field in fields:
        if version not in field.versions:
            continue
        if "tag" in field.notes and flexible:
            if field.name in values:
                tagged.append((int(field.notes["tag"]), _encode_field(message, field, version, flexible, values[field.name])))
        else:
            out += _encode_field(message, field, version, flexible, values.get(field.name, field.default()))
    if flexible:
        out += _varint(len(tagged)) + b"".join(_varint(tag) + _varint(len(content)) + content for tag, content in sorted(tagged))
    return out


class _Reader:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise ValueError("the answer is too short")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, form: str):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def length(self, flexible: bool, narrow: bool) -> int:
        return self.varint() - 1 if flexible else self.number(">h" if narrow else ">i")

    def value(self, message, field, version, flexible):
        if field.base in NUMBERS:
            return self.number(NUMBERS[field.base])
        if field.base == "uuid":
            return str(uuid.UUID(bytes=self.take(16)))
        if field.base in ("string", "bytes", "records"):
            size = self.length(flexible, field.base == "string")
            content = None if size < 0 else self.take(size)
            return content.decode() if content is not None and field.base == "string" else content
        if version in field.nullable and not field.is_array and self.number(">b") < 0:
            return None
        return self.fields(message, field.fields or message.structs[field.base], version, flexible)

    def field(self, message, field, version, flexible):
        flexible = flexible and field.notes.get("flexible") != "none"
        if not field.is_array:
            return self.value(message, field, version, flexible)
        count = self.length(flexible, False)
        return None if count < 0 else [self.value(message, field, version, flexible) for _ in range(count)]

    def fields(self, message, fields, version, flexible) -> dict:
        found, tagged = {}, {}
        for field in fields:
            if version not in field.versions:
                continue
            if "tag" in field.notes and flexible:
                tagged[int(field.notes["tag"])] = field
                found[field.name] = field.default()
            else:
                found[field.name] = self.field(message, field, version, flexible)
        for _ in range(self.varint() if flexible else 0):
            tag, content = self.varint(), _Reader(self.take(self.varint()))
            if tag in tagged:
                found[tagged[tag].name] = content.field(message, tagged[tag], version, flexible)
        return found


class Connection:
    """One request in flight; every answer is decoded to its last byte."""

    def __init__(self, address: str, timeout: float = 30.0):
        host, port = address.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=timeout)
        self._correlation = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _receive(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            part = self._socket.recv(size - len(content))
            if not part:
                raise ConnectionError("the broker closed the connection")
            content += part
        return content

    def call(self, api: str, version: int, **values) -> dict:
        asked, answered = MESSAGES[api + "Request"], MESSAGES[api + "Response"]
        flexible = asked.is_flexible(version)
        self._correlation += 1
        frame = struct.pack(">hhih", int(asked.notes["api"]), version, self._correlation, 8) + b"messages" + (b"\0" if flexible else b"")
        frame += encode(asked, asked.fields, version, flexible, values)
        self._socket.sendall(struct.pack(">i", len(frame)) + frame)
        answer = _Reader(self._receive(struct.unpack(">i", self._receive(4))[0]))
        if answer.number(">i") != self._correlation:
            raise ValueError("an answer to another request")
        flexible = answered.is_flexible(version)
        if flexible and api != "ApiVersions":
            for _ in range(answer.varint()):
                answer.varint()
                answer.take(answer.varint())
        found = answer.fields(answered, answered.fields, version, flexible)
        if answer.at != len(answer.data):
            raise ValueError(f"{len(answer.data) - answer.at} bytes too many in the answer to {api} {version}")
        return found
