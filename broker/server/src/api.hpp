// What a handler sees of a request, and the table that says which requests are served.
#pragma once
#include "complaint_limit.hpp"
#include "core_metrics.hpp"
#include "fetch_sessions.hpp"
#include "request_memory.hpp"

#include <weir/base/network.hpp>
#include <weir/base/task.hpp>
#include <weir/protocol/api_keys.hpp>
#include <weir/protocol/codec.hpp>
#include <weir/protocol/frames.hpp>
#include <weir/server/services.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace weir::server {

/// What belongs to one core: reached without locks by everything that runs there.
struct core_context {
    core_context(std::size_t at, std::size_t cores, event_loop& on, services& broker, std::uint64_t request_budget, random_source seeded);
    const std::size_t index;
    event_loop& loop;
    random_source random;
    request_memory memory;
    fetch_session_cache sessions;
    core_metrics metrics;
    complaint_limit complaints;
    std::vector<core_context*> all;  ///< every core's, this one's too: to post to their loops
};

/// What is known of a connection beyond its bytes.
struct connection_state {
    connection_state(const listener_info& on, endpoint from) : listener(&on), remote(std::move(from)) {}
    const listener_info* listener;
    endpoint remote;
    std::string software_name = "unknown";
    std::string software_version = "unknown";
    std::shared_ptr<metrics::gauge> software_shown;  ///< counts this connection under what it calls itself
    /// As Kafka shows it in descriptions of groups: "/127.0.0.1".
    std::string client_host() const { return "/" + remote.host; }
};

/// One request while it is being answered. Lives on the connection's loop until the answer is encoded.
struct request_context {
    services& broker;
    core_context& core;
    connection_state& connection;
    protocol::request_frame request;
    request_buffer_ptr frame;  ///< the request's bytes; views into it are valid as long as this is
    bool no_answer = false;    ///< Produce with acks=0
    std::string disconnect;    ///< when set: why the connection ends instead

    std::int16_t version() const noexcept { return request.version; }
    std::string client_id() const { return request.client_id.value_or(""); }
    std::shared_ptr<const metadata::image> image() const { return broker.metadata.current(core.index); }
};

struct reply {
    enum class type : std::uint8_t { none, answer, disconnect };
    type kind = type::none;
    std::vector<write_piece> pieces;
    std::string why;  ///< of a disconnect; one log line says it

    static reply disconnect(std::string why = {}) {
        reply made;
        made.kind = type::disconnect;
        made.why = std::move(why);
        return made;
    }
};

/// One row of the API list. All stable versions of an API are served.
struct api_entry {
    protocol::api_key key;
    task<reply> (*handle)(request_context& context);
    reply (*refuse)(const request_context& context, errc why);  ///< answers without carrying anything out
    bool (*offered)(const services& broker) = nullptr;  ///< whether this broker has it; nullptr: every broker
    const protocol::api_info& info() const noexcept { return protocol::info(key); }
    bool serves_on(const listener_info& listener, const services& broker) const noexcept {
        return (listener.for_controllers ? info().on_controller : info().on_broker) && (!offered || offered(broker));
    }
    bool serves(std::int16_t version) const noexcept { return version >= info().min_version && version <= info().latest(false); }
};

/// Every API that is served, ascending by key; src/api_table.cpp lists them.
std::span<const api_entry> api_table() noexcept;
/// nullptr for an API that is not served.
const api_entry* find_api(protocol::api_key key) noexcept;

namespace detail {
template <class Response>
reply answer_with(const Response& response, std::int16_t version, std::int32_t correlation_id) {
    reply made;
    auto pieces = protocol::encode_response_frame(response, version, correlation_id);
    if (!pieces) return reply::disconnect("the answer cannot be encoded: " + pieces.error().message());
    made.kind = reply::type::answer;
    made.pieces = std::move(*pieces);
    return made;
}

template <class>
struct handler_types;
template <class Request, class Response>
struct handler_types<task<Response> (*)(request_context&, Request)> {
    using request = Request;
    using response = Response;
};
}  // namespace detail

}  // namespace weir::server
