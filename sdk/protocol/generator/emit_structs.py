"""Writes the header of one schema file: structs with their defaults, and the declarations of their codecs."""

from typing import List

from emit_errors import walk
from model import Field, Message, Struct
from parser import snake

CPP_TYPES = {
    "bool": "bool", "int8": "std::int8_t", "int16": "std::int16_t", "uint16": "std::uint16_t", "int32": "std::int32_t",
    "uint32": "std::uint32_t", "int64": "std::int64_t", "float64": "double", "string": "std::string", "bytes": "bytes",
    "records": "record_data", "uuid": "uuid",
}
ZERO = {"bool": "false", "float64": "0.0"}


def element_type(field: Field) -> str:
    return field.struct.cpp_name if field.struct else CPP_TYPES[field.base]


def value_type(field: Field) -> str:
    """Without the optional around it."""
    return f"std::vector<{element_type(field)}>" if field.is_array else element_type(field)


def cpp_type(field: Field) -> str:
    return f"std::optional<{value_type(field)}>" if field.is_optional else value_type(field)


def default_number(field: Field) -> str:
    """The default of a field that is a number or a bool, as an expression."""
    if field.default is None:
        return ZERO.get(field.base, "0")
    if field.default == "-9223372036854775808":
        return "-9223372036854775807 - 1"
    return field.default


def is_number(field: Field) -> bool:
    return not field.is_array and field.struct is None and field.base not in ("string", "bytes", "records", "uuid")


def initializer(field: Field) -> str:
    if is_number(field):
        return f" = {default_number(field)}"
    if field.base == "string" and not field.is_array and field.default not in (None, "null"):
        return f" = {field.default}"
    if field.is_optional and field.default != "null":
        return f" = {value_type(field)}{{}}"
    return ""


def _note(field: Field, struct: Struct) -> str:
    notes = []
    versions = field.versions & struct.versions
    if versions.empty:
        notes.append("in no version")
    elif versions != struct.versions:
        one = versions.low == versions.high
        high = "+" if versions.high == struct.versions.high else "" if one else f"-{versions.high}"
        notes.append(f"versions {versions.low}{high}")
    if field.tag is not None:
        notes.append(f"tag {field.tag}")
    if field.is_optional and not field.nullable.covers(versions):
        notes.append(f"null from version {field.nullable.low}")
    return f"  ///< {', '.join(notes)}" if notes else ""


def _members(struct: Struct, message: Message, indent: str) -> List[str]:
    lines = [f"{indent}{cpp_type(field)} {field.name}{initializer(field)};{_note(field, struct)}"
             for field in struct.fields]
    if has_tags(struct, message):
        lines.append(f"{indent}tagged_fields unknown_tags;")
    return lines


def has_tags(struct: Struct, message: Message) -> bool:
    return not (message.flexible & struct.versions).empty


def _message(message: Message) -> List[str]:
    lines = [f"struct {message.cpp_name} {{",
             f'    static constexpr std::string_view message_name = "{message.name}";']
    if message.kind in ("request", "response"):
        key = snake(message.name.removesuffix("Request").removesuffix("Response"))
        lines.append(f"    static constexpr protocol::api_key api_key = protocol::api_key::{key};")
    elif message.number is not None:
        lines.append(f"    static constexpr std::int16_t record_type = {message.number};")
    flexible = max(message.flexible.low, message.versions.low) if message.ever_flexible else "never_flexible"
    lines += [f"    static constexpr std::int16_t min_version = {message.versions.low};",
              f"    static constexpr std::int16_t max_version = {message.versions.high};",
              f"    static constexpr std::int16_t flexible_from = {flexible};"]
    if message.kind == "request":
        lines.append(f"    using response_type = {message.cpp_name.removesuffix('_request')}_response;")
    for struct in message.structs:
        lines += ["", f"    struct {struct.cpp_name} {{",
                  *_members(struct, message, "        "),
                  f"        bool operator==(const {struct.cpp_name}&) const = default;",
                  "    };"]
    lines += ["",
              *_members(message.body, message, "    "),
              f"    bool operator==(const {message.cpp_name}&) const = default;",
              "};",
              f"void read_fields(reader& in, {message.cpp_name}& into, std::int16_t version);",
              f"void write_fields(writer& out, const {message.cpp_name}& from, std::int16_t version);"]
    if message.kind == "response":
        lines += walk(message)
    return lines


def header(messages: List[Message]) -> str:
    source = messages[0].file
    lines = [f"// Generated from schemas/{source}.msg.", "#pragma once", "#include <weir/protocol/message.hpp>", "",
             "namespace weir::protocol {"]
    forward = [m.cpp_name for m in messages if m.kind == "response"]
    if forward:
        lines += ["", *(f"struct {name};" for name in forward)]
    for message in messages:
        lines += ["", *_message(message)]
    lines += ["", "}  // namespace weir::protocol", ""]
    return "\n".join(lines)
