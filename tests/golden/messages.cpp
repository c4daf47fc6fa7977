// Messages in every version: the bytes decode to the JSON, nothing is left over, and encoding gives the bytes again.
#include "kinds.hpp"
#include "vectors.hpp"

#include <weir/protocol/json.hpp>

namespace weir::golden {

namespace json = boost::json;

namespace {

void check(findings& out, const json::object& line) {
    const auto name = text(line, "message");
    const auto version = static_cast<std::int16_t>(number(line, "version"));
    const auto content = from_hex(line.at("hex").as_string());
    const auto* type = protocol::find_message(name);
    if (!type) return out.add("no schema has this message");

    protocol::reader in{content};
    const auto message = protocol::decode(*type, in, version);
    if (!out.succeeded("decode", message)) return;
    out.expect("bytes left over", in.remaining(), 0u);
    compare_json(out, "json", json::parse(to_json(*type, message->get(), version)), line.at("json"));

    protocol::writer back;
    if (!out.succeeded("encode", protocol::encode(*type, message->get(), version, back))) return;
    const auto encoded = back.take_bytes();
    if (out.succeeded("encode", encoded)) out.expect_bytes("encode", *encoded, content);
}

}  // namespace

int run_messages(std::istream& input, std::ostream& log, int& lines) {
    const auto label = [](const json::object& line) {
        return fmt::format("{} version {} ({})", text(line, "message"), number(line, "version"), text(line, "kind"));
    };
    return run_lines(input, log, lines, label, check);
}

}  // namespace weir::golden
