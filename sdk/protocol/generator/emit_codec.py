"""Writes the source of one schema file: how each struct is read and written, straight-line code without tables."""

from typing import List

from emit_structs import default_number, has_tags, is_number
from model import FIXED_BYTES, Field, Message, Range, Struct, condition

NUMBERS = {
    "int8": "std::int8_t", "int16": "std::int16_t", "uint16": "std::uint16_t", "int32": "std::int32_t",
    "uint32": "std::uint32_t", "int64": "std::int64_t",
}


def smallest(field: Field, message: Message, version: int) -> int:
    """The fewest bytes one field takes on the wire in a version."""
    flexible = version in message.flexible and not field.old_encoding
    if field.is_array:
        return 1 if flexible else 4
    if field.struct:
        return 1 if version in field.nullable else smallest_struct(field.struct, message, version)
    if field.base in FIXED_BYTES:
        return FIXED_BYTES[field.base]
    return 1 if flexible else 2 if field.base == "string" else 4


def smallest_struct(struct: Struct, message: Message, version: int) -> int:
    untagged = (f for f in struct.fields if f.tag is None and version in f.versions)
    return sum(smallest(f, message, version) for f in untagged) + (1 if version in message.flexible else 0)


def element_bytes(field: Field, message: Message, context: Range) -> int:
    """The fewest bytes an array element takes in any version: bounds what a count can promise."""
    if field.struct:
        return max(1, min(smallest_struct(field.struct, message, v) for v in context.versions()))
    one = Field(field.name, field.base, False, field.versions, Range(1, 0))
    return min(smallest(one, message, v) for v in context.versions())


def non_default(field: Field, message: Message, value: str) -> str:
    """An expression that holds when the value is not the default."""
    if is_number(field):
        default = default_number(field)
        if field.base == "bool":
            return value if default == "false" else f"!{value}"
        return f"{value} != {default}" if " " not in default else f"{value} != ({default})"
    if field.base == "records":
        return f"!{value}.is_null()"
    if field.is_optional and field.default == "null":
        return f"{value}.has_value()"
    if field.is_array or field.base == "bytes":
        return f"!{value} || !{value}->empty()" if field.is_optional else f"!{value}.empty()"
    if field.struct:
        return f"{value} != {message.cpp_name}::{field.struct.cpp_name}{{}}"
    if field.base == "uuid":
        return f"!{value}.is_zero()"
    if field.is_optional or field.default is not None:
        return f"{value} != {field.default or chr(34) * 2}"
    return f"!{value}.empty()"


class StructCodec:
    """The two functions of one struct."""

    def __init__(self, struct: Struct, message: Message):
        self.struct, self.message = struct, message
        self.type = message.cpp_name if struct is message.body else f"{message.cpp_name}::{struct.cpp_name}"
        self.context = struct.versions
        self.linkage = "" if struct is message.body else "static "
        self.flexible = condition(message.flexible, self.context)
        self.tagged = [f for f in struct.fields if f.tag is not None and not (f.versions & self.context).empty]
        self.tagged.sort(key=lambda f: f.tag)

    def compact(self, field: Field) -> str:
        if field.old_encoding or self.flexible == "false":
            return "false"
        # Where the field exists in flexible versions only, this is known here already.
        return "true" if self.message.flexible.covers(field.versions & self.context) else self.flag()

    def flag(self) -> str:
        return self.flexible if self.flexible in ("true", "false") else "flexible"

    def label(self, field: Field) -> str:
        return f'"{self.struct.path}{field.name}"'

    def nullable(self, field: Field) -> str:
        return condition(field.nullable, field.versions & self.context)

    # --- reading

    def read(self, field: Field, tagged: bool) -> str:
        value, label, compact = f"into.{field.name}", self.label(field), self.compact(field)
        null = f"{self.nullable(field)}, " if field.is_optional else ""
        if field.is_array:
            least = element_bytes(field, self.message, field.versions & self.context)
            if field.struct:
                return f"detail::read_structs(in, {value}, {compact}, {null}{least}, {label}, version);"
            return f"detail::read_plain(in, {value}, {compact}, {null}{least}, {label});"
        if field.struct:
            if field.is_optional:
                mark = "true" if tagged else "false"
                return f"detail::read_nullable_struct(in, {value}, {mark}, {null}{label}, version);"
            return f"read_fields(in, {value}, version);"
        if field.base in NUMBERS:
            return f"{value} = in.number<{NUMBERS[field.base]}>({label});"
        if field.base in ("bool", "float64", "uuid"):
            call = {"bool": "boolean", "float64": "float64", "uuid": "id"}[field.base]
            return f"{value} = in.{call}({label});"
        if field.base == "records":
            return f"in.records({value}, {compact}, {self.nullable(field)}, {label});"
        call = "string" if field.base == "string" else "binary"
        return f"in.{call}({value}, {compact}, {null}{label});"

    def reader(self) -> List[str]:
        lines = [f"{self.linkage}void read_fields(reader& in, {self.type}& into, "
                 "[[maybe_unused]] std::int16_t version) {"]
        body = []
        for field in self.struct.fields:
            present = condition(field.versions, self.context)
            if field.tag is None and present != "false":
                body.append(("" if present == "true" else f"if ({present}) ") + self.read(field, False))
        if has_tags(self.struct, self.message):
            body += self._conditional(self._read_tags())
        return self._function(lines, body, "in", "into")

    def _read_tags(self) -> List[str]:
        if not self.tagged:
            return ["in.unknown_tags(into.unknown_tags);"]
        lines = ["for (auto left = in.tag_count(); left > 0 && in.ok(); --left) {",
                 "    const auto tag = in.open_tag();",
                 "    switch (tag.number) {"]
        for field in self.tagged:
            present = condition(field.versions, self.context & self.message.flexible)
            read = self.read(field, True)
            if present != "true":
                read = f"if ({present}) {read}"
            lines.append(f"    case {field.tag}:")
            lines.append(f"        {read}")
            if present != "true":
                lines.append(f"        else in.misplaced_tag({self.label(field)});")
            lines.append("        break;")
        lines += ["    default:",
                  "        in.keep_tag(tag, into.unknown_tags);",
                  "    }",
                  f'    in.close_tag(tag, "{self.struct.path}(tagged)");',
                  "}",
                  "in.end_tags(into.unknown_tags);"]
        return lines

    # --- writing

    def write(self, field: Field, tagged: bool) -> str:
        value, label, compact = f"from.{field.name}", self.label(field), self.compact(field)
        null = f"{self.nullable(field)}, " if field.is_optional else ""
        if field.is_array:
            if field.struct:
                return f"detail::write_structs(out, {value}, {compact}, {null}{label}, version);"
            return f"detail::write_plain(out, {value}, {compact}, {null}{label});"
        if field.struct:
            if field.is_optional:
                mark = "true" if tagged else "false"
                return f"detail::write_nullable_struct(out, {value}, {mark}, {null}{label}, version);"
            return f"write_fields(out, {value}, version);"
        if field.base in NUMBERS:
            return f"out.number({value});"
        if field.base in ("bool", "float64", "uuid"):
            call = {"bool": "boolean", "float64": "float64", "uuid": "id"}[field.base]
            return f"out.{call}({value});"
        if field.base == "records":
            return f"out.records({value}, {compact}, {self.nullable(field)}, {label});"
        call = "string" if field.base == "string" else "binary"
        return f"out.{call}({value}, {compact}, {null}{label});"

    def writer(self) -> List[str]:
        lines = [f"{self.linkage}void write_fields(writer& out, const {self.type}& from, "
                 "[[maybe_unused]] std::int16_t version) {"]
        body = []
        for field in self.struct.fields:
            present = condition(field.versions, self.context)
            value = non_default(field, self.message, f"from.{field.name}")
            refuse = f"if ({value}) out.absent({self.label(field)});"
            if field.tag is None and present == "true":
                body.append(self.write(field, False))
            elif field.tag is None and present != "false":
                body.append(f"if ({present}) {self.write(field, False)}")
                if not field.ignorable:
                    body.append(f"else {refuse}")
            elif not field.ignorable and present == "false":
                body.append(refuse)
            elif not field.ignorable and present != "true":
                body.append(f"if (!({present}) && ({value})) out.absent({self.label(field)});")
        if has_tags(self.struct, self.message):
            body += self._conditional(self._write_tags(), "out.no_tags(from.unknown_tags);")
        return self._function(lines, body, "out", "from")

    def _write_tags(self) -> List[str]:
        if not self.tagged:
            return ["out.unknown_tags(from.unknown_tags);"]
        lines = []
        for field in self.tagged:
            present = condition(field.versions, self.context & self.message.flexible)
            value = non_default(field, self.message, f"from.{field.name}")
            if present != "true":
                value = f"{present} && ({value})"
            lines.append(f"const bool has_{field.tag} = {value};")
        known = " + ".join(f"has_{field.tag}" for field in self.tagged)
        lines.append(f"tag_section tags{{out, static_cast<std::uint32_t>({known}), from.unknown_tags}};")
        for field in self.tagged:
            lines += [f"if (has_{field.tag}) {{",
                      f"    tags.open({field.tag});",
                      f"    {self.write(field, True)}",
                      "    tags.close();",
                      "}"]
        lines.append("tags.finish();")
        return lines

    # --- both

    def _conditional(self, tags: List[str], otherwise: str = "") -> List[str]:
        if self.flexible == "true":
            return tags
        lines = [f"if ({self.flag()}) {{", *("    " + line for line in tags)]
        return lines + (["} else {", "    " + otherwise, "}"] if otherwise else ["}"])

    def _function(self, head: List[str], body: List[str], *unused: str) -> List[str]:
        text = "\n".join(body)
        if self.flag() == "flexible" and "flexible" in text:
            head = head + [f"    const bool flexible = {self.flexible};"]
        if not body:
            head = head + [f"    static_cast<void>({name});" for name in unused]
        return head + ["    " + line for line in body] + ["}", ""]


def source(messages: List[Message]) -> str:
    name = messages[0].file
    lines = [f"// Generated from schemas/{name}.msg.", f"#include <weir/protocol/messages/{name}.hpp>", "",
             "#include <weir/protocol/reader.hpp>", "#include <weir/protocol/writer.hpp>", "",
             "namespace weir::protocol {", ""]
    for message in messages:
        for struct in [*message.structs, message.body]:
            codec = StructCodec(struct, message)
            lines += codec.reader() + codec.writer()
    lines += ["}  // namespace weir::protocol", ""]
    return "\n".join(lines)
