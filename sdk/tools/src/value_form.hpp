// Bytes of keys and values as text: Kafka's deserializers by their names.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::tools {

/// As Java prints it: 1024.0, 1.0E7.
std::string java_number(float value);
std::string java_number(double value);

enum class value_form : std::uint8_t { text, short_integer, integer, long_integer, single, float64, boolean, uuid, hex, raw };

/// "org.apache.kafka.common.serialization.LongDeserializer", "...LongDecoder" or "long". errc::invalid_setting names those
/// there are: Java classes cannot be loaded here.
result<value_form> value_form_named(std::string_view name);

/// errc::malformed when the bytes have not the size of that type.
result<std::string> to_text(value_form form, bytes_view data);

}  // namespace weir::tools
