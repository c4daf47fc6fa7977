#include <weir/protocol/frames.hpp>

#include <weir/protocol/messages/headers.hpp>

#include <fmt/format.h>

#include <limits>

namespace weir::protocol {

result<request_frame> parse_request_frame(bytes_view frame) {
    constexpr std::size_t fixed_bytes = 8;
    if (frame.size() < fixed_bytes)
        return error{errc::malformed, fmt::format("a request of {} bytes is too short for a header", frame.size())};
    const auto key = load_big_endian<std::int16_t>(frame.data());
    request_frame request{.api = find_api(key),
                          .version = load_big_endian<std::int16_t>(frame.data() + 2),
                          .correlation_id = load_big_endian<std::int32_t>(frame.data() + 4)};
    if (!request.api || !request.api->exists())
        return error{errc::unsupported_version, fmt::format("there is no API with key {}", key)};
    const auto& api = *request.api;
    if (!api.has_version(request.version)) {
        if (api.key != api_key::api_versions)
            return error{errc::unsupported_version, fmt::format("{} has no version {}, only {} to {}", api.name,
                                                                request.version, api.min_version, api.max_version)};
        request.unknown_version = true;
    }
    const bool flexible = request.unknown_version || api.flexible(request.version);
    reader in{frame.subspan(fixed_bytes)};
    // The client id keeps its old encoding in header version 2. Kafka takes any negative length for null.
    const auto length = in.number<std::int16_t>("client_id");
    if (length >= 0) {
        if (static_cast<std::size_t>(length) > in.remaining())
            in.fail("client_id", "the input ends before or inside it");
        else
            request.client_id.emplace(as_text(in.take(static_cast<std::size_t>(length))));
    }
    if (flexible) {
        tagged_fields unknown;
        in.unknown_tags(unknown);
    }
    if (!in.ok()) return in.failure(request_header::message_name, flexible ? 2 : 1);
    request.body = in.rest();
    return request;
}

result<std::int32_t> parse_response_header(reader& in, api_key key, std::int16_t version) {
    const auto header_version = info(key).headers(version).response;
    const auto header = decode<response_header>(in, header_version);
    if (!header) return header.error();
    return header->correlation_id;
}

namespace detail {

void begin_request(writer& out, api_key key, std::int16_t version, std::int32_t correlation_id,
                   const std::optional<std::string>& client_id) {
    out.number(std::int32_t{0});
    const request_header header{.request_api_key = static_cast<std::int16_t>(key),
                                .request_api_version = version,
                                .correlation_id = correlation_id,
                                .client_id = client_id};
    write_fields(out, header, info(key).headers(version).request);
}

void begin_response(writer& out, api_key key, std::int16_t version, std::int32_t correlation_id) {
    out.number(std::int32_t{0});
    const response_header header{.correlation_id = correlation_id};
    write_fields(out, header, info(key).headers(version).response);
}

result<void> end_frame(writer& out) {
    const auto body = out.size() - sizeof(std::int32_t);
    if (body > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
        return error{errc::malformed, fmt::format("a frame of {} bytes is larger than a frame can be", body)};
    out.patch(0, static_cast<std::int32_t>(body));
    return {};
}

}  // namespace detail
}  // namespace weir::protocol
