#include <weir/metadata/controller.hpp>

namespace weir::metadata {

controller::controller(controller_config config, const config_schema& schema, std::uint64_t seed)
    : config_(std::move(config)),
      schema_(schema),
      random_(seed),
      sessions_(config_.broker_session_timeout) {
    if (config_.supported_features.empty()) config_.supported_features = supported_features();
}
controller::~controller() = default;

}  // namespace weir::metadata
