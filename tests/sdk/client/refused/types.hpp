#pragma once
#include <weir/producer.hpp>

struct opaque {
    int* inside;
};
struct order {
    std::string id{};
    double amount = 0;
};
struct profile {
    std::string name{};
};
WEIR_STRUCT(order, id, amount);
WEIR_STRUCT(profile, name);
inline const weir::topic<std::string, order> orders{"orders"};
