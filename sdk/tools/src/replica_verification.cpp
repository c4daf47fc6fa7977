// weir replica-verification: reads every replica of topics, for ever, and says where they do not hold the same.
#include "common_options.hpp"
#include "connect.hpp"
#include "output.hpp"
#include "perf/stopwatch.hpp"
#include "replicas/replica_comparison.hpp"
#include "topic_filter.hpp"

#include <weir/admin.hpp>

#include <fmt/format.h>

#include <limits>

namespace weir::tools {

namespace replica_verification_tool {
namespace {

constexpr option options[] = {
    value("broker-list", "host:port,...", "Brokers of the cluster to connect to first.").required(),
    command_config,
    value("topics-include", "regex", "The topics to verify; all by default."),
    value("time", "when", "Where to begin: -1 the ends, -2 the beginnings, or milliseconds since 1970. The ends by default."),
    value("fetch-size", "bytes", "How much of each partition is read at once; 1048576 by default."),
    value("max-wait-ms", "ms", "How long a broker waits for something to be there; 1000 by default."),
    value("report-interval-ms", "ms", "How often the largest lag is told; 30000 by default."),
    output_format,
};

struct replicated {
    uuid topic_id;
    broker_ids replicas;
    std::int64_t offset = 0;  ///< verified up to here
};
using partitions = std::map<topic_partition, replicated>;

partitions chosen(const admin& at, const topic_filter& filter) {
    std::vector<std::string> names;
    for (const auto& each : *at.list_topics({.internal = true}).get())
        if (filter.matches(each.name)) names.push_back(each.name);
    if (names.empty()) throw exception{error{errc::unknown_topic_or_partition, "No topics found. --topics-include, if specified, is either filtering out all topics or there is no topic."}};
    partitions all;
    for (const auto& [name, topic] : *at.describe_topics(names).get())
        for (const auto& each : (*topic).partitions) all[{name, each.id}] = {topic->id, each.replicas};
    return all;
}

void go_to(partitions& all, const admin& at, std::int64_t time) {
    const auto begin = time == -1 ? at::position{at::latest} : time == -2 ? at::position{at::earliest} : at::position{at::time(timestamp{duration{time}})};
    std::map<topic_partition, at::position> wanted, ends;
    for (const auto& each : all) wanted.emplace(each.first, begin);
    for (const auto& [where, outcome] : *at.list_offsets(wanted).get()) {
        all[where].offset = (*outcome).offset;
        if (all[where].offset < 0) ends.emplace(where, at::latest);  // no record of that time or later
    }
    if (ends.empty()) return;
    for (const auto& [where, outcome] : *at.list_offsets(ends).get()) all[where].offset = (*outcome).offset;
}

class verification {
public:
    verification(const admin& at, partitions all, const read_replicas_options& how, output& out) : at_(at), all_(std::move(all)), how_(how), out_(out) {
        for (const auto& [where, each] : all_)
            for (const auto broker : each.replicas) of_broker_[broker].push_back(where);
    }
    /// One read of every replica, all brokers at once. False when replicas have parted for good.
    bool go_on(stopwatch& time) {
        std::map<std::int32_t, op<outcomes<held_records, topic_partition>>> reads;
        for (const auto& [broker, mine] : of_broker_) {
            std::vector<replica_position> from;
            for (const auto& where : mine) from.push_back({where, all_[where].topic_id, all_[where].offset});
            reads.emplace(broker, at_.read_replicas(broker, std::move(from), how_));
        }
        std::map<topic_partition, std::map<std::int32_t, held_records>> held;
        for (auto& [broker, read] : reads) {
            auto answers = read.get();
            complain(broker, answers ? answers->first_error() : answers.error());
            if (!answers) continue;
            for (auto& [where, outcome] : answers->items())
                if (outcome) held[where].emplace(broker, *std::move(outcome));
        }
        lag_ = -1;
        bool together = true;
        for (auto& [where, each] : all_) {
            // A replica that could not be read: the others wait for it.
            const auto& found = held[where];
            if (found.size() < each.replicas.size()) continue;
            const auto compared = compare_replicas(where, each.offset, found);
            each.offset = compared.offset;
            for (const auto& sentence : compared.checksums) tell(time.wall_now(), sentence);
            if (!compared.offsets.empty()) tell(time.wall_now(), compared.offsets);
            together &= compared.offsets.empty();
            if (compared.high_watermark - each.offset <= lag_) continue;
            lag_ = compared.high_watermark - each.offset;
            furthest_ = where;
        }
        return together;
    }
    void report(timestamp_ms now) {
        const auto offset = lag_ < 0 ? -1 : all_[furthest_].offset;
        if (!out_.json()) {
            tell(now, fmt::format("max lag is {} for partition {} at offset {} among {} partitions", lag_, lag_ < 0 ? "null" : to_string(furthest_), offset, all_.size()));
            return;
        }
        json_writer document;
        const auto number = [&](std::string_view name, std::int64_t value) {
            document.key(name);
            document.number(value);
        };
        document.begin_object();
        number("time", now);
        number("maxLag", lag_);
        document.key("topic");
        document.string(furthest_.topic);
        number("partition", furthest_.partition);
        number("offset", offset);
        number("partitions", static_cast<std::int64_t>(all_.size()));
        document.end_object();
        out_.line(std::move(document));
        out_.flush();
    }
    void tell(timestamp_ms now, std::string_view sentence) {
        if (out_.json()) {
            json_writer document;
            document.begin_object();
            document.key("time");
            document.number(now);
            document.key("finding");
            document.string(sentence);
            document.end_object();
            out_.line(std::move(document));
        } else {
            out_.line(fmt::format("{}: {}", format_time(now, "yyyy-MM-dd HH:mm:ss,SSS"), sentence));
        }
        out_.flush();
    }

private:
    /// Once until it changes: a broker may be away for long.
    void complain(std::int32_t broker, const error& why) {
        auto& before = complaints_[broker];
        const auto now = why ? why.message() : std::string{};
        if (now == before) return;
        before = now;
        if (why) std::fprintf(stderr, "WARN broker %d cannot be read: %s\n", broker, now.c_str());
    }

    const admin& at_;
    partitions all_;
    std::map<std::int32_t, std::vector<topic_partition>> of_broker_;
    read_replicas_options how_;
    output& out_;
    std::map<std::int32_t, std::string> complaints_;
    topic_partition furthest_;
    std::int64_t lag_ = -1;
};

int run(const invocation& call) {
    const auto& args = call.args;
    constexpr auto most = std::numeric_limits<std::int32_t>::max();
    const topic_filter filter{args.text("topics-include", ".*")};
    const auto begin = args.number_or("time", -1, -2, std::numeric_limits<std::int64_t>::max());
    const auto interval = args.number_or("report-interval-ms", 30'000, 0, most);
    read_replicas_options how;
    how.max_bytes = static_cast<std::int32_t>(args.number_or("fetch-size", 1 << 20, 1, most));
    how.max_wait = milliseconds{args.number_or("max-wait-ms", 1'000, 0, most)};

    auto settings = file_settings(args);
    settings.set("bootstrap.servers", std::string{args.text("broker-list")}, "--broker-list");
    settings.set("client.id", "replica-verification");
    const admin at{client{settings}};
    auto all = chosen(at, filter);
    go_to(all, at, begin);
    // A broker that is away must not hold the others up for long.
    const auto reader = at.within(how.max_wait + std::chrono::seconds{5});
    verification work{reader, std::move(all), how, call.out};
    stopwatch time;
    if (!call.out.json()) work.tell(time.wall_now(), "verification process is started");
    for (auto reported = time.wall_now(); work.go_on(time) && !call.out.failed();) {
        const auto now = time.wall_now();
        if (now - reported <= interval) continue;
        work.report(now);
        reported = now;
    }
    return 1;  // it goes on until it is stopped, or replicas have parted
}

}  // namespace
}  // namespace replica_verification_tool

extern const tool replica_verification;
constinit const tool replica_verification{"replica-verification", "Verify that all replicas of topics hold the same.", replica_verification_tool::options, {}, {}, {}, replica_verification_tool::run};

}  // namespace weir::tools
