"""Reads .msg files: one item per line, nesting by two spaces."""

import re
from pathlib import Path
from typing import Dict, List, Tuple

from model import LAST, NONE, PRIMITIVES, Field, Message, Range, Struct


class SchemaError(Exception):
    pass


def snake(name: str) -> str:
    """CreateTopicsRequest -> create_topics_request, KRaftVersionRecord -> kraft_version_record."""
    name = name.replace("KRaft", "Kraft")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _attributes(words: List[str], known: set) -> Dict[str, str]:
    found = {}
    for word in words:
        key, _, value = word.partition("=")
        if key not in known:
            raise SchemaError(f"unknown attribute '{word}'")
        found[key] = value
    return found


def _message(words: List[str], file: str) -> Message:
    kind, name = words[0], words[1]
    attributes = _attributes(words[2:], {"api", "type", "versions", "flexible", "listeners", "unstable-latest",
                                         "cluster-action", "forwarded"})
    number = attributes.get("api", attributes.get("type"))
    return Message(
        kind=kind, name=name, file=file,
        versions=Range.parse(attributes["versions"]),
        flexible=Range.parse(attributes.get("flexible", "none")),
        number=None if number is None else int(number),
        listeners=attributes.get("listeners", "").split(",") if "listeners" in attributes else [],
        unstable_latest="unstable-latest" in attributes,
        cluster_action="cluster-action" in attributes,
        forwarded="forwarded" in attributes,
        cpp_name=snake(name))


def _field(words: List[str]) -> Field:
    name, type_text, range_text = words[:3]
    matched = re.fullmatch(r"(\[\])?(\w+)(\?(?:\(([^)]+)\))?)?", type_text)
    if not matched:
        raise SchemaError(f"type '{type_text}' of {name}")
    versions = Range.parse(range_text)
    nullable = NONE
    if matched.group(3):
        nullable = Range.parse(matched.group(4)) if matched.group(4) else Range(0, LAST)
    attributes = _attributes(words[3:], {"tag", "default", "key", "ignorable", "entity", "zerocopy", "flexible"})
    return Field(
        name=name, base=matched.group(2), is_array=bool(matched.group(1)), versions=versions, nullable=nullable,
        tag=int(attributes["tag"]) if "tag" in attributes else None,
        default=attributes.get("default"),
        ignorable="ignorable" in attributes,
        old_encoding=attributes.get("flexible") == "none")


def _split(line: str) -> List[str]:
    """Words of a line; spaces inside the quotes of a default do not separate."""
    return re.findall(r'(?:[^\s"]|"[^"]*")+', line)


def parse_file(path: Path) -> List[Message]:
    messages: List[Message] = []
    shared: Dict[str, Struct] = {}
    open_structs: List[Tuple[int, Struct]] = []
    shared_by_message: List[Dict[str, Struct]] = []
    last_field = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        code = re.sub(r"#.*", "", line).rstrip()
        if not code:
            continue
        indent = len(code) - len(code.lstrip(" "))
        words = _split(code)
        try:
            if indent == 0:
                message = _message(words, path.stem)
                message.body = Struct(message.name, message.versions, cpp_name=message.cpp_name)
                messages.append(message)
                shared = {}
                shared_by_message.append(shared)
                open_structs = [(0, message.body)]
                last_field = None
            elif indent == 2 and words[0] == "struct":
                struct = Struct(words[1], Range.parse(words[2]))
                shared[struct.name] = struct
                open_structs = [(2, struct)]
                last_field = None
            else:
                while open_structs[-1][0] >= indent:
                    open_structs.pop()
                if indent > open_structs[-1][0] + 2:
                    if last_field is None:
                        raise SchemaError("nothing to nest this under")
                    struct = Struct(last_field.base, last_field.versions)
                    last_field.struct = struct
                    open_structs.append((indent - 2, struct))
                last_field = _field(words)
                open_structs[-1][1].fields.append(last_field)
        except (SchemaError, ValueError, KeyError, IndexError) as why:
            raise SchemaError(f"{path}:{number}: {why}") from why
    for message, known in zip(messages, shared_by_message):
        _resolve(message, known)
    return messages


def _resolve(message: Message, shared: Dict[str, Struct]) -> None:
    """Links shared structs to the fields that use them, narrows ranges, and lists structs after what they refer to."""
    seen: Dict[str, Struct] = {}
    uses: Dict[str, Range] = {}

    def visit(struct: Struct, context: Range) -> None:
        struct.versions = context
        for item in struct.fields:
            if item.base in PRIMITIVES:
                continue
            inside = context & item.versions
            if item.struct is None:
                if item.base not in shared:
                    raise SchemaError(f"{message.name}: no struct named {item.base}")
                item.struct = shared[item.base]
                # A shared struct may occur wherever one of its uses does.
                inside = uses.get(item.base, NONE) | inside
                uses[item.base] = inside
            elif seen.get(item.base, item.struct) is not item.struct:
                raise SchemaError(f"{message.name}: two structs named {item.base}")
            visit(item.struct, inside)
            seen.setdefault(item.base, item.struct)

    visit(message.body, message.versions)
    message.structs = list(seen.values())
    everything = [message.body, *message.structs]
    for struct in message.structs:
        # A member hides a type of the same name: in the message, in the struct itself and where the type is used.
        hiding = [message.body, struct, *(user for user in everything if any(f.struct is struct for f in user.fields))]
        name = snake(struct.name)
        taken = name == message.cpp_name or any(item.name == name for user in hiding for item in user.fields)
        struct.cpp_name = name + "_data" if taken else name
        struct.path = struct.cpp_name if struct.name in shared else None
    _name_paths(message.body, "")
    _check(message)


def _name_paths(struct: Struct, path: str) -> None:
    """How errors call the fields: topics.partitions.fetch_offset; below a shared struct, its name stands in front."""
    struct.path = path
    for item in struct.fields:
        if item.struct and item.struct.path is None:
            _name_paths(item.struct, path + item.name + ".")
        elif item.struct and not item.struct.path.endswith("."):
            _name_paths(item.struct, item.struct.path + ".")


def _check(message: Message) -> None:
    """What the emitters rely on."""
    for struct in [message.body, *message.structs]:
        for item in struct.fields:
            where = f"{message.name}.{item.name}"
            versions = item.versions & struct.versions
            if item.tag is None:
                continue
            if not message.flexible.covers(versions):
                raise SchemaError(f"{where}: tagged in a version without tagged sections")
            if item.base == "records" or (item.struct and any(below.base == "records" for below in item.struct.fields)):
                raise SchemaError(f"{where}: records cannot be tagged")
