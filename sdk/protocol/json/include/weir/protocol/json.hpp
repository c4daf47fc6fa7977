// Messages as JSON text, and messages by name: for tools that print what they find and tests that read vectors.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/protocol/reader.hpp>
#include <weir/protocol/writer.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace weir::protocol {

class json_writer;

/// A message of any type.
using any_message = std::unique_ptr<void, void (*)(void*)>;

/// How to handle one kind of message without knowing its type at compile time. `void*` is the message's struct.
struct message_type {
    std::string_view name;  ///< "FetchRequest"
    std::string_view kind;  ///< request, response, header, data, metadata, coordinator-key, coordinator-value
    std::int16_t number;    ///< API key or record type; -1 where there is none
    std::int16_t min_version;
    std::int16_t max_version;
    std::int16_t flexible_from;
    any_message (*make)();
    void (*read)(reader& in, void* message, std::int16_t version);
    void (*write)(writer& out, const void* message, std::int16_t version);
    void (*write_json)(json_writer& out, const void* message, std::int16_t version);
    bool (*equal)(const void* left, const void* right);
    /// Gives the field at a path such as "topics.partitions.index" a value that is not its default, making one default
    /// element in each array on the way. False when there is no such field.
    bool (*set_non_default)(void* message, std::string_view path);
};

/// nullptr when no schema has the name.
const message_type* find_message(std::string_view name) noexcept;
/// All messages of one schema file, by the file's name without extension; empty when there is none.
std::span<const message_type> messages_of(std::string_view schema) noexcept;
/// The names of all schema files.
std::span<const std::string_view> schemas() noexcept;

/// As decode() and encode() of codec.hpp.
result<any_message> decode(const message_type& type, reader& in, std::int16_t version);
result<void> encode(const message_type& type, const void* message, std::int16_t version, writer& out);

/// The fields of `version`. Names in camelCase, bytes in base64, a `records` field `x` as `xSizeInBytes`; tagged fields
/// at their default are left out.
std::string to_json(const message_type& type, const void* message, std::int16_t version);
template <class M>
std::string to_json(const M& message, std::int16_t version) {
    return to_json(*find_message(M::message_name), &message, version);
}

}  // namespace weir::protocol
