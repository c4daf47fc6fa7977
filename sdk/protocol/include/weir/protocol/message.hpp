// What every generated message header needs; lean on purpose.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/uuid.hpp>
#include <weir/protocol/api_key.hpp>
#include <weir/protocol/record_data.hpp>
#include <weir/protocol/tagged_fields.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::protocol {

class reader;
class writer;

/// `flexible_from` of a message that never became flexible.
inline constexpr std::int16_t never_flexible = 32767;

}  // namespace weir::protocol
