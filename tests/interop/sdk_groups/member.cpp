// A member of a group that prints what happens to it, one JSON object a line, as Kafka's verifiable consumer does.
//   weir_group_member <bootstrap> <group> <topic> <assignor>         of a classic group; ends cleanly at SIGTERM
//   weir_group_member <bootstrap> <group> <topic> consumer           by the consumer protocol (KIP-848)
//   weir_group_member ... <instance> <standard|leave|remain>         a static one, unless that is empty; what its close() says
#include <weir/consumer.hpp>

#include <chrono>
#include <csignal>
#include <iostream>
#include <mutex>

namespace {

std::mutex printing;

std::string partitions_json(std::span<const weir::topic_partition> which) {
    std::string text = "[";
    for (const auto& each : which) {
        if (text.size() > 1) text += ',';
        text += R"({"partition":)" + std::to_string(each.partition) + "}";
    }
    return text + "]";
}

void event(const std::string& name, const std::string& partitions) {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    const std::lock_guard held{printing};
    std::cout << R"({"timestamp":)" << now << R"(,"name":")" << name << R"(","partitions":)" << partitions << "}" << std::endl;
}

weir::farewell farewell_of(std::string_view word) {
    return word == "leave" ? weir::farewell::leave_group : word == "remain" ? weir::farewell::remain_in_group : weir::farewell::standard;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5 && argc != 7) {
        std::cerr << "usage: weir_group_member <bootstrap> <group> <topic> <assignor> [<instance> <farewell>]\n";
        return 2;
    }
    weir::consumer_config config;
    config.group_id = argv[2];
    config.start = weir::at::earliest;
    config.auto_commit = false;
    if (std::string_view{argv[4]} == "consumer") {
        config.group_protocol = weir::group_protocol::consumer;
    } else {
        config.assignors = {argv[4]};
        config.session_timeout = weir::duration{10'000};
        config.heartbeat_interval = weir::duration{1'000};
    }
    if (argc == 7) config.group_instance_id = argv[5];
    const weir::topic<weir::bytes_view, weir::bytes_view> from{argv[3]};
    weir::consumer in{weir::client{argv[1]}, std::move(config), from};
    in.on_rebalance({.assigned = [](auto which) { event("partitions_assigned", partitions_json(which)); },
                     .revoked = [](auto which) { event("partitions_revoked", partitions_json(which)); }});
    in.stop_on({SIGTERM});
    for (;;) {
        auto batch = in.poll().get();
        if (!batch) break;
        std::string counted = "[";
        for (const auto& part : batch->by_partition()) {
            if (counted.size() > 1) counted += ',';
            counted += R"({"partition":)" + std::to_string(part.where.partition) + R"(,"minOffset":)" + std::to_string(part.first->info.offset) + R"(,"maxOffset":)" +
                       std::to_string((part.last - 1)->info.offset) + "}";
        }
        event("records_consumed", counted + "]");
        // A commit that a rebalance overtakes is refused; what it covered is read again by whoever owns it then.
        if (auto done = in.commit().get(); !done) std::cerr << done.error() << '\n';
    }
    if (auto why = in.status()) {
        std::cerr << why << '\n';
        return 1;
    }
    if (auto closed = in.close(weir::duration{30'000}, farewell_of(argc == 7 ? argv[6] : "standard")).get(); !closed) {
        std::cerr << closed.error() << '\n';
        return 1;
    }
    return 0;
}
