#include "connection.hpp"

#include "handlers.hpp"

#include <weir/base/log.hpp>
#include <weir/server/request_faults.hpp>

#include <algorithm>

namespace weir::server {
namespace {

log::logger connection_logs{"weir.server.connection"};

constexpr std::size_t inbox_bytes = 8 * 1024;
// Answers that wait for earlier ones or for a slow reader; beyond it the connection is not read from.
constexpr std::size_t pipeline_limit = 64;

// What a frame that does not parse was meant to be, as far as it tells.
std::string api_of(bytes_view frame) {
    const auto* api = frame.size() >= 2 ? protocol::find_api(load_big_endian<std::int16_t>(frame.data())) : nullptr;
    return api && api->exists() ? std::string{api->name} : "frame of " + std::to_string(frame.size()) + " bytes";
}

}  // namespace

connection::connection(services& broker, core_context& core, std::unique_ptr<stream> peer, const listener_info& listener)
    : broker_(broker), core_(core), peer_(std::move(peer)), state_(listener, peer_->remote()), counters_(core.metrics.listener(listener.name)) {}

connection::~connection() { core_.loop.cancel(idle_); }

void connection::start(function<void(connection&)> on_closed) {
    on_closed_ = std::move(on_closed);
    counters_.opened->add();
    counters_.open->add(1);
    state_.software_shown = core_.metrics.software(state_.listener->name, state_.software_name, state_.software_version);
    last_activity_ = core_.loop.now();
    watch_idle();
    spawn(run(shared_from_this()));
}

void connection::close() noexcept {
    if (std::exchange(closed_, true)) return;
    core_.loop.cancel(std::exchange(idle_, timer_id::none));
    counters_.closed->add();
    counters_.open->add(-1);
    state_.software_shown = nullptr;
    peer_->close();
    wake_reader();
    if (on_closed_) std::exchange(on_closed_, nullptr)(*this);
}

void connection::watch_idle() {
    const auto limit = broker_.config.connections_max_idle;
    if (limit <= milliseconds{0}) return;
    idle_ = core_.loop.call_at(last_activity_ + limit, [this, limit] {
        idle_ = timer_id::none;
        // A request that is being answered keeps its connection, however long it takes.
        if (!slots_.empty()) last_activity_ = core_.loop.now();
        if (core_.loop.now() - last_activity_ < limit) return watch_idle();
        connection_logs.debug(to_string(peer_->remote()) + " was idle for " + std::to_string(limit.count()) + " ms (connections.max.idle.ms): closed");
        core_.metrics.idle_connections_closed().add();
        const auto self = shared_from_this();
        close();
    });
}

void connection::wake_reader() {
    if (reader_waits_) std::exchange(reader_waits_, nullptr)(true);
}

void connection::note_refusal(std::string_view api, std::string_view why) {
    const auto from = peer_->remote();
    core_.complaints.tell(connection_logs, from.host, core_.loop.now(), [&] {
        return "disconnecting " + to_string(from) + " on listener " + state_.listener->name + ": " + std::string{api} + ": " + std::string{why};
    });
    core_.metrics.refused_requests().add();
}

void connection::refuse(std::string_view api, std::string_view why) {
    note_refusal(api, why);
    auto last = std::make_shared<slot>();
    last->answer = reply::disconnect();
    last->done = true;
    slots_.push_back(std::move(last));
    send_ready();
}

// Reads until `wanted` bytes are in the inbox; false when the peer has finished or failed.
task<bool> connection::fill_inbox(std::shared_ptr<connection> self, std::size_t wanted) {
    if (self->inbox_.empty()) self->inbox_.resize(inbox_bytes);
    if (self->taken_ > 0) {
        std::copy(self->inbox_.begin() + static_cast<std::ptrdiff_t>(self->taken_), self->inbox_.begin() + static_cast<std::ptrdiff_t>(self->filled_), self->inbox_.begin());
        self->filled_ -= std::exchange(self->taken_, 0);
    }
    while (self->buffered() < wanted) {
        if (self->closed_) co_return false;
        auto reading = completion<result<std::size_t>>([&](function<void(result<std::size_t>)> done) {
            self->peer_->read_some(mutable_bytes{self->inbox_}.subspan(self->filled_), std::move(done));
        });
        const auto got = co_await reading;
        if (!got || *got == 0 || self->closed_) co_return false;
        self->filled_ += *got;
    }
    co_return true;
}

task<bool> connection::read_body(std::shared_ptr<connection> self, mutable_bytes into) {
    while (!into.empty()) {
        if (self->closed_) co_return false;
        auto reading = completion<result<std::size_t>>(
            [&](function<void(result<std::size_t>)> done) { self->peer_->read_some(into, std::move(done)); });
        const auto got = co_await reading;
        if (!got || *got == 0) co_return false;
        into = into.subspan(*got);
        self->last_activity_ = self->core_.loop.now();
    }
    co_return true;
}

task<void> connection::run(std::shared_ptr<connection> self) {
    const auto limit = self->broker_.config.socket_request_max_bytes;
    while (!self->closed_) {
        if (self->buffered() < 4 && !co_await fill_inbox(self, 4)) break;
        const auto size = load_big_endian<std::int32_t>(self->inbox_.data() + self->taken_);
        self->taken_ += 4;
        if (size < 0 || size > limit) {
            self->refuse("frame", "size " + std::to_string(size) + " is not between 0 and socket.request.max.bytes=" + std::to_string(limit));
            co_return;
        }
        auto acquiring = completion<request_buffer_ptr>([&](function<void(request_buffer_ptr)> ready) {
            self->core_.memory.acquire(static_cast<std::size_t>(size), std::move(ready));
        });
        auto frame = co_await acquiring;
        const auto here = std::min(self->buffered(), frame->size);
        std::copy_n(self->inbox_.begin() + static_cast<std::ptrdiff_t>(self->taken_), here, frame->data().begin());
        self->taken_ += here;
        if (here < frame->size && !co_await read_body(self, frame->data().subspan(here))) break;
        const auto read_at = self->core_.loop.now();
        self->last_activity_ = read_at;
        self->counters_.requests->add();
        self->counters_.bytes_in->add(static_cast<std::uint64_t>(size) + 4);

        auto request = protocol::parse_request_frame(frame->data());
        if (!request) {
            self->refuse(api_of(frame->data()), request.error().message());
            co_return;
        }
        const auto* api = find_api(request->api->key);
        if (!api || !api->serves_on(*self->state_.listener, self->broker_) || (!api->serves(request->version) && !request->unknown_version)) {
            self->refuse(request->api->name, "version " + std::to_string(request->version) + " is not served here");
            co_return;
        }
        const bool produce = api->key == protocol::api_key::produce;
        auto begun = read_at;
        while (!self->closed_ && !self->may_start(produce)) {
            auto waiting = completion<bool>([&](function<void(bool)> wake) { self->reader_waits_ = std::move(wake); });
            co_await waiting;
            begun = self->core_.loop.now();
        }
        if (self->closed_) break;
        auto where = std::make_shared<slot>();
        where->produce = produce;
        where->api = api;
        where->version = request->unknown_version ? std::int16_t{0} : request->version;  // what it is answered in
        where->bytes = static_cast<std::uint64_t>(size);
        where->times.read = read_at;
        where->times.begun = begun;
        self->slots_.push_back(where);
        spawn(serve(self, where, std::move(frame), api, *std::move(request)));
        if (!where->done) where->times.first_wait = self->core_.loop.now();
    }
    self->close();
}

std::size_t connection::waiting_answers() const noexcept {
    return sending_.size() + static_cast<std::size_t>(std::count_if(slots_.begin(), slots_.end(), [](const auto& each) { return each->done; }));
}

bool connection::may_start(bool produce) const noexcept {
    if (!produce) return slots_.empty();
    if (slots_.size() >= pipeline_limit) return false;
    return slots_.empty() || slots_.back()->produce;
}

task<void> connection::serve(std::shared_ptr<connection> self, std::shared_ptr<slot> where, request_buffer_ptr frame,
                             const api_entry* api, protocol::request_frame request) {
    request_context context{self->broker_, self->core_, self->state_, std::move(request), frame};
    request_faults::fate fate;
    if (self->broker_.faults) fate = self->broker_.faults->fate_of(api->key);
    try {
        if (context.request.unknown_version) {
            where->answer = answer_unknown_api_versions(context);
        } else if (fate.refusal != errc::none) {
            where->answer = fate.refusal == errc::network_exception ? reply::disconnect() : api->refuse(context, fate.refusal);
        } else {
            auto handling = api->handle(context);
            where->answer = co_await handling;
        }
    } catch (const std::exception& bug) {
        where->answer = reply::disconnect(std::string{"internal error: "} + bug.what());
    }
    if (fate.answer_is_lost) where->answer = reply::disconnect();
    if (fate.delay > nanoseconds{0}) {
        auto waiting = hold_back(self, fate.delay);
        co_await waiting;
    }
    if (where->answer.kind == reply::type::disconnect && !where->answer.why.empty())
        self->note_refusal(api->info().name, where->answer.why);
    where->times.decided = self->core_.loop.now();
    if (where->times.first_wait == time_point{}) where->times.first_wait = where->times.decided;
    where->done = true;
    frame.reset();
    self->send_ready();
}

// In small steps: a connection that ends meanwhile does not keep its request for long.
task<void> connection::hold_back(std::shared_ptr<connection> self, nanoseconds delay) {
    auto& loop = self->core_.loop;
    const auto until = loop.now() + delay;
    while (!self->closed_ && loop.now() < until) {
        const auto step = std::min<nanoseconds>(until - loop.now(), milliseconds{10});
        co_await pause_for(loop, step);
    }
}

void connection::count_sent(time_point now) {
    for (const auto& each : sending_) {
        if (!each->api) continue;
        core_.metrics.served(each->api->key, each->version, each->bytes, each->times, now);
        if (each->answer.kind == reply::type::answer) counters_.responses->add();
    }
    sending_.clear();
}

void connection::send_ready() {
    if (writing_ || closed_) return;
    std::vector<write_piece> pieces;
    while (!slots_.empty() && slots_.front()->done && !last_words_) {
        auto& answer = slots_.front()->answer;
        if (answer.kind == reply::type::disconnect) last_words_ = true;
        if (pieces.empty()) pieces = std::move(answer.pieces);
        else std::move(answer.pieces.begin(), answer.pieces.end(), std::back_inserter(pieces));
        sending_.push_back(std::move(slots_.front()));
        slots_.pop_front();
    }
    const bool moved = !sending_.empty();
    const auto now = moved ? core_.loop.now() : time_point{};
    for (const auto& each : sending_) each->times.sending = now;
    if (pieces.empty()) {
        count_sent(now);
        if (last_words_) close();
        else if (moved) wake_reader();
        return;
    }
    for (const auto& each : pieces) counters_.bytes_out->add(each.size());
    writing_ = true;
    peer_->write(std::move(pieces), [self = shared_from_this()](result<void> written) {
        self->writing_ = false;
        self->last_activity_ = self->core_.loop.now();
        self->count_sent(self->last_activity_);
        if (!written || self->last_words_) return self->close();
        self->send_ready();
        self->wake_reader();
    });
}

}  // namespace weir::server
