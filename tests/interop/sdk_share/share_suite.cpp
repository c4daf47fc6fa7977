#include "share_suite.hpp"

namespace weir::suite {

namespace {

/// A name for a group that begins with the oldest record.
std::string make_group(std::string_view what, std::chrono::milliseconds lock) {
    const auto group = fresh_name(what);
    const admin tool{client{bootstrap()}};
    const config_alteration start{.on = {config_kind::group, group},
                                  .changes = {{.name = "share.auto.offset.reset", .value = "earliest"}, {.name = "share.record.lock.duration.ms", .value = std::to_string(lock.count())}}};
    auto outcome = tool.incremental_alter_configs({start}).get();
    REQUIRE_GOOD(outcome);
    REQUIRE_MESSAGE(!outcome->first_error(), outcome->first_error().message());
    return group;
}

}  // namespace

queue::queue(std::string_view what, int partitions, int records, std::chrono::milliseconds lock) : group(make_group(what, lock)), from(make_topic(what, partitions)) {
    if (records > 0) fill(from, records);
}

worker queue::join(share_consumer_config config) const {
    config.group_id = group;
    config.on_acknowledged = [told = told](const std::vector<acknowledged>& some) {
        const std::lock_guard held{told->mutex};
        told->all.insert(told->all.end(), some.begin(), some.end());
    };
    return worker{client{bootstrap()}, std::move(config), from};
}

std::vector<job> queue::take(worker& of, std::size_t count, std::chrono::milliseconds patience) {
    std::vector<job> all;
    const auto until = std::chrono::steady_clock::now() + patience;
    while (all.size() < count && std::chrono::steady_clock::now() < until) {
        auto some = of.poll(500ms).get();
        REQUIRE_GOOD(some);
        all.insert(all.end(), some->begin(), some->end());
    }
    return all;
}

bool queue::exhausted(std::chrono::milliseconds patience) const {
    auto late = join();
    return take(late, 1, patience).empty();
}

std::multiset<std::string> queue::rest() const {
    auto late = join();
    std::multiset<std::string> all;
    for (;;) {
        const auto some = values(take(late, 1, all.empty() ? 10s : 3s));
        if (some.empty()) return all;
        all.insert(some.begin(), some.end());
    }
}

std::set<std::int64_t> queue::outcomes::good(acknowledgement what) {
    const std::lock_guard held{mutex};
    std::set<std::int64_t> which;
    for (const auto& each : all) {
        if (each.what != what || each.why || each.where.partition != 0) continue;
        for (auto offset = each.first; offset <= each.last; ++offset) which.insert(offset);
    }
    return which;
}

std::multiset<std::string> values(const std::vector<job>& of) {
    std::multiset<std::string> all;
    for (const auto& each : of) all.insert(each.value);
    return all;
}

std::multiset<std::string> values_between(int first, int end) {
    std::multiset<std::string> all;
    for (int i = first; i < end; ++i) all.insert("value-" + std::to_string(i));
    return all;
}

}  // namespace weir::suite
