// Partitions by hand, from an hour ago, as raw bytes.
#include "../model.hpp"

#include <weir/consumer.hpp>

#include <iostream>

int main() {
    using namespace std::chrono_literals;
    weir::consumer raw{"localhost:9092", {}};  // no group, no types: bytes, not copied
    raw.assign({orders[0], orders[1]}, weir::at::earliest);
    raw.seek(orders[1], weir::at::ago(1h));
    auto batch = raw.poll(500ms).get();
    if (!batch) {
        std::cerr << batch.error() << '\n';
        return 1;
    }
    std::size_t total = 0;
    for (const auto& record : *batch) total += record.value.size();  // a span into the fetched buffer
    std::cout << total << " bytes, lag " << raw.lag().get().value_or(-1) << '\n';
}
