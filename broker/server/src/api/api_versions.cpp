// ApiVersions (key 18), v0-v4. v3: flexible, client software, features. v4: supported features with a minimum of 0.
// A version nobody knows is answered in version 0, so that every client can read what is served.
#include "../handlers.hpp"

#include <weir/metadata/controller.hpp>
#include <weir/protocol/messages/api_versions.hpp>

#include <algorithm>

namespace weir::server {
namespace {

using protocol::api_versions_request;
using protocol::api_versions_response;

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?
bool is_software_name(std::string_view text) {
    return !text.empty() && is_word(text.front()) && is_word(text.back()) &&
           std::all_of(text.begin(), text.end(), [](char c) { return is_word(c) || c == '-' || c == '.'; });
}

void add_api(api_versions_response& response, const api_entry& api) {
    auto& row = response.api_keys.emplace_back();
    row.api_key = static_cast<std::int16_t>(api.key);
    // Some releases of librdkafka switch themselves off when Produce begins above 0, although they never ask for less than 3.
    row.min_version = api.key == protocol::api_key::produce ? std::int16_t{0} : api.info().min_version;
    row.max_version = api.info().latest(false);
}

}  // namespace

task<api_versions_response> handle_api_versions(request_context& context, api_versions_request request) {
    api_versions_response response;
    if (context.version() >= 3) {
        if (!is_software_name(request.client_software_name) || !is_software_name(request.client_software_version)) {
            response.error_code = wire_code(errc::invalid_request);
            co_return response;
        }
        context.connection.software_name = request.client_software_name;
        context.connection.software_version = request.client_software_version;
        context.connection.software_shown = context.core.metrics.software(context.connection.listener->name, request.client_software_name, request.client_software_version);
    }
    for (const auto& api : api_table())
        if (api.serves_on(*context.connection.listener, context.broker)) add_api(response, api);
    for (const auto& [name, range] : metadata::supported_features()) {
        if (range.min == 0 && context.version() < 4) continue;
        auto& row = response.supported_features.emplace_back();
        row.name = name;
        row.min_version = range.min;
        row.max_version = range.max;
    }
    const auto image = context.image();
    response.finalized_features_epoch = image->features_epoch();
    const auto add_level = [&](const std::string& name, std::int16_t level) {
        auto& row = response.finalized_features.emplace_back();
        row.name = name;
        row.max_version_level = level;
        row.min_version_level = level;
    };
    if (image->metadata_version() > 0) add_level("metadata.version", image->metadata_version());
    for (const auto& [name, level] : image->features()) add_level(name, level);
    co_return response;
}

// The body of such a request is not looked at: it may have any layout.
reply answer_unknown_api_versions(request_context& context) {
    api_versions_response response;
    response.error_code = wire_code(errc::unsupported_version);
    add_api(response, *find_api(protocol::api_key::api_versions));
    context.core.metrics.answered_with(protocol::api_key::api_versions, response.error_code, 1);
    return detail::answer_with(response, 0, context.request.correlation_id);
}

}  // namespace weir::server
