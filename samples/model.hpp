// What the samples share: types, and the topics they travel in.
#pragma once
#include <weir/topic.hpp>

struct page_view {
    std::string user{}, page{};
};
struct order {
    std::string id{}, customer{}, product{};
    double amount = 0;
};
struct shipment {
    std::string order_id{}, carrier{};
};
WEIR_STRUCT(page_view, user, page);
WEIR_STRUCT(order, id, customer, product, amount);
WEIR_STRUCT(shipment, order_id, carrier);

inline const weir::topic<std::string, page_view> page_views{"page-views"};  // key: user; values are JSON
inline const weir::topic<std::string, order> orders{"orders"};              // key: order id
inline const weir::topic<std::string, shipment> shipments{"shipments"};     // key: order id
inline const weir::topic<std::string, std::string> alerts{"alerts"};        // key: order id; values are text
