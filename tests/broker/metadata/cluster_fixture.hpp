// A controller with a cluster in its hands: decisions are written to a log in memory and replayed from there.
#pragma once
#include <weir/metadata/controller.hpp>
#include <weir/metadata/image_builder.hpp>
#include <weir/metadata/image_loader.hpp>
#include <weir/metadata/metadata_frames.hpp>

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

namespace weir::metadata {

/// A handful of settings of each kind.
class fake_schema : public config_schema {
public:
    fake_schema();
    const config_key* find(config_type type, std::string_view key) const override;
    std::vector<const config_key*> keys(config_type type) const override;
    result<void> validate(config_type type, std::string_view key, std::string_view value) const override;

    /// For a test that needs another default, as server.properties would give.
    void set_default(config_type type, std::string_view key, std::string value);

private:
    config_key& add(config_type type, std::string name, config_value_type value_type, std::optional<std::string> value);
    std::map<config_type, std::map<std::string, config_key, std::less<>>> keys_;
};

struct broker_options {
    std::optional<std::string> rack;
    bool fenced = false;
    std::vector<uuid> log_dirs;  ///< one is made up when empty
};

class cluster_fixture {
public:
    explicit cluster_fixture(std::int16_t metadata_version = 30, bool elr = true);

    /// Registers brokers 0 .. count - 1 through the controller and unfences them.
    void add_brokers(int count);
    void add_broker(broker_id id, broker_options options = {});
    std::int64_t epoch_of(broker_id id) const { return now->find_broker(id)->epoch; }
    static uuid directory_of(broker_id id, int which = 0) {
        return {0xd0, static_cast<std::uint64_t>(id) * 1000 + static_cast<std::uint64_t>(which) + 1};
    }

    /// One topic, which must succeed.
    const topic& create(const std::string& name, std::int32_t partitions = 1, std::int16_t factor = 1,
                        const std::map<std::string, std::string>& configs = {});
    const topic& create_on(const std::string& name, std::vector<std::vector<broker_id>> assignments,
                           const std::map<std::string, std::string>& configs = {});
    const partition& part(const std::string& topic, std::int32_t index = 0) const {
        return *now->find_partition(topic, index);
    }

    protocol::broker_registration_request registration(broker_id id, std::uint64_t run = 1) const;
    protocol::broker_heartbeat_response heartbeat(broker_id id, bool want_fence = false, bool want_shut_down = false,
                                                  std::int64_t metadata_offset = INT64_MAX);
    /// Lets the session of `id` run out while the others go on.
    void fence_by_silence(broker_id id);
    /// Sets topic or broker settings; must succeed.
    void set(config_type type, const std::string& name, const std::string& key, const std::string& value);

    decision_context context() const { return {*now, clock, 1'700'000'000'000, next_offset(), "User:alice"}; }
    std::int64_t next_offset() const { return loader.next_offset(); }

    /// Writes the records, reads them back and applies them. The images on the way are checked: see commit_records.
    template <class Response>
    Response commit(decision<Response> decided) {
        commit_records(decided.records);
        return std::move(decided.response);
    }
    void commit_records(const std::vector<protocol::metadata_record>& records);

    fake_schema schema;
    controller decider;
    image_loader loader;
    image_ref now;
    time_point clock{std::chrono::hours{1}};
};

/// "UNKNOWN_TOPIC_OR_PARTITION" and so on, for readable failures.
std::string name_of(std::int16_t error_code);

/// The records of one type, in order.
template <class Record>
std::vector<Record> of_type(const std::vector<protocol::metadata_record>& records) {
    std::vector<Record> found;
    for (const auto& each : records)
        if (const auto* one = std::get_if<Record>(&each)) found.push_back(*one);
    return found;
}

}  // namespace weir::metadata
