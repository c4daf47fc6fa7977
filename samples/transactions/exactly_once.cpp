// Reads, processes and writes, exactly once: the batch's positions are committed with what was made of it.
#include "../model.hpp"

#include <weir/transactor.hpp>

#include <csignal>
#include <iostream>

int main() {
    weir::transactor work{"localhost:9092", {.group_id = "fraud-check"}, orders};
    work.stop_on({SIGINT, SIGTERM});
    auto end = work.run([](const auto& batch, weir::transaction& tx) {
        for (const auto& [id, o, info] : batch)
            if (o.amount > 10'000) tx.send(alerts, id, "large order by " + o.customer);
    });
    if (!end) std::cerr << end.error() << '\n';
    return end ? 0 : 1;
}
