// Groups of consumers, share consumers and streams applications, and their offsets.
#pragma once
#include <weir/admin/access.hpp>
#include <weir/admin/cluster.hpp>
#include <weir/outcomes.hpp>
#include <weir/properties.hpp>
#include <weir/topic.hpp>

#include <map>
#include <set>

namespace weir {

enum class group_type : std::uint8_t { unknown, classic, consumer, share, streams };
enum class group_state : std::uint8_t { unknown, empty, preparing_rebalance, completing_rebalance, assigning, reconciling, stable, dead, not_ready };
std::string_view to_string(group_type type) noexcept;    ///< "Consumer"
std::string_view to_string(group_state state) noexcept;  ///< "PreparingRebalance"
/// Kafka's words in any case; unknown when it is none.
group_type parse_group_type(std::string_view text) noexcept;
group_state parse_group_state(std::string_view text) noexcept;

struct group_listing {
    std::string group{};
    group_type type = group_type::unknown;        ///< unknown: the broker is too old to tell
    std::string protocol{};                       ///< "consumer", "share", "connect", ...; empty: offsets only, no members ever
    group_state state = group_state::unknown;
};
/// What is empty matches everything.
struct list_groups_options {
    std::vector<group_state> states{};
    std::vector<group_type> types{};
    std::vector<std::string> protocols{};
};

using topic_partitions = std::set<topic_partition>;

/// Tasks of a streams application: by subtopology, the partitions.
using streams_task_ids = std::map<std::string, std::vector<std::int32_t>>;
struct streams_assignment {
    streams_task_ids active{};
    streams_task_ids standby{};
    streams_task_ids warmup{};
};
struct streams_task_offset {
    std::string subtopology{};
    std::int32_t partition = 0;
    std::int64_t offset = 0;
};
struct streams_member {
    std::int32_t topology_epoch = -1;
    std::string process_id{};
    std::string endpoint{};                       ///< "host:port" for interactive queries; empty: none
    std::map<std::string, std::string> client_tags{};
    std::vector<streams_task_offset> task_offsets{};
    std::vector<streams_task_offset> task_end_offsets{};
    streams_assignment assignment{};
    streams_assignment target{};
};
struct streams_topic_info {
    std::string name{};
    std::int32_t partitions = 0;
    std::int16_t replication = 0;
    properties config{};
};
struct streams_subtopology {
    std::string id{};
    std::vector<std::string> source_topics{};
    std::vector<std::string> repartition_sink_topics{};
    std::vector<streams_topic_info> changelog_topics{};
    std::vector<streams_topic_info> repartition_source_topics{};
};

struct member_description {
    std::string id{};
    std::optional<std::string> instance_id{};     ///< group.instance.id of a static member
    std::optional<std::string> rack{};
    std::string client_id{};
    std::string host{};
    std::optional<std::int32_t> epoch{};          ///< not in classic groups
    std::optional<bool> upgraded{};               ///< consumer groups: false for members of the classic protocol
    topic_partitions assignment{};
    std::optional<topic_partitions> target{};     ///< what the coordinator wants it to have
    std::vector<std::string> subscribed_topics{};
    std::string subscribed_regex{};               ///< RE2/J, evaluated by the coordinator
    std::optional<streams_member> streams{};
};

/// Any kind of group; what a kind does not have is empty.
struct group_description {
    std::string group{};
    group_type type = group_type::unknown;
    group_state state = group_state::unknown;
    std::string protocol{};                       ///< protocol type: "consumer", "share", "streams", "connect", ...
    std::string assignor{};
    node coordinator{};
    std::optional<std::int32_t> epoch{};          ///< not in classic groups
    std::optional<std::int32_t> target_epoch{};   ///< of the assignment
    std::vector<member_description> members{};
    authorized_operations operations{};
    std::optional<std::int32_t> topology_epoch{}; ///< streams groups
    std::vector<streams_subtopology> subtopologies{};
    /// describe_group() only: records after the committed offset (share groups: not yet acknowledged), per partition.
    std::map<topic_partition, std::int64_t> lag{};
    /// Members never came, only offsets.
    bool simple() const noexcept { return type == group_type::classic && protocol.empty(); }
};
struct describe_groups_options {
    bool authorized_operations = false;
};

struct committed_offset {
    std::int64_t offset = -1;                     ///< the next to be read
    std::int32_t leader_epoch = -1;
    std::string metadata{};
};
/// A partition asked for that has none is errc::no_offset.
using committed_offsets = outcomes<committed_offset, topic_partition>;

struct group_offsets_request {
    std::string group{};
    std::optional<std::vector<topic_partition>> partitions{};  ///< nullopt: all that have an offset
};
struct list_offsets_of_groups_options {
    bool require_stable = false;                  ///< wait for open transactions that commit offsets (KIP-447)
};

struct share_offset {
    std::int64_t start = -1;                      ///< first record not yet acknowledged or given up; -1: not begun
    std::int32_t leader_epoch = -1;
    std::int64_t lag = -1;                        ///< -1: not known (KIP-1226)
};
using share_offsets = outcomes<share_offset, topic_partition>;

struct remove_members_options {
    std::vector<std::string> instance_ids{};      ///< empty: all members
    std::string reason{};                         ///< into the coordinator's log
};

}  // namespace weir
