// Whole frames: size, header and body are told apart, and put together again.
#include "kinds.hpp"
#include "vectors.hpp"

#include <weir/protocol/frames.hpp>
#include <weir/protocol/json.hpp>

namespace weir::golden {

namespace json = boost::json;

namespace {

void check_body(findings& out, const std::string& message, bytes_view body, std::int16_t version) {
    const auto* type = protocol::find_message(message);
    if (!type) return out.add("no schema has this message");
    protocol::reader in{body};
    if (out.succeeded("decode", protocol::decode(*type, in, version)))
        out.expect("bytes left over", in.remaining(), 0u);
}

void check_request(findings& out, const json::object& line, bytes_view frame, bytes_view body) {
    const auto version = static_cast<std::int16_t>(number(line, "api_version"));
    const auto request = protocol::parse_request_frame(frame);
    if (!out.succeeded("header", request)) return;
    out.expect("api key", static_cast<std::int64_t>(request->api->key), number(line, "api_key"));
    out.expect("version", request->version, version);
    out.expect("correlation id", request->correlation_id, number(line, "correlation_id"));
    const auto& expected_client = line.at("client_id");
    out.expect("client id is null", !request->client_id.has_value(), expected_client.is_null());
    if (request->client_id && expected_client.is_string())
        out.expect("client id", *request->client_id, text(line, "client_id"));
    out.expect("header version", request->api->headers(version).request, number(line, "header_version"));
    out.expect_bytes("body", request->body, body);
    check_body(out, text(line, "message"), request->body, version);

    protocol::writer back;
    protocol::detail::begin_request(back, request->api->key, version, request->correlation_id, request->client_id);
    back.raw(body);
    if (out.succeeded("frame", protocol::detail::end_frame(back)))
        out.expect_bytes("frame", *back.take_bytes(), from_hex(line.at("frame_hex").as_string()));
}

void check_response(findings& out, const json::object& line, bytes_view frame, bytes_view body) {
    const auto version = static_cast<std::int16_t>(number(line, "api_version"));
    const auto key = static_cast<protocol::api_key>(number(line, "api_key"));
    protocol::reader in{frame};
    const auto correlation_id = protocol::parse_response_header(in, key, version);
    if (!out.succeeded("header", correlation_id)) return;
    out.expect("correlation id", *correlation_id, number(line, "correlation_id"));
    out.expect("header version", protocol::info(key).headers(version).response, number(line, "header_version"));
    out.expect_bytes("body", in.rest(), body);
    check_body(out, text(line, "message"), in.rest(), version);

    protocol::writer back;
    protocol::detail::begin_response(back, key, version, *correlation_id);
    back.raw(body);
    if (out.succeeded("frame", protocol::detail::end_frame(back)))
        out.expect_bytes("frame", *back.take_bytes(), from_hex(line.at("frame_hex").as_string()));
}

void check(findings& out, const json::object& line) {
    const auto whole = from_hex(line.at("frame_hex").as_string());
    const auto body = from_hex(line.at("body_hex").as_string());
    if (whole.size() < 4) return out.add("no size");
    out.expect("size", load_big_endian<std::int32_t>(whole.data()), static_cast<std::int64_t>(whole.size()) - 4);
    const auto frame = bytes_view{whole}.subspan(4);
    if (text(line, "kind") == "request")
        check_request(out, line, frame, body);
    else
        check_response(out, line, frame, body);
}

}  // namespace

int run_frames(std::istream& input, std::ostream& log, int& lines) {
    const auto label = [](const json::object& line) {
        return fmt::format("{} version {} ({})", text(line, "message"), number(line, "api_version"),
                           text(line, "kind"));
    };
    return run_lines(input, log, lines, label, check);
}

}  // namespace weir::golden
