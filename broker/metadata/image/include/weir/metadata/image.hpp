// What the cluster looks like at one offset of the metadata log.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/time.hpp>
#include <weir/base/uuid.hpp>
#include <weir/metadata/shared_map.hpp>

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::metadata {

using broker_id = std::int32_t;
inline constexpr broker_id no_broker = -1;  ///< also "no leader"

/// Directory ids with a meaning (KIP-858); the first 100 are reserved.
inline constexpr uuid directory_migrating{0, 0};  ///< not known: written before directories had ids
inline constexpr uuid directory_unassigned{0, 1};
inline constexpr uuid directory_lost{0, 2};
inline constexpr std::int16_t first_version_with_directories = 17;  ///< metadata.version 3.7-IV2

struct endpoint {
    std::string listener;
    std::string host;
    std::uint16_t port = 0;
    std::int16_t security_protocol = 0;  ///< 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL
    bool operator==(const endpoint&) const = default;
};

struct feature_range {
    std::int16_t min = 0;
    std::int16_t max = 0;
    bool operator==(const feature_range&) const = default;
};
/// By feature name.
using feature_ranges = std::map<std::string, feature_range, std::less<>>;

/// A broker as it registered. Fenced brokers lead nothing and take no new replicas; clients do not see them.
struct broker {
    broker_id id = no_broker;
    std::int64_t epoch = -1;  ///< offset of its registration record: a restart has a new one
    uuid incarnation;
    std::vector<endpoint> endpoints;
    feature_ranges features;
    std::optional<std::string> rack;
    bool fenced = true;
    bool in_controlled_shutdown = false;
    bool migrating_from_zk = false;
    std::vector<uuid> log_dirs;                          ///< sorted; those online
    std::optional<std::vector<uuid>> cordoned_log_dirs;  ///< sorted; nullopt: never said
    bool active() const noexcept { return !fenced && !in_controlled_shutdown; }
    /// A replica whose directory is not known yet, or whose broker names none, is taken to be online; a lost one is not.
    bool has_online(const uuid& directory) const noexcept;
    /// nullptr when the broker has no such listener.
    const endpoint* find_endpoint(std::string_view listener) const noexcept;
    bool operator==(const broker&) const = default;
};

struct controller_registration {
    std::int32_t id = -1;
    uuid incarnation;
    bool zk_migration_ready = false;
    std::vector<endpoint> endpoints;
    feature_ranges features;
    bool operator==(const controller_registration&) const = default;
};

enum class leader_recovery : std::int8_t { recovered = 0, recovering = 1 };

struct partition {
    std::vector<broker_id> replicas;  ///< the first is the preferred leader
    std::vector<uuid> directories;    ///< where each replica lies, in the order of `replicas`
    std::vector<broker_id> isr;
    std::vector<broker_id> removing_replicas;
    std::vector<broker_id> adding_replicas;
    std::vector<broker_id> elr;             ///< left the ISR while it was below min.insync.replicas; lead without loss
    std::vector<broker_id> last_known_elr;  ///< what ISR and ELR were when the last of them was lost
    broker_id leader = no_broker;
    leader_recovery recovery = leader_recovery::recovered;
    std::int32_t leader_epoch = 0;     ///< rises with every change of leader
    std::int32_t partition_epoch = 0;  ///< rises with every change
    bool has_leader() const noexcept { return leader != no_broker; }
    /// zero (migrating) when `id` is no replica.
    uuid directory_of(broker_id id) const noexcept;
    bool operator==(const partition&) const = default;
};

struct topic {
    std::string name;
    uuid id;
    shared_map<std::int32_t, partition> partitions;  ///< by index, 0 .. size - 1
    bool operator==(const topic&) const = default;
};
using topic_ref = std::shared_ptr<const topic>;

/// Kafka's codes of ConfigRecord and the config APIs.
enum class config_type : std::int8_t {
    unknown = 0,
    topic = 2,
    broker = 4,
    broker_logger = 8,
    client_metrics = 16,
    group = 32
};
struct config_resource {
    config_type type = config_type::unknown;
    std::string name;  ///< of a broker: its id in decimal, or "" for the default of all
    auto operator<=>(const config_resource&) const = default;
};
using config_entries = std::map<std::string, std::string, std::less<>>;
using config_ref = std::shared_ptr<const config_entries>;

/// Whom a quota is for: entity type ("user", "client-id", "ip") to name; no name is the default entity of that type.
using quota_entity = std::map<std::string, std::optional<std::string>>;
using quota_values = std::map<std::string, double, std::less<>>;

struct scram_key {
    std::int8_t mechanism = 0;  ///< 1 SCRAM-SHA-256, 2 SCRAM-SHA-512
    std::string user;
    auto operator<=>(const scram_key&) const = default;
};
struct scram_credential {
    bytes salt;
    bytes stored_key;
    bytes server_key;
    std::int32_t iterations = 0;
    bool operator==(const scram_credential&) const = default;
};

struct delegation_token {
    std::string owner;
    std::string requester;
    std::vector<std::string> renewers;
    timestamp_ms issued = 0;
    timestamp_ms max_timestamp = 0;
    timestamp_ms expires = 0;
    bool operator==(const delegation_token&) const = default;
};

struct access_control_entry {
    std::int8_t resource_type = 0;
    std::string resource_name;
    std::int8_t pattern_type = 0;
    std::string principal;
    std::string host;
    std::int8_t operation = 0;
    std::int8_t permission = 0;
    bool operator==(const access_control_entry&) const = default;
};

/// Of the newest record an image holds; offset -1: nothing was applied.
struct provenance {
    std::int64_t offset = -1;
    std::int32_t epoch = -1;
    timestamp_ms timestamp = no_timestamp;
    bool operator==(const provenance&) const = default;
};

/// Immutable and shared (`image_ref`): every core reads its own pointer, without a lock. Made by image_builder; an
/// image and its successor share what did not change, per topic and per chunk of partitions. All maps are sorted by
/// key.
class image {
public:
    const provenance& position() const noexcept { return position_; }

    /// 0 while the log does not say; 7 (3.3-IV3) .. 30 (4.3-IV0).
    std::int16_t metadata_version() const noexcept { return metadata_version_; }
    /// Finalized levels without metadata.version; a feature at level 0 is not in it. kraft.version is the quorum's.
    const std::map<std::string, std::int16_t, std::less<>>& features() const noexcept { return features_; }
    /// 0 when not finalized; knows "metadata.version" too.
    std::int16_t feature(std::string_view name) const noexcept;
    /// What ApiVersions calls the epoch of the finalized features.
    std::int64_t features_epoch() const noexcept { return position_.offset; }

    const shared_map<broker_id, broker>& brokers() const noexcept { return brokers_; }
    const broker* find_broker(broker_id id) const noexcept { return brokers_.find(id); }
    const shared_map<std::int32_t, controller_registration>& controllers() const noexcept { return controllers_; }

    /// By name, sorted.
    const shared_map<std::string, topic_ref>& topics() const noexcept { return topics_; }
    /// nullptr when there is none.
    const topic* find_topic(std::string_view name) const noexcept;
    const topic* find_topic(const uuid& id) const noexcept;
    /// The same to keep beyond this image.
    topic_ref share_topic(std::string_view name) const noexcept;
    topic_ref share_topic(const uuid& id) const noexcept;
    const partition* find_partition(std::string_view topic, std::int32_t index) const noexcept;
    const partition* find_partition(const uuid& topic, std::int32_t index) const noexcept;
    std::size_t partition_count() const noexcept { return partition_count_; }
    /// That replica cannot serve: its broker is gone or fenced, or its log directory has failed.
    bool offline(const partition& of, broker_id replica) const noexcept;

    const shared_map<config_resource, config_ref>& configs() const noexcept { return configs_; }
    /// What was set for exactly this resource; an empty map when nothing was.
    const config_entries& configs_of(config_type type, std::string_view name) const noexcept;
    /// nullptr when not set on exactly this resource.
    const std::string* config(config_type type, std::string_view name, std::string_view key) const noexcept;

    const shared_map<quota_entity, quota_values>& quotas() const noexcept { return quotas_; }
    /// The first producer id no broker has been given; 0 at the beginning.
    std::int64_t next_producer_id() const noexcept { return next_producer_id_; }
    const shared_map<uuid, access_control_entry>& acls() const noexcept { return acls_; }
    const shared_map<scram_key, scram_credential>& scram_credentials() const noexcept { return scram_; }
    const shared_map<std::string, delegation_token>& delegation_tokens() const noexcept { return tokens_; }

    /// Equal content; the position does not count.
    bool same_content(const image& other) const;

private:
    friend class image_builder;
    provenance position_;
    std::int16_t metadata_version_ = 0;
    std::map<std::string, std::int16_t, std::less<>> features_;
    shared_map<broker_id, broker> brokers_;
    shared_map<std::int32_t, controller_registration> controllers_;
    shared_map<std::string, topic_ref> topics_;
    shared_map<uuid, topic_ref> topics_by_id_;
    std::size_t partition_count_ = 0;
    shared_map<config_resource, config_ref> configs_;
    shared_map<quota_entity, quota_values> quotas_;
    std::int64_t next_producer_id_ = 0;
    shared_map<uuid, access_control_entry> acls_;
    shared_map<scram_key, scram_credential> scram_;
    shared_map<std::string, delegation_token> tokens_;
};
using image_ref = std::shared_ptr<const image>;

}  // namespace weir::metadata
