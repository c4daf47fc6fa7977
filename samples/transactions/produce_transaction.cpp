// A transaction: all of it becomes visible, or none.
#include "../model.hpp"

#include <weir/producer.hpp>

#include <iostream>

int main() {
    weir::producer out{"localhost:9092", {.transactional_id = "checkout-1"}};
    auto end = out.transact([](weir::transaction& tx) {  // returns: commit; throws: abort
        tx.send(orders, "o-1", {.id = "o-1", .customer = "alice", .product = "p-7", .amount = 2});
        tx.send(shipments, "o-1", {.order_id = "o-1", .carrier = "post"});
    });
    if (!end) std::cerr << end.error() << '\n';
    return end ? 0 : 1;
}
