// Which settings exist for which kind of resource, from the rows of the modules that use them.
#pragma once
#include <weir/broker/broker_config.hpp>
#include <weir/metadata/config_schema.hpp>

#include <map>
#include <string>
#include <vector>

namespace weir::broker {

class broker_schema final : public metadata::config_schema {
public:
    explicit broker_schema(const broker_config& config);

    const metadata::config_key* find(metadata::config_type type, std::string_view key) const override;
    std::string_view why_unknown(metadata::config_type type, std::string_view key) const override;
    std::vector<const metadata::config_key*> keys(metadata::config_type type) const override;
    result<void> validate(metadata::config_type type, std::string_view key, std::string_view value) const override;
    std::string shown(metadata::config_type type, std::string_view key, std::string_view value) const override;
    result<void> validate_together(const metadata::image& image, std::string_view broker,
                                   const metadata::config_entries& entries) const override;

private:
    struct entry {
        metadata::config_key key;
        const setting* row;
        std::int64_t factor;               // of the synonym it goes by
        std::shared_ptr<void> (*scratch)();  // a config struct to try a value on
    };
    using entries = std::map<std::string, entry, std::less<>>;
    /// `prefix` goes before each name: settings of one listener.
    template <class Config>
    void add(metadata::config_type type, const Config& values, const broker_config& config, const std::string& prefix = {});
    void add_topic_rows(const broker_config& config);
    const entries& of(metadata::config_type type) const;

    std::map<metadata::config_type, entries> all_;
    // What values are held against.
    node_config node_;
    server::server_config server_;
};

/// The settings that change while the broker runs, as they are now: what was set for this broker, then for all, then the file.
struct running_config {
    node_config node;
    server::server_config server;
    replica::cleaner_config cleaner;
};
running_config config_in_force(const broker_config& config, const metadata::image& image);

/// What holds for a topic: its own settings, then what was set for this broker or for all while running, then the file.
/// A stored value that no longer parses (written by another version) is left out and logged.
storage::log_config topic_log_config(const broker_config& config, const metadata::image& image, const std::string& topic);

}  // namespace weir::broker
