// Brokers, the controllers' quorum, features and transactions.
#pragma once
#include <weir/admin/access.hpp>
#include <weir/topic.hpp>

#include <set>

namespace weir {

struct node {
    std::int32_t id = -1;
    std::string host{};
    std::uint16_t port = 0;
    std::optional<std::string> rack{};
    bool fenced = false;
};

struct cluster_description {
    std::string id{};
    std::int32_t controller = -1;                 ///< with KRaft a broker that forwards to the active controller
    std::vector<node> nodes{};                    ///< by id; the controllers when those are whom the client talks to
    authorized_operations operations{};
};
struct describe_cluster_options {
    bool authorized_operations = false;
    bool fenced_brokers = false;                  ///< registered, but not serving (KIP-1073)
};

struct api_versions {
    std::int16_t key = -1;
    std::int16_t min = 0;
    std::int16_t max = -1;
};

// --- features (KIP-584) ---

struct version_range {
    std::int16_t min = 0;
    std::int16_t max = 0;
};
struct feature_metadata {
    std::map<std::string, version_range> finalized{};
    std::optional<std::int64_t> finalized_epoch{};
    std::map<std::string, version_range> supported{};  ///< by the broker that answered
};
struct feature_update {
    enum class change : std::int8_t { upgrade = 1, safe_downgrade = 2, unsafe_downgrade = 3 };
    std::string feature{};
    std::int16_t level = 0;                       ///< 0: drop the feature
    change how = change::upgrade;
};
struct update_features_options {
    bool validate_only = false;
};

// --- the quorum ---

struct quorum_replica {
    std::int32_t id = -1;
    uuid directory{};                             ///< zero: not known (KIP-853)
    std::int64_t log_end_offset = -1;
    std::optional<timestamp> last_fetch{};
    std::optional<timestamp> last_caught_up{};
};
struct quorum_endpoint {
    std::string listener{};
    std::string host{};
    std::uint16_t port = 0;
};
struct quorum_description {
    std::int32_t leader = -1;
    std::int32_t leader_epoch = -1;
    std::int64_t high_watermark = -1;
    std::vector<quorum_replica> voters{};
    std::vector<quorum_replica> observers{};
    std::map<std::int32_t, std::vector<quorum_endpoint>> nodes{};  ///< of the controllers; empty: the broker is too old to tell
};

// --- transactions ---

enum class transaction_state : std::uint8_t {
    unknown, empty, ongoing, prepare_commit, prepare_abort, complete_commit, complete_abort, prepare_epoch_fence, dead,
};
std::string_view to_string(transaction_state state) noexcept;  ///< "Ongoing"
transaction_state parse_transaction_state(std::string_view text) noexcept;

struct transaction_description {
    std::int32_t coordinator = -1;
    transaction_state state = transaction_state::unknown;
    std::int64_t producer_id = -1;
    std::int32_t producer_epoch = -1;
    duration timeout{};
    std::optional<timestamp> started{};
    std::set<topic_partition> partitions{};
};
struct transaction_listing {
    std::string transactional_id{};
    std::int64_t producer_id = -1;
    transaction_state state = transaction_state::unknown;
    std::int32_t coordinator = -1;
};
/// What is left out matches everything.
struct list_transactions_options {
    std::vector<transaction_state> states{};
    std::vector<std::int64_t> producer_ids{};
    std::optional<duration> running_longer_than{};   ///< KIP-994
    std::optional<std::string> transactional_id_pattern{};  ///< RE2/J, matched by the coordinators (KIP-1152)
};
struct abort_transaction_request {
    topic_partition where{};
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = -1;
    std::int32_t coordinator_epoch = -1;
};
struct fenced_producer {
    std::int64_t producer_id = -1;
    std::int16_t epoch = -1;
};

}  // namespace weir
