// A member of a share group that prints what happens to it, one JSON object a line, much as Kafka's verifiable share consumer
// does. It accepts every record, one in so many only when it comes for the second time.
//   weir_share_member <bootstrap> <group> <topic> <release one in so many, 0: none> <ms of work for a batch>
// Ends cleanly at SIGTERM.
#include <weir/share_consumer.hpp>

#include <chrono>
#include <csignal>
#include <iostream>
#include <mutex>
#include <thread>

namespace {

std::mutex printing;

/// `"name": [[partition, first, last], ...]`
template <class Ranges, class Describe>
void event(const char* name, const Ranges& ranges, Describe describe) {
    std::string text;
    for (const auto& each : ranges) {
        const auto [partition, first, last] = describe(each);
        text += (text.empty() ? "[" : ",[") + std::to_string(partition) + "," + std::to_string(first) + "," + std::to_string(last) + "]";
    }
    const std::lock_guard held{printing};
    std::cout << R"({"name":")" << name << R"(","ranges":[)" << text << "]}" << std::endl;
}

void tell_outcomes(const std::vector<weir::acknowledged>& all) {
    std::vector<weir::acknowledged> good, bad;
    for (const auto& each : all) {
        if (each.what == weir::acknowledgement::accept) (each.why ? bad : good).push_back(each);
        if (each.why) std::cerr << each.why << '\n';
    }
    const auto range = [](const weir::acknowledged& each) { return std::tuple{each.where.partition, each.first, each.last}; };
    if (!good.empty()) event("accepted", good, range);
    if (!bad.empty()) event("refused", bad, range);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) {
        std::cerr << "usage: see the head of member.cpp\n";
        return 2;
    }
    const auto releases = std::stoll(argv[4]);
    const std::chrono::milliseconds work{std::stoll(argv[5])};
    weir::share_consumer_config config;
    config.group_id = argv[2];
    config.explicit_ack = true;
    config.max_poll_records = 100;
    config.on_acknowledged = tell_outcomes;
    const weir::topic<weir::bytes_view, weir::bytes_view> from{argv[3]};
    weir::share_consumer in{weir::client{argv[1]}, std::move(config), from};
    in.stop_on({SIGTERM});
    event("started", std::vector<int>{}, [](int) { return std::tuple{0, 0, 0}; });
    for (;;) {
        const auto lent = in.poll().get();
        if (!lent) break;
        event("lent", *lent, [](const auto& each) { return std::tuple{each.info.partition, each.info.offset, each.info.offset}; });
        std::this_thread::sleep_for(work);
        for (const auto& each : *lent) {
            if (releases > 0 && each.info.offset % releases == 0 && each.delivery_count() == 1) each.release();
            else each.accept();
        }
    }
    if (const auto why = in.status()) {
        std::cerr << why << '\n';
        return 1;
    }
    return 0;
}
