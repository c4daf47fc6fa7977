#include <weir/protocol/codec.hpp>
#include <weir/protocol/json.hpp>
#include <weir/protocol/json_writer.hpp>

#include <array>
#include <unordered_map>

namespace weir::protocol {

#define WEIR_MESSAGES(schema, count) extern const message_type schema##_types[];
#include <weir/protocol/json/registry_rows.inc>
#undef WEIR_MESSAGES

namespace {

struct schema_row {
    std::string_view name;
    std::span<const message_type> types;
};

std::span<const schema_row> all_schemas() noexcept {
    static const schema_row rows[] = {
#define WEIR_MESSAGES(schema, count) {#schema, {schema##_types, count}},
#include <weir/protocol/json/registry_rows.inc>
#undef WEIR_MESSAGES
    };
    return rows;
}

using index = std::unordered_map<std::string_view, const message_type*>;
index make_index() {
    index by_name;
    for (const auto& schema : all_schemas())
        for (const auto& type : schema.types) by_name.emplace(type.name, &type);
    return by_name;
}

}  // namespace

const message_type* find_message(std::string_view name) noexcept {
    static const index by_name = make_index();
    const auto found = by_name.find(name);
    return found == by_name.end() ? nullptr : found->second;
}

std::span<const message_type> messages_of(std::string_view schema) noexcept {
    for (const auto& row : all_schemas())
        if (row.name == schema) return row.types;
    return {};
}

std::span<const std::string_view> schemas() noexcept {
    static const std::vector<std::string_view> names = [] {
        std::vector<std::string_view> found;
        for (const auto& row : all_schemas()) found.push_back(row.name);
        return found;
    }();
    return names;
}

result<any_message> decode(const message_type& type, reader& in, std::int16_t version) {
    if (version < type.min_version || version > type.max_version)
        return detail::version_error(type.name, version, type.min_version, type.max_version);
    auto message = type.make();
    type.read(in, message.get(), version);
    if (!in.ok()) return in.failure(type.name, version);
    return message;
}

result<void> encode(const message_type& type, const void* message, std::int16_t version, writer& out) {
    if (version < type.min_version || version > type.max_version)
        return detail::version_error(type.name, version, type.min_version, type.max_version);
    type.write(out, message, version);
    if (!out.ok()) return out.failure(type.name, version);
    return {};
}

std::string to_json(const message_type& type, const void* message, std::int16_t version) {
    json_writer out;
    type.write_json(out, message, version);
    return out.take();
}

}  // namespace weir::protocol
