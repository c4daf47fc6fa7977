// What the console consumers' options say about printing.
#pragma once
#include "../arguments.hpp"
#include "record_formatter.hpp"

namespace weir::tools {

inline constexpr option formatter_class =
    value("formatter", "class", "How records are printed: DefaultMessageFormatter, NoOpMessageFormatter, or one of the coordinators' topics.");
inline constexpr option formatter_property =
    value("formatter-property", "name=value", "print.timestamp, print.partition, print.offset, print.epoch, print.delivery, print.headers, print.key (all false), "
                                              "print.value (true), key.separator (tab), line.separator, headers.separator (,), null.literal, key.deserializer, "
                                              "value.deserializer, headers.deserializer.").repeatable();
inline constexpr option formatter_config =
    value("formatter-config", "file", "A properties file with the same; --formatter-property wins.");
inline constexpr option key_deserializer =
    value("key-deserializer", "name", "string, short, integer, long, float, double, boolean, uuid, bytes or hex (or Kafka's class).");
inline constexpr option value_deserializer =
    value("value-deserializer", "name", "The same for values.");

/// Of these options. Throws weir::exception for what there is not.
record_formatter make_formatter(const arguments& args);

}  // namespace weir::tools
