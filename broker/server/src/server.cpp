#include <weir/server/server.hpp>

#include "admission.hpp"
#include "connection.hpp"

#include <weir/base/log.hpp>

#include <algorithm>
#include <atomic>
#include <list>
#include <unordered_map>

namespace weir::server {
namespace {

log::logger server_logs{"weir.server"};

// Without a limit of its own the broker keeps at most this much of requests in memory.
constexpr std::uint64_t default_request_budget = 512ull << 20;

}  // namespace

// What one core holds beside its context.
struct core_state {
    core_state(std::size_t index, std::size_t cores, event_loop& loop, services& broker, std::uint64_t budget, random_source random)
        : context(index, cores, loop, broker, budget, random) {}
    core_state(const core_state&) = delete;
    core_state& operator=(const core_state&) = delete;
    ~core_state() {
        for (const auto& [at, each] : connections) each->abandon();
    }
    core_context context;
    std::unordered_map<connection*, std::shared_ptr<connection>> connections;
    struct arrival {
        std::unique_ptr<stream> peer;
        const listener_info* on;
    };
    std::vector<arrival> early;   // came before open()
    std::list<arrival> waiting;  // for another connection to leave, in the order they came
    bool open = false;
    bool closing = false;
};

struct server::state {
    services& broker;
    network& net;
    std::vector<std::unique_ptr<core_state>> cores;
    std::vector<std::unique_ptr<listener_info>> infos;
    std::vector<std::unique_ptr<listener>> listening;
    admission doors;
    std::atomic<std::size_t> connections{0};
    std::atomic<std::size_t> objects{0};  // closed ones included, until their last request is done
    std::size_t next_core = 0;

    state(services& serving, network& on) : broker(serving), net(on), doors(serving.config) {}
    void accept(core_state& core, std::unique_ptr<stream> peer, const listener_info& on);
    void admitted(core_state& core, std::unique_ptr<stream> peer, const listener_info& on);
    void let_in(std::vector<admission::entrant> entrants);
    void come_in(core_state& core, const admission::entrant& who);
    static void tell(core_state& core, const stream& peer, const listener_info& on, const std::string& what, const std::string& why);
    void make_room(std::size_t core, std::size_t tries);
    void begin(core_state& core, std::unique_ptr<stream> peer, const listener_info& on);
    task<void> look_at_core(event_loop& here, core_state& core, figures& sum);
    static task<void> close_core(event_loop& here, core_state& core);
};

server::server(services& broker, std::vector<event_loop*> cores, network& net, std::uint64_t seed)
    : state_(new state{broker, net}) {
    const auto budget = broker.config.queued_max_request_bytes > 0 ? static_cast<std::uint64_t>(broker.config.queued_max_request_bytes)
                                                                   : default_request_budget;
    random_source seeds{seed};
    for (std::size_t i = 0; i < cores.size(); ++i)
        state_->cores.push_back(std::make_unique<core_state>(i, cores.size(), *cores[i], broker, budget / cores.size(), random_source{seeds()}));
    for (auto& core : state_->cores)
        for (auto& each : state_->cores) core->context.all.push_back(&each->context);
}

server::~server() = default;

result<void> server::bind(const std::vector<listener_address>& listeners, const std::vector<listener_address>& advertised, const std::vector<std::string>& for_controllers, const std::string& host_name) {
    socket_options options;
    options.send_buffer_bytes = state_->broker.config.socket_send_buffer_bytes;
    options.receive_buffer_bytes = state_->broker.config.socket_receive_buffer_bytes;
    options.backlog = state_->broker.config.socket_listen_backlog_size;
    for (const auto& address : listeners) {
        auto info = std::make_unique<listener_info>();
        info->name = address.name;
        info->for_controllers = std::find(for_controllers.begin(), for_controllers.end(), address.name) != for_controllers.end();
        // As in Kafka, where it takes a second listener to fill the broker.
        const bool inner = address.name == state_->broker.config.inter_broker_listener_name.value_or("PLAINTEXT");
        info->reserved = listeners.size() > 1 && (inner || info->for_controllers);
        if (info->reserved) state_->doors.reserve(info->name);
        auto* on = info.get();
        const auto pick = [this]() -> event_loop& {
            state_->next_core = (state_->next_core + 1) % state_->cores.size();
            return state_->cores[state_->next_core]->context.loop;
        };
        auto opened = state_->net.listen(state_->cores.front()->context.loop, {address.host, address.port}, options, pick,
                                         [this, on](std::unique_ptr<stream> peer) {
                                             const auto core = std::find_if(state_->cores.begin(), state_->cores.end(),
                                                                            [](const auto& each) { return each->context.loop.running_here(); });
                                             state_->accept(**core, std::move(peer), *on);
                                         });
        if (!opened) return error{opened.code(), "listener " + address.name + " on " + to_string(endpoint{address.host, address.port}), opened.error()};
        info->bound = (*opened)->local();
        // Clients are told the name they can use, not the address it stood for here.
        info->advertised = {address.host.empty() || address.host == "0.0.0.0" || address.host == "::" ? host_name : address.host, info->bound.port};
        const auto told = std::find_if(advertised.begin(), advertised.end(), [&](const auto& each) { return each.name == address.name; });
        if (told != advertised.end()) info->advertised.host = told->host;
        if (told != advertised.end() && told->port != 0) info->advertised.port = told->port;
        state_->infos.push_back(std::move(info));
        state_->listening.push_back(std::move(*opened));
    }
    return {};
}

void server::state::accept(core_state& core, std::unique_ptr<stream> peer, const listener_info& on) {
    if (core.closing) return;
    if (!core.open) {
        core.early.push_back({std::move(peer), &on});
        return;
    }
    auto answer = doors.admit(peer->remote().host, on.name, core.context.index);
    switch (answer.what) {
        case admission::entry::refused: return tell(core, *peer, on, "refusing", answer.why);
        case admission::entry::waits:
            tell(core, *peer, on, "not serving yet", answer.why);
            core.waiting.push_back({std::move(peer), &on});
            return;
        case admission::entry::admitted: break;
    }
    admitted(core, std::move(peer), on);
}

void server::state::tell(core_state& core, const stream& peer, const listener_info& on, const std::string& what, const std::string& why) {
    const auto& from = peer.remote();
    core.context.complaints.tell(server_logs, from.host, core.context.loop.now(),
                                 [&] { return what + " a connection from " + to_string(from) + " on listener " + on.name + ": " + why; });
}

void server::state::admitted(core_state& core, std::unique_ptr<stream> peer, const listener_info& on) {
    if (on.reserved && doors.over_limit()) make_room(core.context.index, cores.size());
    // Those that wait for their turn count: there are no more of them than there may be connections.
    const auto wait = doors.turn_of_next(core.context.loop.now(), on.name);
    if (wait <= nanoseconds{0}) return begin(core, std::move(peer), on);
    core.context.loop.call_after(wait, [this, &core, &on, peer = std::move(peer)]() mutable {
        if (!core.closing) begin(core, std::move(peer), on);
    });
}

void server::state::let_in(std::vector<admission::entrant> entrants) {
    for (auto& each : entrants) {
        auto& core = *cores[each.core];
        core.context.loop.post([this, &core, who = std::move(each)] { come_in(core, who); });
    }
}

void server::state::come_in(core_state& core, const admission::entrant& who) {
    const auto at = std::find_if(core.waiting.begin(), core.waiting.end(), [&](const auto& each) { return each.on->name == who.listener && each.peer->remote().host == who.address; });
    if (at == core.waiting.end()) return;  // the server closes
    auto [peer, on] = std::move(*at);
    core.waiting.erase(at);
    if (!who.refused.empty()) return tell(core, *peer, *on, "refusing", who.refused);
    admitted(core, std::move(peer), *on);
}

// Core after core one connection goes, until there are no more than there may be: of those without a request the one that
// was used least recently, else of all. `tries` cores are left to be asked before nobody can go.
void server::state::make_room(std::size_t core, std::size_t tries) {
    if (tries == 0) return;
    auto& at = *cores[core];
    at.context.loop.post([this, &at, core, tries] {
        if (at.closing || !doors.over_limit()) return;
        connection* oldest = nullptr;
        const auto rank = [](const connection& each) { return std::pair{!each.idle(), each.last_activity()}; };
        for (const auto& [address, each] : at.connections)
            if (!each->on().reserved && (!oldest || rank(*each) < rank(*oldest))) oldest = address;
        if (oldest) {
            const auto gone = at.connections.at(oldest);
            server_logs.debug(to_string(gone->remote()) + " is closed: there are more connections than max.connections, and it was used least recently");
            gone->close();
        }
        make_room((core + 1) % cores.size(), oldest ? cores.size() : tries - 1);
    });
}

void server::state::begin(core_state& core, std::unique_ptr<stream> peer, const listener_info& on) {
    const auto address = peer->remote().host;
    objects.fetch_add(1, std::memory_order_relaxed);
    std::shared_ptr<connection> made{new connection(broker, core.context, std::move(peer), on), [this](connection* gone) {
                                         delete gone;
                                         objects.fetch_sub(1, std::memory_order_release);
                                     }};
    core.connections.emplace(made.get(), made);
    connections.fetch_add(1, std::memory_order_relaxed);
    made->start([this, &core, &on, address](connection& gone) {
        connections.fetch_sub(1, std::memory_order_relaxed);
        core.connections.erase(&gone);
        let_in(doors.leave(address, on.name));
    });
}

void server::open() {
    for (auto& core : state_->cores)
        core->context.loop.post([this, at = core.get()] {
            at->open = true;
            for (auto& [peer, on] : std::exchange(at->early, {})) state_->accept(*at, std::move(peer), *on);
        });
}

const std::vector<std::unique_ptr<listener_info>>& server::listeners() const noexcept { return state_->infos; }

void server::set_limits(const server_config& config) {
    state_->let_in(state_->doors.set_limits(config));
    state_->make_room(0, state_->cores.size());
}

std::size_t server::connection_count() const noexcept { return state_->connections.load(std::memory_order_relaxed); }

task<void> server::state::look_at_core(event_loop& here, core_state& core, figures& sum) {
    co_await switch_to{core.context.loop};
    const auto image = broker.metadata.current(core.context.index);
    core.context.metrics.keep_topics([&](const std::string& name) { return image->find_topic(name) != nullptr; });
    figures mine;
    mine.fetch_sessions = core.context.sessions.size();
    mine.fetch_session_partitions = core.context.sessions.partitions();
    mine.fetch_session_evictions = core.context.sessions.evictions();
    mine.request_bytes = core.context.memory.bytes_in_use();
    mine.waiting_fetches = static_cast<std::size_t>(core.context.metrics.parked_fetches().value());
    for (const auto& [at, each] : core.connections) {
        mine.waiting_requests += each->waiting_requests();
        mine.waiting_answers += each->waiting_answers();
    }
    co_await switch_to{here};
    sum.fetch_sessions += mine.fetch_sessions;
    sum.fetch_session_partitions += mine.fetch_session_partitions;
    sum.fetch_session_evictions += mine.fetch_session_evictions;
    sum.request_bytes += mine.request_bytes;
    sum.waiting_requests += mine.waiting_requests;
    sum.waiting_answers += mine.waiting_answers;
    sum.waiting_fetches += mine.waiting_fetches;
}

task<server::figures> server::look(event_loop& here) {
    figures sum;
    std::vector<task<void>> parts;
    for (auto& core : state_->cores) parts.push_back(state_->look_at_core(here, *core, sum));
    co_await when_all(std::move(parts));
    co_return sum;
}

task<void> server::state::close_core(event_loop& here, core_state& core) {
    co_await switch_to{core.context.loop};
    core.closing = true;
    core.early.clear();
    core.waiting.clear();
    // Closing takes a connection out of the map.
    while (!core.connections.empty()) {
        const auto each = core.connections.begin()->second;
        each->close();
    }
    co_await switch_to{here};
}

task<void> server::close() {
    for (auto& each : state_->listening) each->close();
    std::vector<task<void>> parts;
    auto& here = state_->cores.front()->context.loop;
    for (auto& core : state_->cores) parts.push_back(state::close_core(here, *core));
    co_await when_all(std::move(parts));
}

task<void> server::drain() {
    auto& here = state_->cores.front()->context.loop;
    for (int waited = 0; state_->objects.load(std::memory_order_acquire) > 0; ++waited) {
        if (waited == 5000) {
            server_logs.error(std::to_string(state_->objects.load()) + " connections still have a request that nobody answers");
            break;
        }
        co_await pause_for(here, milliseconds{1});
    }
    // What requests have left behind for other loops to do, such as ending a wait there, is in front of this.
    for (auto& core : state_->cores) co_await switch_to{core->context.loop};
    co_await switch_to{here};
}

}  // namespace weir::server
