#!/usr/bin/env python3
"""What a component offers: the headers its users include, and those these include, from whichever module.

    public_headers.py list    --root FILE... --folder DIR...     FILE's and what they include: "folder<tab>name" lines
    public_headers.py exports --root FILE... --folder DIR... --node NAME
                                                                 a linker's version script: what those headers declare

A shared library shows exactly what its installed headers declare; nobody keeps a second list.
"""
import argparse
import pathlib
import re
import sys


def closure(roots: list[pathlib.Path], folders: list[pathlib.Path]) -> dict[str, pathlib.Path]:
    """The headers by the name they are included by, with their folders."""
    names = [str(root.resolve().relative_to(folder)) for root in roots for folder in folders if root.resolve().is_relative_to(folder)]
    found: dict[str, pathlib.Path] = {}
    while names:
        name = names.pop()
        if name in found:
            continue
        home = next((folder for folder in folders if (folder / name).exists()), None)
        if home is None:
            sys.exit(f"a public header includes {name}, which none of its modules has")
        found[name] = home
        names += re.findall(r"^#include <(weir/[^>]+)>", (home / name).read_text(), re.MULTILINE)
    return found


def declared(text: str) -> tuple[set[str], set[str]]:
    """Classes defined and functions declared at the level of namespaces, with those."""
    text = re.sub(r"//[^\n]*|^#[^\n]*|'(?:\\.|[^'\\\n])'|\"(?:\\.|[^\"\\\n])*\"", "", text, flags=re.MULTILINE)
    classes, functions, spaces, depth = set(), set(), [], 0
    for statement, end in re.findall(r"([^;{}]*)([;{}])", text):
        statement = " ".join(statement.split())
        if end == "{":
            if depth == len(spaces):
                if opened := re.match(r"namespace ([\w:]+)$", statement):
                    spaces.append(opened[1])
                elif defined := re.match(r"(?:template ?<.*> )?(?:class|struct) (?:\[\[\w+\]\] )?(\w+)(?![\w:])", statement):
                    classes.add("::".join([*spaces, defined[1]]))
            depth += 1
        elif end == "}":
            depth -= 1
            if depth < len(spaces):
                spaces.pop()
        elif depth == len(spaces) and not re.match(r"template|using|static|friend|inline|constexpr|class|struct|enum|concept", statement):
            if called := re.match(r"[^=(]*?(\w+|operator[^\s\w(]+)\(", statement):
                functions.add("::".join([*spaces, called[1]]))
    return classes, functions


def exports(node: str, headers: list[pathlib.Path]) -> str:
    classes, functions = set(), set()
    for header in headers:
        more_classes, more_functions = declared(header.read_text())
        classes |= more_classes
        functions |= more_functions
    lines = [f"{each}::*;" for each in sorted(classes)] + [f"{each}[!a-zA-Z0-9_]*;" for each in sorted(functions)]
    # Friends that a class declares are found where the class is.
    lines.append("weir::operator*;")
    for each in sorted(classes):
        lines += [f'"{what} for {each}";' for what in ("typeinfo", "typeinfo name", "vtable")]
    inner = "".join(f"      {line}\n" for line in lines)
    return f'{node} {{\n  global:\n    extern "C++" {{\n{inner}    }};\n  local: *;\n}};\n'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("list", "exports"))
    parser.add_argument("--root", nargs="+", type=pathlib.Path, required=True)
    parser.add_argument("--folder", nargs="+", type=pathlib.Path, required=True)
    parser.add_argument("--node")
    parser.add_argument("--output", type=pathlib.Path)
    asked = parser.parse_args()
    found = closure(asked.root, [folder.resolve() for folder in asked.folder])
    if asked.what == "list":
        text = "".join(f"{folder}\t{name}\n" for name, folder in sorted(found.items()))
    else:
        text = exports(asked.node, [folder / name for name, folder in found.items()])
    if asked.output:
        asked.output.write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
