"""Writes the walk over every error code that an answer holds: its own, and those of its topics, partitions, members."""

from typing import List

from model import Message, Range, Struct, condition


def _walk(struct: Struct, owner: str, context: Range) -> List[str]:
    lines = []
    for field in struct.fields:
        inside = field.versions & context
        if inside.empty:
            continue
        step = [f"visit({owner}.{field.name});"] if field.name == "error_code" else []
        if field.struct:
            each = f"in_{field.name}"
            below = _walk(field.struct, each, inside)
            if below:  # always a list, and never null: what else there may be one day will not compile
                step = [f"for (const auto& {each} : {owner}.{field.name}) {{", *(f"    {line}" for line in below), "}"]
        present = condition(field.versions, context)
        if step and present != "true":
            step = [f"if ({present}) {step[0]}", *step[1:]]
        lines += step
    return lines


def walk(message: Message) -> List[str]:
    body = _walk(message.body, "from", message.versions)
    text = "\n".join(body)
    sources, version, visit = (word if word in text else f"/*{word}*/" for word in ("from", "version", "visit"))
    return ["/// Calls visit(code) for each error code there is in that version, 0 included.",
            "template <class Visit>",
            f"void for_each_error(const {message.cpp_name}& {sources}, std::int16_t {version}, const Visit& {visit}) {{",
            *(f"    {line}" for line in body),
            "}"]
