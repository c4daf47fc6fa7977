#include "membership.hpp"

#include "classic_membership.hpp"
#include "consumer_membership.hpp"

namespace weir::detail {

std::shared_ptr<membership> make_membership(std::shared_ptr<cluster> view, const membership_config& config, membership_events& events) {
    auto& random = view->random();
    if (config.protocol == group_protocol::consumer) return std::make_shared<consumer_membership>(std::move(view), config, events, random());
    return std::make_shared<classic_membership>(std::move(view), config, events, random());
}

}  // namespace weir::detail
