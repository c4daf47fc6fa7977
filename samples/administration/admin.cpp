// Topics, settings, groups, offsets and ACLs. Many things at once give an outcome each, so that one failure hides no other.
#include <weir/admin.hpp>

#include <iostream>

using namespace std::chrono_literals;

int main() {
    weir::admin admin{"localhost:9092"};
    auto made = *admin.create_topics({
        {.name = "orders", .partitions = 12, .replication = 3, .config = {.retention = 24h * 7, .min_insync_replicas = 2}},
        {.name = "profiles", .config = {.cleanup = weir::cleanup::compact, .extra = {{"max.compaction.lag.ms", "3600000"}}}},
    }).get();
    for (const auto& [name, outcome] : made)  // each topic has its own answer
        if (!outcome && outcome.code() != weir::errc::topic_already_exists) std::cerr << outcome.error() << '\n';
    auto described = *admin.describe_topics({"orders"}).get();
    for (const auto& [name, topic] : described)
        for (const auto& p : topic->partitions) std::cout << name << '/' << p.id << " led by " << p.leader << '\n';
    for (const auto& listed : *admin.list_groups().get()) {
        auto group = *admin.describe_group(listed.group).get();
        for (const auto& [where, lag] : group.lag) std::cout << group.group << ' ' << where.topic << ' ' << lag << '\n';
    }
    *admin.alter_topic_config("orders", {.retention = 24h * 30}, {"min.insync.replicas"}).get();
    *admin.move_group("printer", {"page-views"}, weir::at::earliest).get();
    auto granted = *admin.create_acls({{.principal = "User:web", .name = "page-", .pattern = weir::pattern::prefixed, .operation = weir::operation::write}}).get();
    if (!granted) std::cerr << granted.first_error() << '\n';
    return *admin.delete_topics({"scratch"}).get() ? 0 : 1;
}
