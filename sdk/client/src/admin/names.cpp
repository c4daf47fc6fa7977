// Kafka's words for the enumerations of the admin, and small translations shared by its areas.
#include "operations.hpp"

#include <array>
#include <limits>

namespace weir {
namespace {

template <class Enum>
struct word {
    Enum value;
    std::string_view text;
};

/// Letters alone count, in any case: "TRANSACTIONAL_ID", "TransactionalId" and "transactional-id" are one.
bool same(std::string_view a, std::string_view b) {
    const auto skip = [](std::string_view& text) {
        while (!text.empty() && (text.front() == '_' || text.front() == '-' || text.front() == ' ')) text.remove_prefix(1);
    };
    for (;;) {
        skip(a);
        skip(b);
        if (a.empty() || b.empty()) return a.empty() && b.empty();
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
        if (lower(a.front()) != lower(b.front())) return false;
        a.remove_prefix(1);
        b.remove_prefix(1);
    }
}
template <class Enum, std::size_t N>
std::string_view text_of(const word<Enum> (&words)[N], Enum value) {
    for (const auto& each : words) {
        if (each.value == value) return each.text;
    }
    return words[0].text;
}
template <class Enum, std::size_t N>
Enum value_of(const word<Enum> (&words)[N], std::string_view text) {
    for (const auto& each : words) {
        if (same(each.text, text)) return each.value;
    }
    return words[0].value;
}

constexpr word<resource_kind> resource_kinds[] = {
    {resource_kind::unknown, "UNKNOWN"}, {resource_kind::any, "ANY"}, {resource_kind::topic, "TOPIC"}, {resource_kind::group, "GROUP"}, {resource_kind::cluster, "CLUSTER"},
    {resource_kind::transactional_id, "TRANSACTIONAL_ID"}, {resource_kind::delegation_token, "DELEGATION_TOKEN"}, {resource_kind::user, "USER"},
};
constexpr word<pattern> patterns[] = {
    {pattern::unknown, "UNKNOWN"}, {pattern::any, "ANY"}, {pattern::match, "MATCH"}, {pattern::literal, "LITERAL"}, {pattern::prefixed, "PREFIXED"},
};
constexpr word<operation> operations[] = {
    {operation::unknown, "UNKNOWN"}, {operation::any, "ANY"}, {operation::all, "ALL"}, {operation::read, "READ"}, {operation::write, "WRITE"}, {operation::create, "CREATE"},
    {operation::remove, "DELETE"}, {operation::alter, "ALTER"}, {operation::describe, "DESCRIBE"}, {operation::cluster_action, "CLUSTER_ACTION"},
    {operation::describe_configs, "DESCRIBE_CONFIGS"}, {operation::alter_configs, "ALTER_CONFIGS"}, {operation::idempotent_write, "IDEMPOTENT_WRITE"},
    {operation::create_tokens, "CREATE_TOKENS"}, {operation::describe_tokens, "DESCRIBE_TOKENS"}, {operation::two_phase_commit, "TWO_PHASE_COMMIT"},
};
constexpr word<permission> permissions[] = {
    {permission::unknown, "UNKNOWN"}, {permission::any, "ANY"}, {permission::deny, "DENY"}, {permission::allow, "ALLOW"},
};
constexpr word<scram_mechanism> mechanisms[] = {
    {scram_mechanism::unknown, "UNKNOWN"}, {scram_mechanism::sha_256, "SCRAM-SHA-256"}, {scram_mechanism::sha_512, "SCRAM-SHA-512"},
};
constexpr word<config_kind> config_kinds[] = {
    {config_kind::unknown, "UNKNOWN"}, {config_kind::topic, "TOPIC"}, {config_kind::broker, "BROKER"}, {config_kind::broker_logger, "BROKER_LOGGER"},
    {config_kind::client_metrics, "CLIENT_METRICS"}, {config_kind::group, "GROUP"},
};
constexpr word<config_source> config_sources[] = {
    {config_source::unknown, "UNKNOWN"}, {config_source::dynamic_topic, "DYNAMIC_TOPIC_CONFIG"}, {config_source::dynamic_broker, "DYNAMIC_BROKER_CONFIG"},
    {config_source::dynamic_default_broker, "DYNAMIC_DEFAULT_BROKER_CONFIG"}, {config_source::static_broker, "STATIC_BROKER_CONFIG"}, {config_source::by_default, "DEFAULT_CONFIG"},
    {config_source::dynamic_broker_logger, "DYNAMIC_BROKER_LOGGER_CONFIG"}, {config_source::dynamic_client_metrics, "DYNAMIC_CLIENT_METRICS_CONFIG"}, {config_source::dynamic_group, "DYNAMIC_GROUP_CONFIG"},
};
constexpr word<config_type> config_types[] = {
    {config_type::unknown, "UNKNOWN"}, {config_type::boolean, "BOOLEAN"}, {config_type::string, "STRING"}, {config_type::int32, "INT"}, {config_type::int16, "SHORT"},
    {config_type::int64, "LONG"}, {config_type::float64, "DOUBLE"}, {config_type::list, "LIST"}, {config_type::class_name, "CLASS"}, {config_type::password, "PASSWORD"},
};
constexpr word<group_type> group_types[] = {
    {group_type::unknown, "Unknown"}, {group_type::classic, "Classic"}, {group_type::consumer, "Consumer"}, {group_type::share, "Share"}, {group_type::streams, "Streams"},
};
constexpr word<group_state> group_states[] = {
    {group_state::unknown, "Unknown"}, {group_state::empty, "Empty"}, {group_state::preparing_rebalance, "PreparingRebalance"}, {group_state::completing_rebalance, "CompletingRebalance"},
    {group_state::assigning, "Assigning"}, {group_state::reconciling, "Reconciling"}, {group_state::stable, "Stable"}, {group_state::dead, "Dead"}, {group_state::not_ready, "NotReady"},
};
constexpr word<transaction_state> transaction_states[] = {
    {transaction_state::unknown, "Unknown"}, {transaction_state::empty, "Empty"}, {transaction_state::ongoing, "Ongoing"}, {transaction_state::prepare_commit, "PrepareCommit"},
    {transaction_state::prepare_abort, "PrepareAbort"}, {transaction_state::complete_commit, "CompleteCommit"}, {transaction_state::complete_abort, "CompleteAbort"},
    {transaction_state::prepare_epoch_fence, "PrepareEpochFence"}, {transaction_state::dead, "Dead"},
};

}  // namespace

std::string_view to_string(resource_kind kind) noexcept { return text_of(resource_kinds, kind); }
std::string_view to_string(pattern kind) noexcept { return text_of(patterns, kind); }
std::string_view to_string(operation what) noexcept { return text_of(operations, what); }
std::string_view to_string(permission what) noexcept { return text_of(permissions, what); }
std::string_view to_string(scram_mechanism mechanism) noexcept { return text_of(mechanisms, mechanism); }
std::string_view to_string(config_kind kind) noexcept { return text_of(config_kinds, kind); }
std::string_view to_string(config_source source) noexcept { return text_of(config_sources, source); }
std::string_view to_string(config_type type) noexcept { return text_of(config_types, type); }
std::string_view to_string(group_type type) noexcept { return text_of(group_types, type); }
std::string_view to_string(group_state state) noexcept { return text_of(group_states, state); }
std::string_view to_string(transaction_state state) noexcept { return text_of(transaction_states, state); }
resource_kind parse_resource_kind(std::string_view text) noexcept { return value_of(resource_kinds, text); }
pattern parse_pattern(std::string_view text) noexcept { return value_of(patterns, text); }
operation parse_operation(std::string_view text) noexcept { return value_of(operations, text); }
group_type parse_group_type(std::string_view text) noexcept { return value_of(group_types, text); }
group_state parse_group_state(std::string_view text) noexcept { return value_of(group_states, text); }
transaction_state parse_transaction_state(std::string_view text) noexcept { return value_of(transaction_states, text); }

std::string to_string(const topic_partition& where) { return where.topic + "-" + std::to_string(where.partition); }
std::string to_string(const config_resource& which) {
    std::string text;
    for (const auto c : to_string(which.kind)) text += c == '_' ? ' ' : static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return text + " " + (which.name.empty() ? "<default>" : which.name);
}
std::string to_string(const principal& who) { return who.kind + ":" + who.name; }
result<principal> parse_principal(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size())
        return error{errc::invalid_principal_type, "'" + std::string{text} + "' is no principal; expected is kind:name, as in User:alice"};
    return principal{std::string{text.substr(0, colon)}, std::string{text.substr(colon + 1)}};
}

properties topic_config::by_name() const {
    properties all = extra;
    const auto add = [&](const char* name, std::string value) {
        if (!all.find(name)) all.set(name, std::move(value));
    };
    if (retention) add("retention.ms", std::to_string(retention->count()));
    if (retention_bytes) add("retention.bytes", std::to_string(*retention_bytes));
    if (cleanup) add("cleanup.policy", *cleanup == weir::cleanup::remove ? "delete" : *cleanup == weir::cleanup::compact ? "compact" : "compact,delete");
    if (min_insync_replicas) add("min.insync.replicas", std::to_string(*min_insync_replicas));
    return all;
}

namespace detail {

authorized_operations operations_of(std::int32_t bits) {
    if (bits == std::numeric_limits<std::int32_t>::min()) return std::nullopt;
    std::vector<operation> all;
    for (const auto& each : operations) {
        const auto bit = static_cast<std::uint32_t>(each.value);
        if (bit > 0 && (static_cast<std::uint32_t>(bits) >> bit & 1u) != 0) all.push_back(each.value);
    }
    return all;
}
timestamp time_of(std::int64_t milliseconds) { return timestamp{duration{milliseconds}}; }
std::optional<timestamp> some_time(std::int64_t milliseconds) {
    if (milliseconds < 0) return std::nullopt;
    return time_of(milliseconds);
}

}  // namespace detail
}  // namespace weir
