"""Writes what spans all schemas: the api-key enumeration, the api table, and its page in the documentation."""

from typing import List

from model import Message
from parser import snake


def requests_of(messages: List[Message]) -> List[Message]:
    return sorted((m for m in messages if m.kind == "request"), key=lambda m: m.number)


def api_name(request: Message) -> str:
    return request.name.removesuffix("Request")


def enum_header(messages: List[Message]) -> str:
    lines = ["// Generated from schemas/*.msg.", "#pragma once", "#include <cstdint>", "",
             "namespace weir::protocol {", "",
             "/// The number that stands for an API in a request header. What each means: api_keys.hpp.",
             "enum class api_key : std::int16_t {"]
    lines += [f"    {snake(api_name(m))} = {m.number}," for m in requests_of(messages)]
    lines += ["};", "", "}  // namespace weir::protocol", ""]
    return "\n".join(lines)


def table_rows(messages: List[Message]) -> str:
    """Rows for api_keys.cpp, in the order of api_info's members."""
    lines = ["// Generated from schemas/*.msg."]
    for m in requests_of(messages):
        flag = lambda value: "true" if value else "false"
        low, high = (m.versions.low, m.versions.high) if not m.versions.empty else (0, -1)
        flexible = max(m.flexible.low, low) if m.ever_flexible else "never_flexible"
        lines.append(f'{{api_key::{snake(api_name(m))}, "{api_name(m)}", {low}, {high}, '
                     f'{flag(m.unstable_latest)}, {flexible}, {flag("broker" in m.listeners)}, {flag("controller" in m.listeners)}, {flag(m.cluster_action)}, '
                     f"{flag(m.forwarded)}}},")
    return "\n".join(lines) + "\n"


def _header_versions(m: Message) -> str:
    shown = []
    if not m.flexible.covers(m.versions):
        shown.append("1/0")
    if m.ever_flexible:
        shown.append("2/0" if api_name(m) == "ApiVersions" else "2/1")
    return ", ".join(shown)


def page(messages: List[Message]) -> str:
    lines = ["# Protocol support", "",
             "Printed from `sdk/protocol/schemas` (`cmake --build <folder> --target weir_protocol_page`); a test checks",
             "that it is current. It lists what can be read and written. A server advertises those APIs that it has",
             "handlers for.",
             "",
             "* *flexible*: the first version with compact encodings and tagged fields.",
             "* *headers*: versions of request and response header; the second pair belongs to flexible versions.",
             "* *cluster*: needs the ClusterAction permission.",
             "* *forwarded*: a broker passes it to the active controller.",
             "* A latest version in brackets is not final: hidden unless unstable versions are enabled.", "",
             "| key | API | versions | flexible | headers | listeners | cluster | forwarded |",
             "|---|---|---|---|---|---|---|---|"]
    for m in requests_of(messages):
        if m.versions.empty:
            lines.append(f"| {m.number} | {api_name(m)} | removed | | | | | |")
            continue
        low, high = m.versions.low, m.versions.high
        versions = f"{low}" if low == high else f"{low}-{high - 1} ({high})" if m.unstable_latest else f"{low}-{high}"
        flexible = f"{max(low, m.flexible.low)}" if m.ever_flexible else "never"
        lines.append(f"| {m.number} | {api_name(m)} | {versions} | {flexible} | {_header_versions(m)} | "
                     f"{', '.join(m.listeners)} | {'yes' if m.cluster_action else ''} | "
                     f"{'yes' if m.forwarded else ''} |")
    lines += ["", "## Everything else that has a schema", "",
              "| message | kind | type | versions | flexible | schema |",
              "|---|---|---|---|---|---|"]
    for m in sorted((m for m in messages if m.kind not in ("request", "response")), key=lambda m: (m.file, m.name)):
        low, high = m.versions.low, m.versions.high
        number = "" if m.number is None else m.number
        flexible = f"{max(low, m.flexible.low)}" if m.ever_flexible else "never"
        lines.append(f"| {m.name} | {m.kind} | {number} | {low if low == high else f'{low}-{high}'} | {flexible} | "
                     f"`{m.file}.msg` |")
    return "\n".join(lines) + "\n"
