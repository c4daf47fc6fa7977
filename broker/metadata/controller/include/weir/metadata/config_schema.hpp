// What the controller must know of settings it does not own: which keys exist and which values they take.
#pragma once
#include <weir/base/error.hpp>
#include <weir/metadata/image.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::metadata {

/// Kafka's codes of the config APIs.
enum class config_value_type : std::int8_t {
    unknown = 0,
    boolean = 1,
    string = 2,
    int32 = 3,
    int16 = 4,
    int64 = 5,
    float64 = 6,
    list = 7,
    class_name = 8,
    password = 9
};
enum class config_source : std::int8_t {
    unknown = 0,
    topic = 1,
    broker = 2,
    broker_default = 3,
    static_broker = 4,
    built_in = 5,
    broker_logger = 6,
    client_metrics = 7,
    group = 8
};

struct config_key {
    std::string name;
    config_value_type type = config_value_type::string;
    bool read_only = false;  ///< of a broker: needs a restart; INVALID_REQUEST when somebody tries to set it
    bool sensitive = false;
    bool per_broker_only = false;  ///< not allowed for the default of all brokers
    /// What holds while the resource does not set it: from server.properties (source static_broker) or built in.
    std::optional<std::string> default_value;
    config_source default_source = config_source::built_in;
    /// What server.properties says of it, name and text as they stand there, first wins; and what holds without that.
    std::vector<std::pair<std::string, std::string>> from_file;
    std::optional<std::string> built_in_value;
    std::string documentation;
    /// Of a topic's or group's setting: the broker settings that give its default, first set wins.
    std::vector<std::string> server_keys;
};

/// Implemented over the settings rows of the modules that use them; must not change while in use.
class config_schema {
public:
    virtual ~config_schema() = default;
    /// nullptr: there is no such setting for this kind of resource. Lives as long as the schema.
    virtual const config_key* find(config_type type, std::string_view key) const = 0;
    /// What there is to say about a setting that find() does not know; empty: nothing. Such a one of a broker is kept
    /// without a meaning, as in Kafka, where plugins may have one.
    virtual std::string_view why_unknown(config_type, std::string_view) const { return {}; }
    /// All settings of a kind, sorted by name.
    virtual std::vector<const config_key*> keys(config_type type) const = 0;
    /// Type and range of one value, of a key find() knows: errc::invalid_config says the value and what is allowed.
    virtual result<void> validate(config_type type, std::string_view key, std::string_view value) const = 0;
    /// A value as it is told to those who ask: what it was read as, " 5 " as 5. One that cannot be read (any more) stays as it stands.
    virtual std::string shown(config_type, std::string_view, std::string_view value) const { return std::string{value}; }
    /// Whether a broker's settings go together once `entries` are what `broker` has of its own, or, when that is empty, what
    /// all brokers have: errc::invalid_config names them.
    virtual result<void> validate_together(const image&, std::string_view broker, const config_entries& entries) const {
        static_cast<void>(broker);
        static_cast<void>(entries);
        return {};
    }
};

}  // namespace weir::metadata
