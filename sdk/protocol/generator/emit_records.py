"""Writes the variants of log records: one alternative for each record type of a log."""

from typing import List

from model import Message


def _variant(name: str, comment: str, types: List[str]) -> List[str]:
    lines = [f"/// {comment}", f"using {name} = std::variant<"]
    return lines + ["    " + ",\n    ".join(types) + ">;"]


def _header(files: List[str], body: List[str]) -> str:
    includes = [f"#include <weir/protocol/messages/{file}.hpp>" for file in files]
    sources = ", ".join(f"schemas/{file}.msg" for file in files)
    return "\n".join([f"// Generated from {sources}.", "#pragma once", *includes, "", "#include <variant>", "",
                      "namespace weir::protocol {", "", *body, "", "}  // namespace weir::protocol", ""])


def metadata_types(messages: List[Message]) -> str:
    records = sorted((m for m in messages if m.file == "metadata_records"), key=lambda m: m.number)
    body = _variant("metadata_record", "Any record of __cluster_metadata, in the order of their types.",
                    [m.cpp_name for m in records])
    return _header(["metadata_records"], body)


# Record logs of coordinators: schema file, prefix of the C++ names, topic.
COORDINATORS = [
    ("group_coordinator_records", "group_record", "__consumer_offsets"),
    ("transaction_records", "transaction_record", "__transaction_state"),
    ("share_records", "share_record", "__share_group_state"),
]


def coordinator_types(messages: List[Message]) -> str:
    body = []
    for file, prefix, topic in COORDINATORS:
        mine = sorted((m for m in messages if m.file == file), key=lambda m: m.number)
        keys = [m.cpp_name for m in mine if m.kind == "coordinator-key"]
        values = [m.cpp_name for m in mine if m.kind == "coordinator-value"]
        body += _variant(f"{prefix}_key", f"Keys of {topic}.", keys)
        body += _variant(f"{prefix}_value", f"Values of {topic}, each at the place of its key.", values) + [""]
    return _header([file for file, _, _ in COORDINATORS], body[:-1])
