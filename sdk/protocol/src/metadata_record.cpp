#include <weir/protocol/metadata_record.hpp>

#include <fmt/format.h>

#include <utility>

namespace weir::protocol {

namespace {

constexpr std::uint32_t frame_version = 1;

using body_reader = result<metadata_record> (*)(reader&, std::int16_t);
struct row {
    std::int16_t type;
    body_reader read;
};

template <class R>
result<metadata_record> read_body(reader& in, std::int16_t version) {
    auto read = decode<R>(in, version);
    if (!read) return read.error();
    return metadata_record{*std::move(read)};
}

template <std::size_t... Index>
body_reader find_reader(std::int32_t type, std::index_sequence<Index...>) {
    static constexpr row rows[] = {{std::variant_alternative_t<Index, metadata_record>::record_type,
                                    &read_body<std::variant_alternative_t<Index, metadata_record>>}...};
    for (const auto& [known, read] : rows)
        if (known == type) return read;
    return nullptr;
}

}  // namespace

result<record_frame> read_record_frame(reader& in) {
    const auto version = in.unsigned_varint("frame version");
    const auto type = in.unsigned_varint("record type");
    const auto record_version = in.unsigned_varint("record version");
    if (!in.ok()) return in.failure("the frame of a metadata record", 1);
    if (version != frame_version)
        return error{errc::unsupported_version,
                     fmt::format("a metadata record in frame version {}; only {} is known", version, frame_version)};
    if (type > 32767 || record_version > 32767)
        return error{errc::malformed, fmt::format("a metadata record of type {} and version {}", type, record_version)};
    return record_frame{static_cast<std::int32_t>(type), static_cast<std::int16_t>(record_version)};
}

void write_record_frame(writer& out, record_frame head) {
    out.unsigned_varint(frame_version);
    out.unsigned_varint(static_cast<std::uint32_t>(head.type));
    out.unsigned_varint(static_cast<std::uint32_t>(head.version));
}

result<versioned_metadata_record> decode_metadata_record(bytes_view value) {
    reader in{value};
    const auto head = read_record_frame(in);
    if (!head) return head.error();
    const auto read = find_reader(head->type, std::make_index_sequence<std::variant_size_v<metadata_record>>{});
    if (!read) return error{errc::unsupported_version, fmt::format("no metadata record has the type {}", head->type)};
    auto body = read(in, head->version);
    if (!body) return body.error();
    return versioned_metadata_record{*std::move(body), head->version};
}

result<void> encode_metadata_record(const metadata_record& record, std::int16_t version, writer& out) {
    return std::visit([&](const auto& typed) { return encode_metadata_record(typed, version, out); }, record);
}

result<bytes> encode_metadata_record(const metadata_record& record, std::int16_t version) {
    writer out;
    if (auto done = encode_metadata_record(record, version, out); !done) return done.error();
    return out.take_bytes();
}

std::string_view name_of(const metadata_record& record) noexcept {
    return std::visit([](const auto& typed) { return typed.message_name; }, record);
}

std::int16_t latest_version_of(const metadata_record& record) noexcept {
    return std::visit([](const auto& typed) { return typed.max_version; }, record);
}

}  // namespace weir::protocol
