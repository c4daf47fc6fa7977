// Settings of topics, brokers, groups and client metrics subscriptions.
#pragma once
#include <weir/properties.hpp>
#include <weir/serde.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

enum class cleanup : std::uint8_t { remove, compact, compact_and_remove };

/// What is set here overrides the broker's defaults. Names with types are fields; everything else goes by name.
struct topic_config {
    std::optional<duration> retention{};          ///< retention.ms; -1: for ever
    std::optional<std::int64_t> retention_bytes{};  ///< retention.bytes, per partition; -1: no limit
    std::optional<weir::cleanup> cleanup{};       ///< cleanup.policy
    std::optional<int> min_insync_replicas{};     ///< min.insync.replicas
    properties extra{};
    /// All of it by name; a name that is there twice counts as in `extra`.
    properties by_name() const;
};

enum class config_kind : std::int8_t { unknown = 0, topic = 2, broker = 4, broker_logger = 8, client_metrics = 16, group = 32 };
std::string_view to_string(config_kind kind) noexcept;  ///< "TOPIC"

struct config_resource {
    config_kind kind = config_kind::topic;
    std::string name{};                           ///< a broker's is its id; "" for the brokers' common defaults
    friend auto operator<=>(const config_resource&, const config_resource&) = default;
};
std::string to_string(const config_resource& which);  ///< "topic orders"

enum class config_source : std::int8_t {
    unknown = 0, dynamic_topic = 1, dynamic_broker = 2, dynamic_default_broker = 3, static_broker = 4, by_default = 5,
    dynamic_broker_logger = 6, dynamic_client_metrics = 7, dynamic_group = 8,
};
std::string_view to_string(config_source source) noexcept;  ///< "DYNAMIC_TOPIC_CONFIG"
enum class config_type : std::int8_t { unknown = 0, boolean = 1, string = 2, int32 = 3, int16 = 4, int64 = 5, float64 = 6, list = 7, class_name = 8, password = 9 };
std::string_view to_string(config_type type) noexcept;  ///< "LONG"

struct config_synonym {
    std::string name{};
    std::optional<std::string> value{};
    config_source source = config_source::unknown;
};
struct config_entry {
    std::string name{};
    std::optional<std::string> value{};           ///< none: null, or sensitive
    config_source source = config_source::unknown;
    bool sensitive = false;
    bool read_only = false;
    config_type type = config_type::unknown;
    std::vector<config_synonym> synonyms{};       ///< where the value may come from, first wins; when asked for
    std::string documentation{};                  ///< when asked for
    bool is_default() const noexcept { return source == config_source::by_default; }
};

struct describe_configs_options {
    bool synonyms = false;
    bool documentation = false;
    std::vector<std::string> names{};             ///< empty: all
};

struct config_change {
    enum class action : std::int8_t { set = 0, remove = 1, append = 2, subtract = 3 };  ///< the last two: of lists
    std::string name{};
    std::string value{};
    action what = action::set;
};
struct config_alteration {
    config_resource on{};
    std::vector<config_change> changes{};
};
struct alter_configs_options {
    bool validate_only = false;
};

}  // namespace weir
