// What the samples share: types, and the topics they travel in.
#pragma once
#include <weir/topic.hpp>

struct page_view {
    std::string user{}, page{};
};
struct profile {
    std::string name{}, region{};
};
struct order {
    std::string id{}, customer{}, product{};
    double amount = 0;
};
struct product {
    std::string title{};
    double price = 0;
};
struct shipment {
    std::string order_id{}, carrier{};
};
WEIR_STRUCT(page_view, user, page);
WEIR_STRUCT(profile, name, region);
WEIR_STRUCT(order, id, customer, product, amount);
WEIR_STRUCT(product, title, price);
WEIR_STRUCT(shipment, order_id, carrier);

inline const weir::topic<weir::none, std::string> lines{"lines"};                // records without a key
inline const weir::topic<std::string, std::int64_t> word_counts{"word-counts"};  // big-endian, as Java's LongSerializer
inline const weir::topic<std::string, page_view> page_views{"page-views"};       // by user; JSON values
inline const weir::topic<std::string, profile> profiles{"profiles"};             // by user
inline const weir::topic<std::string, order> orders{"orders"};                   // by order id
inline const weir::topic<std::string, product> products{"products"};             // by product id
inline const weir::topic<std::string, shipment> shipments{"shipments"};          // by order id
inline const weir::topic<std::string, std::string> alerts{"alerts"};
