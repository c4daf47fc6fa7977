#include "suite.hpp"

#include <cstdlib>
#include <sstream>

namespace weir::suite {
namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

const std::set<int>& advertised() {
    static const auto all = [] {
        std::set<int> keys;
        std::istringstream in{variable("APIS")};
        for (std::string key; std::getline(in, key, ',');) keys.insert(std::stoi(key));
        return keys;
    }();
    return all;
}

void control(const std::string& what, int node) {
    const auto command = variable("NODE_CONTROL") + " " + what + " " + std::to_string(node);
    REQUIRE(std::system(command.c_str()) == 0);  // NOLINT(concurrency-mt-unsafe): nobody else changes the environment
}

}  // namespace

std::string bootstrap() { return variable("BOOTSTRAP"); }
int nodes() { return std::atoi(variable("NODES").c_str()); }
bool offers(std::int16_t api_key) { return advertised().contains(api_key); }
void kill_broker(int node) { control("kill", node); }
void start_broker(int node) { control("start", node); }

std::string fresh_name(std::string_view what) {
    static int serial = 0;
    return "sdk-" + std::string{what} + "-" + std::to_string(++serial);
}

topic<std::string, std::string> make_topic(std::string_view what, int partitions, topic_config config) {
    const topic<std::string, std::string> made{fresh_name(what)};
    const admin tool{client{bootstrap()}};
    new_topic wanted;
    wanted.name = made.name();
    wanted.partitions = partitions;
    wanted.replication = static_cast<std::int16_t>(nodes());
    wanted.config = std::move(config);
    auto outcome = tool.create_topics({wanted}).get();
    REQUIRE_GOOD(outcome);
    for (const auto& each : *outcome) REQUIRE_GOOD(each.outcome);
    return made;
}

void fill(const topic<std::string, std::string>& to, int count, producer_config config) {
    producer out{client{bootstrap()}, std::move(config)};
    for (int i = 0; i < count; ++i) (void)out.send(to, "key-" + std::to_string(i), "value-" + std::to_string(i));
    auto delivered = out.flush().get();
    REQUIRE_GOOD(delivered);
}

found read_all(const topic<std::string, std::string>& from, consumer_config config) {
    consumer in{client{bootstrap()}, std::move(config), from};
    auto partitions = in.partitions_for(from.name()).get();
    REQUIRE_GOOD(partitions);
    std::vector<topic_partition> all;
    for (const auto& each : *partitions) all.push_back(from[each.partition]);
    in.assign(all, at::earliest);
    found everything;
    for (;;) {
        auto left = in.lag().get();
        REQUIRE_GOOD(left);
        if (*left == 0) return everything;
        auto batch = in.poll(1s).get();
        REQUIRE_GOOD(batch);
        for (const auto& each : *batch) {
            everything.values.insert(each.value);
            everything.offsets[each.info.partition].push_back(each.info.offset);
        }
    }
}

}  // namespace weir::suite
