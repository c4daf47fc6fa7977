"""Writes the JSON form of messages, and what tools need to handle a message by its name."""

from typing import List

from emit_codec import non_default
from model import Message, Struct, condition


def _struct(struct: Struct, message: Message) -> List[str]:
    top = struct is message.body
    type_name = message.cpp_name if top else f"{message.cpp_name}::{struct.cpp_name}"
    head = [f"static void write_json(json_writer& out, const {type_name}& from, "
            "[[maybe_unused]] std::int16_t version) {",
            "    out.begin_object();"]
    body = []
    for field in struct.fields:
        present = condition(field.versions, struct.versions)
        if present == "false":
            continue
        parts = [] if present == "true" else [f"({present})" if "&&" in present else present]
        if field.tag is not None:
            parts.append(f"({non_default(field, message, f'from.{field.name}')})")
        test = f"if ({' && '.join(parts)}) " if parts else ""
        body.append(f'    {test}json_field(out, "{field.camel_name}", from.{field.name}, version);')
    lines = head + body + ["    out.end_object();", "}"]
    if not body:
        lines.insert(1, "    static_cast<void>(from);")
    if not struct.fields:
        return lines + [f"static bool set_non_default({type_name}&, std::string_view) {{ return false; }}", ""]
    lines += [f"static bool set_non_default({type_name}& in, std::string_view path) {{",
              "    const auto [head, rest] = split_path(path);"]
    for index, field in enumerate(struct.fields):
        first = "head.empty() || " if index == 0 else ""
        lines.append(f'    if ({first}head == "{field.camel_name}") return change(in.{field.name}, rest);')
    return lines + ["    return false;", "}", ""]


def source(messages: List[Message]) -> str:
    name = messages[0].file
    lines = [f"// Generated from schemas/{name}.msg.", f"#include <weir/protocol/messages/{name}.hpp>",
             '#include "json_fields.hpp"', "", "namespace weir::protocol {", "using namespace json_detail;", ""]
    for message in messages:
        for struct in [*message.structs, message.body]:
            lines += _struct(struct, message)
    lines.append(f"extern const message_type {name}_types[];")
    lines.append(f"const message_type {name}_types[] = {{")
    for message in messages:
        number = -1 if message.number is None else message.number
        lines.append(f'    describe_message<{message.cpp_name}>("{message.kind}", {number}),')
    lines += ["};", "", "}  // namespace weir::protocol", ""]
    return "\n".join(lines)


def registry_rows(messages: List[Message]) -> str:
    counts = {}
    for message in messages:
        counts[message.file] = counts.get(message.file, 0) + 1
    rows = [f"WEIR_MESSAGES({file}, {count})" for file, count in counts.items()]
    return "\n".join(["// Generated from schemas/*.msg.", *rows]) + "\n"
