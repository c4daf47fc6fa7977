"""Turns sdk/protocol/schemas/*.msg into C++ and the protocol page.

    generate.py --schemas DIR --out DIR       writes <out>/weir/protocol/...
    generate.py --schemas DIR --page FILE     writes the page
    generate.py --schemas DIR --check FILE    fails when the page is not current

A file whose content stays the same is left alone, so that nothing is compiled again for it."""

import argparse
import sys
from pathlib import Path

import emit_api_keys
import emit_codec
import emit_json
import emit_records
import emit_structs
from parser import SchemaError, parse_file


def is_current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def write(path: Path, text: str) -> None:
    if is_current(path, text):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def generate(files, everything, out: Path) -> None:
    for messages in files:
        live = [m for m in messages if not m.versions.empty]
        if not live:
            continue
        name = live[0].file
        write(out / "messages" / f"{name}.hpp", emit_structs.header(live))
        write(out / "messages" / f"{name}.cpp", emit_codec.source(live))
        write(out / "json" / f"{name}.cpp", emit_json.source(live))
    live = [m for m in everything if not m.versions.empty]
    write(out / "json" / "registry_rows.inc", emit_json.registry_rows(live))
    write(out / "api_key.hpp", emit_api_keys.enum_header(everything))
    write(out / "api_table.inc", emit_api_keys.table_rows(everything))
    write(out / "metadata_record_types.hpp", emit_records.metadata_types(live))
    write(out / "coordinator_record_types.hpp", emit_records.coordinator_types(live))


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--schemas", type=Path, required=True)
    arguments.add_argument("--out", type=Path)
    arguments.add_argument("--page", type=Path)
    arguments.add_argument("--check", type=Path)
    given = arguments.parse_args()
    try:
        files = [parse_file(path) for path in sorted(given.schemas.glob("*.msg"))]
    except SchemaError as why:
        print(why, file=sys.stderr)
        return 1
    everything = [message for messages in files for message in messages]
    if given.out:
        generate(files, everything, given.out / "weir" / "protocol")
    if given.page:
        write(given.page, emit_api_keys.page(everything))
    if given.check and not is_current(given.check, emit_api_keys.page(everything)):
        print(f"{given.check} is not what the schemas say: build the target weir_protocol_page", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
