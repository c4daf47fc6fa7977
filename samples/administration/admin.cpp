// Topics, settings, groups, offsets and ACLs. A call about many things gives an outcome for each of them. `*` gives the value
// of a result, or throws what went wrong.
#include <weir/admin.hpp>

#include <iostream>

using namespace std::chrono_literals;

void administer(const weir::admin& admin) {
    const std::vector<weir::new_topic> topics = {
        {.name = "orders", .partitions = 12, .replication = 3, .config = {.retention = 24h * 7, .min_insync_replicas = 2}},
        {.name = "profiles", .config = {.cleanup = weir::cleanup::compact, .extra = {{"max.compaction.lag.ms", "3600000"}}}},
    };
    auto made = *admin.create_topics(topics).get();
    for (const auto& [name, outcome] : made)
        if (!outcome && outcome.code() != weir::errc::topic_already_exists)
            std::cerr << name << ": " << outcome.error() << '\n';
    auto described = *admin.describe_topics({"orders"}).get();
    for (const auto& [name, topic] : described) {
        if (!topic) std::cerr << topic.error() << '\n';
        else for (const auto& p : topic->partitions) std::cout << name << '/' << p.id << " led by " << p.leader << '\n';
    }
    for (const auto& listed : *admin.list_groups().get()) {
        auto group = *admin.describe_group(listed.group).get();
        for (const auto& [where, lag] : group.lag) std::cout << group.group << ' ' << where.topic << ' ' << lag << '\n';
    }
    *admin.alter_topic_config("orders", {.retention = 24h * 30}, {"min.insync.replicas"}).get();
    *admin.move_group("printer", {"page-views"}, weir::at::earliest).get();
    const weir::acl writers{
        .principal = "User:web", .name = "page-", .pattern = weir::pattern::prefixed, .operation = weir::operation::write};
    auto granted = *admin.create_acls({writers}).get();
    if (!granted) std::cerr << granted.first_error() << '\n';
    auto deleted = *admin.delete_topics({"scratch"}).get();
    if (!deleted) std::cerr << deleted.first_error() << '\n';
}

int main() {
    try {
        administer("localhost:9092");
    } catch (const weir::exception& failed) {  // which broker, topic or setting, and what to do
        std::cerr << failed.what() << '\n';
        return 1;
    }
}
