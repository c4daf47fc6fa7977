// A value in a field that the version lacks: dropped where the schema says it may be, refused otherwise.
#include "kinds.hpp"
#include "vectors.hpp"

#include <weir/protocol/json.hpp>

namespace weir::golden {

namespace json = boost::json;

namespace {

// Dropped: what was written reads as a message that lacks the value, and writes to the same bytes.
void check_dropped(findings& out, const protocol::message_type& type, const void* message, std::int16_t version,
                   bytes_view written) {
    protocol::reader in{written};
    const auto read = protocol::decode(type, in, version);
    if (!out.succeeded("decode", read)) return;
    out.expect("bytes left over", in.remaining(), 0u);
    if (type.equal(message, read->get())) out.add("the value was written");
    protocol::writer back;
    if (out.succeeded("encode without the value", protocol::encode(type, read->get(), version, back)))
        out.expect_bytes("encode without the value", *back.take_bytes(), written);
}

void check(findings& out, const json::object& line) {
    const auto* type = protocol::find_message(text(line, "message"));
    if (!type) return out.add("no schema has this message");
    const auto version = static_cast<std::int16_t>(number(line, "version"));
    const auto message = type->make();
    if (!type->set_non_default(message.get(), text(line, "field"))) return out.add("no such field");
    protocol::writer written;
    const auto outcome = protocol::encode(*type, message.get(), version, written);
    if (text(line, "result") == "error") {
        if (outcome)
            out.add("written, although the receiver would miss the value");
        else
            out.expect("code", static_cast<int>(outcome.code()), static_cast<int>(errc::unsupported_version));
    } else if (out.succeeded("encode", outcome)) {
        check_dropped(out, *type, message.get(), version, *written.take_bytes());
    }
}

}  // namespace

int run_absent_fields(std::istream& input, std::ostream& log, int& lines) {
    const auto label = [](const json::object& line) {
        return fmt::format("{} version {} field {}", text(line, "message"), number(line, "version"),
                           text(line, "field"));
    };
    return run_lines(input, log, lines, label, check);
}

}  // namespace weir::golden
