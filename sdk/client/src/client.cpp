#include "client_core.hpp"

#include <weir/base/asio_runtime.hpp>

#include <fmt/format.h>

#include <charconv>
#include <future>

namespace weir {
namespace {

[[noreturn]] void refuse(std::string_view entry, std::string_view why) {
    throw exception{error{errc::invalid_setting, fmt::format("bootstrap.servers: '{}' {}; expected is host:port, several separated by commas", entry, why)}};
}

std::vector<endpoint> parse_bootstrap(std::string_view list) {
    std::vector<endpoint> all;
    for (std::size_t at = 0; at <= list.size();) {
        const auto end = std::min(list.find(',', at), list.size());
        auto entry = list.substr(at, end - at);
        at = end + 1;
        while (!entry.empty() && entry.front() == ' ') entry.remove_prefix(1);
        while (!entry.empty() && entry.back() == ' ') entry.remove_suffix(1);
        if (entry.empty()) continue;
        const auto colon = entry.rfind(':');
        if (colon == std::string_view::npos || colon == 0) refuse(entry, "has no port");
        auto host = entry.substr(0, colon);
        if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
        const auto port = entry.substr(colon + 1);
        std::uint16_t number = 0;
        const auto [stop, problem] = std::from_chars(port.data(), port.data() + port.size(), number);
        if (problem != std::errc{} || stop != port.data() + port.size() || number == 0) refuse(entry, "has no port between 1 and 65535");
        if (host.empty()) refuse(entry, "has no host");
        all.push_back({std::string{host}, number});
    }
    if (all.empty()) refuse(list, "names no broker");
    return all;
}

}  // namespace

namespace detail {

client_core::client_core(std::unique_ptr<runtime> own, event_loop& loop, network& net, const std::string& bootstrap, client_config config, std::uint64_t seed)
    : own_(std::move(own)), loop_(loop), seed_(seed), strand_(std::make_shared<callbacks>(loop, std::move(config.post), own_ == nullptr)) {
    cluster_config parts;
    parts.bootstrap = parse_bootstrap(bootstrap);
    parts.connection.client_id = config.client_id;
    parts.connection.connect_timeout = config.connect_timeout;
    parts.connection.request_timeout = config.request_timeout;
    parts.metadata_max_age = config.metadata_max_age;
    parts.retry = {config.retry_backoff, config.retry_backoff_max};
    view_ = std::make_shared<cluster>(loop, net, std::move(parts), next_seed());
    if (own_) own_->start();
}

client_core::~client_core() {
    if (!own_) {
        view_->close();
        return;
    }
    std::promise<void> closed;
    loop_.post([this, &closed] {
        view_->close();
        closed.set_value();
    });
    closed.get_future().wait();
    own_->stop();
    own_->join();
    strand_->stop();
}

}  // namespace detail

client::client(const std::string& bootstrap, client_config config) {
    auto own = std::make_unique<runtime>(1);
    auto& loop = own->loop(0);
    auto& net = own->net();
    core_ = std::make_shared<detail::client_core>(std::move(own), loop, net, bootstrap, std::move(config), random_source::from_system()());
}
client::client(event_loop& loop, network& net, std::uint64_t seed, const std::string& bootstrap, client_config config)
    : core_(std::make_shared<detail::client_core>(nullptr, loop, net, bootstrap, std::move(config), seed)) {}
client::~client() = default;
client::client(const client&) = default;
client& client::operator=(const client&) = default;

}  // namespace weir
