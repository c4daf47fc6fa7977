"""What the schema files say, as plain data. Ranges are inclusive; LAST stands for "no upper end"."""

from dataclasses import dataclass, field
from typing import List, Optional

LAST = 32767
PRIMITIVES = {
    "bool", "int8", "int16", "uint16", "int32", "uint32", "int64", "float64", "string", "bytes", "records", "uuid",
}
# Bytes of the fixed-size types on the wire.
FIXED_BYTES = {
    "bool": 1, "int8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "float64": 8, "uuid": 16,
}


@dataclass(frozen=True)
class Range:
    low: int
    high: int

    @staticmethod
    def parse(text: str) -> "Range":
        if text == "none":
            return NONE
        if text.endswith("+"):
            return Range(int(text[:-1]), LAST)
        if "-" in text:
            low, high = text.split("-")
            return Range(int(low), int(high))
        return Range(int(text), int(text))

    def __contains__(self, version: int) -> bool:
        return self.low <= version <= self.high

    def __and__(self, other: "Range") -> "Range":
        both = Range(max(self.low, other.low), min(self.high, other.high))
        return both if both.low <= both.high else NONE

    def __or__(self, other: "Range") -> "Range":
        """The smallest range around both."""
        if self.empty or other.empty:
            return other if self.empty else self
        return Range(min(self.low, other.low), max(self.high, other.high))

    def covers(self, other: "Range") -> bool:
        return other.empty or (self.low <= other.low and other.high <= self.high)

    @property
    def empty(self) -> bool:
        return self.low > self.high

    def versions(self):
        return range(self.low, self.high + 1)


NONE = Range(1, 0)


def condition(wanted: Range, context: Range) -> str:
    """An expression over `version` that holds in `wanted`, given that the version is in `context`."""
    inside = wanted & context
    if inside.empty:
        return "false"
    parts = []
    if inside.low > context.low:
        parts.append(f"version >= {inside.low}")
    if inside.high < context.high:
        parts.append(f"version <= {inside.high}")
    return " && ".join(parts) or "true"


@dataclass
class Struct:
    name: str
    versions: Range  # the versions of its message in which it can occur
    fields: List["Field"] = field(default_factory=list)
    cpp_name: str = ""
    path: Optional[str] = None  # what stands before its fields in error texts


@dataclass
class Field:
    name: str
    base: str  # a primitive, or the name of a struct
    is_array: bool
    versions: Range  # as written; may stick out of the message
    nullable: Range
    tag: Optional[int] = None
    default: Optional[str] = None  # as written
    ignorable: bool = False
    old_encoding: bool = False  # flexible=none
    struct: Optional[Struct] = None

    @property
    def is_struct(self) -> bool:
        return self.struct is not None

    @property
    def is_optional(self) -> bool:
        """Whether the C++ type has a null; `records` carry theirs inside."""
        return not self.nullable.empty and self.base != "records"

    @property
    def camel_name(self) -> str:
        head, *tail = self.name.split("_")
        return head + "".join(part[:1].upper() + part[1:] for part in tail)


@dataclass
class Message:
    kind: str
    name: str
    file: str
    versions: Range
    flexible: Range
    number: Optional[int] = None  # api key or record type
    listeners: List[str] = field(default_factory=list)
    unstable_latest: bool = False
    cluster_action: bool = False
    forwarded: bool = False
    body: Optional[Struct] = None
    structs: List[Struct] = field(default_factory=list)  # those below the body, each after what it refers to
    cpp_name: str = ""

    @property
    def ever_flexible(self) -> bool:
        return not (self.flexible & self.versions).empty
