// A group member: every record once, until a signal comes.
#include "../model.hpp"

#include <weir/consumer.hpp>

#include <csignal>
#include <iostream>

int main() {
    weir::consumer in{"localhost:9092", {.group_id = "printer", .start = weir::at::earliest}, page_views};
    in.stop_on({SIGINT, SIGTERM});
    for (const auto& [user, view, info] : in)
        std::cout << info.partition << '@' << info.offset << ' ' << user << " saw " << view.page << '\n';
    if (auto why = in.status()) std::cerr << why << '\n';  // quiet after a plain stop
}
