#include <weir/server/client_telemetry.hpp>

#include "telemetry_files.hpp"

#include <weir/base/log.hpp>
#include <weir/protocol/compression.hpp>

#include <algorithm>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace weir::server {
namespace {

log::logger client_telemetry_logs{"weir.server.telemetry"};

// Clients beyond these are forgotten, those that were silent longest first; as many as Kafka keeps.
constexpr std::size_t remembered_clients = 16384;
constexpr std::size_t decompressed_factor = 16;

struct instance {
    uuid id;
    std::optional<time_point> asked;
    std::optional<time_point> pushed;
    errc last_problem = errc::none;
    bool terminating = false;
};

bool passed(const std::optional<time_point>& since, milliseconds interval, time_point now) { return !since || now - *since >= interval; }

}  // namespace

struct client_telemetry::state {
    state(file_system& files, std::string directory, std::int32_t limit) : max_bytes(limit), kept(files, std::move(directory)) {}

    const std::int32_t max_bytes;
    std::mutex mutex;
    std::list<instance> instances;  // the latest is last
    std::unordered_map<uuid, std::list<instance>::iterator> by_id;
    std::mutex files_mutex;  // apart, so that a slow disk holds up pushes alone
    telemetry_files kept;

    instance& of(const uuid& id) {
        if (const auto at = by_id.find(id); at != by_id.end()) {
            instances.splice(instances.end(), instances, at->second);
            return *at->second;
        }
        instances.push_back({id, {}, {}, errc::none, false});
        by_id.emplace(id, std::prev(instances.end()));
        if (instances.size() > remembered_clients) {
            by_id.erase(instances.front().id);
            instances.pop_front();
        }
        return instances.back();
    }

    errc admit(instance& client, const push& given, const expectation& current, time_point now) {
        if (client.terminating) return errc::invalid_request;
        // The first push after asking may come early: clients spread theirs over the interval.
        const bool first = client.asked && (!client.pushed || *client.asked > *client.pushed);
        const bool in_time = first || passed(client.pushed, current.interval, now);
        if (in_time) client.pushed = now;
        else if (!given.terminating) return errc::throttling_quota_exceeded;
        if (given.subscription != current.subscription) return errc::unknown_subscription_id;
        if (given.compression < 0 || !protocol::codec_from_bits(static_cast<unsigned>(given.compression))) return errc::unsupported_compression_type;
        if (given.metrics.size() > static_cast<std::size_t>(max_bytes)) return errc::telemetry_too_large;
        return errc::none;
    }

    errc keep(const std::string& client, const push& given) {
        if (given.metrics.empty()) return errc::none;
        const auto codec = *protocol::codec_from_bits(static_cast<unsigned>(given.compression));
        bytes plain;
        auto message = given.metrics;
        if (codec != protocol::codec::none) {
            auto whole = protocol::decompress(codec, given.metrics, static_cast<std::size_t>(max_bytes) * decompressed_factor);
            if (!whole) {
                client_telemetry_logs.warn("metrics of client instance " + client + " cannot be decompressed: " + whole.error().message());
                return errc::invalid_record;
            }
            plain = *std::move(whole);
            message = plain;
        }
        const std::lock_guard lock{files_mutex};
        if (auto written = kept.append(client, message); !written) {
            client_telemetry_logs.error("metrics of client instance " + client + " are lost: " + written.error().message());
            return errc::invalid_record;
        }
        return errc::none;
    }
};

client_telemetry::client_telemetry(std::unique_ptr<state> made) : state_(std::move(made)) {}
client_telemetry::~client_telemetry() = default;

result<std::unique_ptr<client_telemetry>> client_telemetry::open(file_system& files, const std::string& directory, std::int32_t max_bytes) {
    auto made = std::make_unique<state>(files, directory, max_bytes);
    if (auto opened = made->kept.open(); !opened) return error{opened.code(), "telemetry.directory=" + directory + " cannot be used", opened.error()};
    return std::unique_ptr<client_telemetry>{new client_telemetry{std::move(made)}};
}

errc client_telemetry::asked(const uuid& client, milliseconds interval, time_point now) {
    const std::lock_guard lock{state_->mutex};
    auto& known = state_->of(client);
    const bool mends = known.last_problem == errc::unknown_subscription_id || known.last_problem == errc::unsupported_compression_type;
    if (!mends && !passed(std::max(known.asked, known.pushed), interval, now)) return known.last_problem = errc::throttling_quota_exceeded;
    known.asked = now;
    known.last_problem = errc::none;
    return errc::none;
}

errc client_telemetry::pushed(const uuid& client, const push& given, const expectation& current, time_point now) {
    if (client.is_zero()) return errc::invalid_request;
    {
        const std::lock_guard lock{state_->mutex};
        auto& known = state_->of(client);
        const auto code = state_->admit(known, given, current, now);
        if (code == errc::none && given.terminating) known.terminating = true;
        known.last_problem = code;
        if (code != errc::none) return code;
    }
    const auto code = state_->keep(to_string(client), given);
    if (code != errc::none) {
        const std::lock_guard lock{state_->mutex};
        state_->of(client).last_problem = code;
    }
    return code;
}

}  // namespace weir::server
