#include "consumer_settings.hpp"

#include "../config/resolve.hpp"
#include "../config/rows.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>
#include <charconv>

namespace weir {
namespace detail {

template <>
struct word_table<isolation> {
    static constexpr word<isolation> all[] = {{"read_uncommitted", isolation::read_uncommitted}, {"read_committed", isolation::read_committed}};
};
template <>
struct word_table<group_protocol> {
    static constexpr word<group_protocol> all[] = {{"classic", group_protocol::classic}, {"consumer", group_protocol::consumer}};
};

namespace {

/// PnDTnHnMn.nS, as Java's Duration reads it; nullopt when it is not that.
std::optional<std::int64_t> parse_duration(std::string_view text) {
    if (!text.starts_with('P')) return std::nullopt;
    text.remove_prefix(1);
    std::int64_t total = 0;
    bool time = false, any = false;
    while (!text.empty()) {
        if (text.front() == 'T' && !time) {
            time = true;
            text.remove_prefix(1);
            continue;
        }
        double number = 0;
        const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
        if (problem != std::errc{} || number < 0 || stop == text.data() + text.size()) return std::nullopt;
        const char unit = *stop;
        text.remove_prefix(static_cast<std::size_t>(stop - text.data()) + 1);
        std::int64_t factor = 0;
        if (unit == 'D' && !time) factor = 86'400'000;
        else if (unit == 'H' && time) factor = 3'600'000;
        else if (unit == 'M' && time) factor = 60'000;
        else if (unit == 'S' && time) factor = 1'000;
        if (factor == 0) return std::nullopt;
        total += static_cast<std::int64_t>(number * static_cast<double>(factor));
        any = true;
    }
    return any ? std::optional{total} : std::nullopt;
}

constexpr std::string_view by_duration = "by_duration:";

std::optional<at::position> parse_start(std::string_view text) {
    std::string lower{text};
    for (auto& each : lower) each = static_cast<char>(std::tolower(static_cast<unsigned char>(each)));
    if (lower == "latest" || lower == "largest" || lower == "end") return at::latest;
    if (lower == "earliest" || lower == "smallest" || lower == "beginning") return at::earliest;
    if (lower == "none" || lower == "error") return at::none;
    if (!lower.starts_with(by_duration)) return std::nullopt;
    const auto back = parse_duration(text.substr(by_duration.size()));
    return back ? std::optional{at::ago(weir::duration{*back})} : std::nullopt;
}

std::optional<std::string> print_start(const at::position& start) {
    using kind = at::position::kind;
    switch (start.what) {
        case kind::earliest: return "earliest";
        case kind::latest: return "latest";
        case kind::none: return "none";
        case kind::ago: return fmt::format("by_duration:PT{}.{:03}S", start.value / 1000, start.value % 1000);
        default: return std::nullopt;  // an offset or a time: no text of Kafka's says that
    }
}

setting start_row() {
    return row_with<consumer_config>(
        [](const setting& self, void* target, std::string_view text, std::int64_t factor) {
            std::string checked;
            auto parsed = parse_text(self, text, factor, checked);
            if (parsed) static_cast<consumer_config*>(target)->start = *parse_start(text);
            return parsed;
        },
        [](const void* source) { return print_start(static_cast<const consumer_config*>(source)->start); }, "auto.offset.reset",
        checked([](std::string_view text) { return parse_start(text).has_value(); }, "earliest, latest, none or by_duration:PnDTnHnMn.nS"),
        "Where to begin where the group has committed nothing, or what it committed is not in the log any more.", setting_type::string, importance::high);
}

/// Java names assignors by their classes, librdkafka as the protocol does.
std::string assignor_name(std::string_view given) {
    if (const auto dot = given.rfind('.'); dot != std::string_view::npos) given.remove_prefix(dot + 1);
    if (given == "RangeAssignor") return "range";
    if (given == "RoundRobinAssignor") return "roundrobin";
    if (given == "StickyAssignor") return "sticky";
    if (given == "CooperativeStickyAssignor") return "cooperative-sticky";
    return std::string{given};
}

setting assignors_row() {
    return row_with<consumer_config>(
        [](const setting& self, void* target, std::string_view text, std::int64_t factor) {
            std::vector<std::string> given;
            auto parsed = parse_text(self, text, factor, given);
            for (auto& each : given) {
                each = assignor_name(each);
                const bool known = each == "range" || each == "roundrobin" || each == "sticky" || each == "cooperative-sticky";
                if (parsed && !known) {
                    parsed = error{errc::invalid_setting, fmt::format("{}={}: allowed are range, roundrobin, sticky and cooperative-sticky, or the names of Java's classes for them", self.name, text)};
                }
            }
            if (parsed) static_cast<consumer_config*>(target)->assignors = std::move(given);
            return parsed;
        },
        [](const void* source) { return print_text(static_cast<const consumer_config*>(source)->assignors); }, "partition.assignment.strategy", any(),
        "How members of a classic group share partitions, the preferred way first: range, roundrobin, sticky, cooperative-sticky.", setting_type::list);
}

}  // namespace
}  // namespace detail

std::span<const setting> consumer_config::settings() {
    using detail::row;
    using config = consumer_config;
    constexpr auto as_int = setting_type::int32;
    static const setting all[] = {
        row<&config::group_id>("group.id", any(), "The group that shares the partitions and keeps the offsets; empty: no group.", importance::high),
        row<&config::group_instance_id>("group.instance.id", any(), "Makes a static member, which may be away for session.timeout.ms without a rebalance (KIP-345)."),
        detail::start_row(),
        row<&config::auto_commit>("enable.auto.commit", any(), "Commits what the application has moved past, every auto.commit.interval.ms, when partitions go and at the end. Needs group.id; without it nothing is committed.", synonym("auto.commit.enable")),
        row<&config::auto_commit_interval>("auto.commit.interval.ms", at_least(0), "How often enable.auto.commit commits; 0: each millisecond.", as_int),
        row<&config::isolation>("isolation.level", any(), "Whether records of open and aborted transactions are handed out."),
        row<&config::max_poll_records>("max.poll.records", at_least(1), "Records in one batch of poll()."),
        row<&config::fetch_max_bytes>("fetch.max.bytes", at_least(0), "Bytes in one answer of a broker; a larger batch comes whole.", as_int),
        row<&config::max_partition_fetch_bytes>("max.partition.fetch.bytes", at_least(0), "Bytes of one partition in one answer; a larger batch comes whole.", as_int, importance::high,
                                                synonym("fetch.message.max.bytes")),
        row<&config::buffer_memory>("buffer.memory", at_least(1), "Bytes that a consumer holds at most, batches that the application keeps included: three quarters for what is fetched, one for what is decompressed. Without room nothing is fetched. In Kafka only producers have a setting of this name, and what a consumer holds has no bound.", importance::high,
                                    synonym("queued.max.messages.kbytes", 1024)),
        row<&config::fetch_min_bytes>("fetch.min.bytes", at_least(0), "Bytes that a broker waits for before it answers.", as_int),
        row<&config::fetch_max_wait>("fetch.max.wait.ms", at_least(0), "How long a broker waits for fetch.min.bytes.", as_int, synonym("fetch.wait.max.ms")),
        row<&config::check_crcs>("check.crcs", any(), "Whether the checksum of each batch is compared."),
        row<&config::rack>("client.rack", any(), "Where this client is, so that it may read from a replica that is near (KIP-392)."),
        row<&config::group_protocol>("group.protocol", any(), "classic: the members assign; consumer: the coordinator does (KIP-848).", importance::high),
        detail::assignors_row(),
        row<&config::remote_assignor>("group.remote.assignor", any(), "The coordinator's assignor, with group.protocol=consumer; empty: its own choice."),
        row<&config::session_timeout>("session.timeout.ms", at_least(1), "A member that is not heard from for so long is out of its group (group.protocol=classic).", as_int),
        row<&config::heartbeat_interval>("heartbeat.interval.ms", at_least(1), "How often a member says that it is there; less than session.timeout.ms (group.protocol=classic).", as_int),
        row<&config::max_poll_interval>("max.poll.interval.ms", at_least(1), "An application that asks for no records for so long gives up its partitions.", as_int),
        row<&config::allow_auto_create_topics>("allow.auto.create.topics", any(), "Whether asking for a topic that is not there may make it, where brokers have auto.create.topics.enable."),
        row<&config::exclude_internal_topics>("exclude.internal.topics", any(), "Whether a pattern leaves out internal topics (group.protocol=classic; the coordinator decides otherwise)."),
        row<&config::default_api_timeout>("default.api.timeout.ms", at_least(0), "How long commit(), committed(), lag() and the like try."),
    };
    return all;
}

namespace detail {
namespace {

error refuse(std::string text) { return error{errc::invalid_setting, std::move(text)}; }

/// What only one of the two protocols has would do nothing with the other.
error check_protocol(const consumer_config& config) {
    const consumer_config standard;
    const auto of_classic = [](std::string_view name, const auto& value, std::string_view instead) {
        return refuse(fmt::format("{}={}: allowed with group.protocol=classic; with consumer the coordinator decides ({})", name, value, instead));
    };
    if (config.group_protocol == group_protocol::classic) {
        if (config.remote_assignor.empty()) return {};
        return refuse(fmt::format("group.remote.assignor={}: allowed with group.protocol=consumer; with classic it is partition.assignment.strategy", config.remote_assignor));
    }
    if (config.session_timeout != standard.session_timeout) return of_classic("session.timeout.ms", config.session_timeout.count(), "group.consumer.session.timeout.ms");
    if (config.heartbeat_interval != standard.heartbeat_interval) return of_classic("heartbeat.interval.ms", config.heartbeat_interval.count(), "group.consumer.heartbeat.interval.ms");
    if (config.assignors != standard.assignors) return of_classic("partition.assignment.strategy", fmt::format("{}", fmt::join(config.assignors, ",")), "group.remote.assignor asks for one of its own");
    return {};
}

/// What no single setting shows.
error check(const consumer_config& config) {
    if (auto why = check_protocol(config)) return why;
    if (config.heartbeat_interval >= config.session_timeout) {
        return refuse(fmt::format("heartbeat.interval.ms={}: allowed is less than session.timeout.ms={}", config.heartbeat_interval.count(), config.session_timeout.count()));
    }
    if (config.assignors.empty()) return refuse("partition.assignment.strategy=: allowed are range, roundrobin, sticky and cooperative-sticky, one or several");
    if (config.start == at::committed) return refuse("auto.offset.reset=committed: allowed is what to do where nothing is committed: earliest, latest, none or by_duration:...");
    if (!config.group_instance_id.empty() && config.group_id.empty()) return refuse(fmt::format("group.instance.id={}: needs group.id", config.group_instance_id));
    if ((config.on_bad_record == on_bad_record::dead_letter) == config.dead_letter_topic.empty()) {
        return refuse(fmt::format("dead_letter_topic={}: goes with on_bad_record::dead_letter, and that with a topic", config.dead_letter_topic));
    }
    return {};
}

/// Offsets are committed in a group. As Java's consumer, one without a group commits nothing by itself, and refuses to when it
/// was told to.
error imply(consumer_config& config, bool auto_commit_by_name) {
    if (!config.group_id.empty() || !config.auto_commit) return {};
    if (auto_commit_by_name) return refuse("enable.auto.commit=true: needs group.id, where offsets are committed; without it only false is allowed");
    config.auto_commit = false;
    return {};
}

}  // namespace

consumer_config settled(consumer_config config, const client_settings& of_client) {
    const bool auto_commit_by_name = given_by_name(consumer_config::settings(), "enable.auto.commit", config.extra, of_client);
    if (auto why = resolve("consumer", config, of_client)) throw exception{std::move(why)};
    if (auto why = imply(config, auto_commit_by_name)) throw exception{std::move(why)};
    if (auto why = check(config)) throw exception{std::move(why)};
    return config;
}

}  // namespace detail
}  // namespace weir
