#include <weir/net/connection.hpp>

#include "frame_buffer.hpp"
#include "listener_kind.hpp"

#include <weir/protocol/messages/api_versions.hpp>

#include <fmt/format.h>

namespace weir::net {
namespace {
// The first answer of a peer that may be anything: what a TLS or HTTP server says would read as hundreds of megabytes.
constexpr std::size_t first_answer_bytes = 1 << 20;
}  // namespace

connection::connection(event_loop& loop, std::unique_ptr<stream> peer, connection_config config)
    : loop_(loop),
      peer_(std::move(peer)),
      remote_(peer_->remote()),
      config_(std::move(config)),
      inbox_(std::make_shared<frame_buffer>(std::min(first_answer_bytes, config_.max_answer_bytes))),
      last_used_(loop.now()) {}

connection::~connection() {
    count_end();
    drop_pending();
}

task<result<std::shared_ptr<connection>>> connection::open(event_loop& loop, network& net, endpoint to, connection_config config,
                                                           function<void(const std::shared_ptr<connection>&)> begun) {
    auto connecting = completion<result<std::unique_ptr<stream>>>([&](function<void(result<std::unique_ptr<stream>>)> done) {
        net.connect(loop, to, config.socket, config.connect_timeout, std::move(done));
    });
    auto peer = co_await connecting;
    const bool encrypts = config.security && config.security->encrypts();
    if (peer && encrypts) peer = config.security->tls().wrap(loop, *std::move(peer), to);
    if (!peer) co_return peer.error();
    auto made = std::make_shared<connection>(loop, *std::move(peer), std::move(config));
    made->remote_ = to;  // the name it was asked for, which is what people know
    if (begun) begun(made);
    if (made->closed()) co_return error{errc::closed, fmt::format("connection to {} is closed", to_string(to))};
    made->read_on();
    auto negotiating = made->negotiate();
    if (auto agreed = co_await negotiating; !agreed) {
        made->close(agreed.error());
        if (agreed.error().code() != errc::network_exception || made->heard_) co_return agreed.error();
        auto finding_out = find_listener(loop, net, to, made->config_);
        const auto listener = co_await finding_out;
        co_return mismatch(to, encrypts, listener, agreed.error());
    }
    if (made->config_.security && made->config_.security->logs_in()) {
        auto logging_in = made->log_in();
        if (auto known = co_await logging_in; !known) {
            made->close(known.error());
            co_return known.error();
        }
    } else {
        made->net_ = &net;
    }
    made->inbox_->limit(made->config_.max_answer_bytes);
    made->usable_ = true;
    if (made->config_.traffic) made->config_.traffic->opened.add();
    co_return made;
}

// A broker that does not know our version of ApiVersions answers in version 0 and says which versions it has.
task<result<void>> connection::negotiate() {
    protocol::api_versions_request request;
    request.client_software_name = "weir";
    request.client_software_version = WEIR_VERSION;
    versions_ = {{static_cast<std::int16_t>(protocol::api_key::api_versions), 0, protocol::api_versions_request::max_version}};
    for (int attempt = 0;; ++attempt) {
        const auto version = version_of(protocol::api_key::api_versions, 0, protocol::api_versions_request::max_version);
        const auto correlation = next_correlation_++;
        auto pieces = protocol::encode_request_frame(request, version, correlation, config_.client_id);
        if (!pieces) co_return pieces.error();
        auto asking = completion<result<frame>>([&](function<void(result<frame>)> done) {
            send(protocol::api_key::api_versions, held{*std::move(pieces), {correlation, true, std::move(done)}}, config_.request_timeout);
        });
        const auto got = co_await asking;
        if (!got) co_return got.error();
        if (got->size < 6) co_return error{errc::malformed, fmt::format("{} answers ApiVersions with {} bytes", to_string(remote_), got->size)};
        const auto code = errc_from_wire(load_big_endian<std::int16_t>(got->data.get() + 4));
        protocol::reader in{got->view().subspan(4)};
        auto read = protocol::decode<protocol::api_versions_response>(in, code == errc::unsupported_version ? std::int16_t{0} : version);
        if (!read) co_return error{errc::malformed, fmt::format("{} does not answer like a Kafka broker", to_string(remote_)), read.error()};
        versions_.clear();
        for (const auto& each : read->api_keys) versions_.push_back({each.api_key, each.min_version, each.max_version});
        std::sort(versions_.begin(), versions_.end(), [](const versions& a, const versions& b) { return a.key < b.key; });
        features_.clear();
        for (auto& each : read->finalized_features) features_.emplace_back(std::move(each.name), each.max_version_level);
        if (code == errc::none) co_return result<void>{};
        if (code != errc::unsupported_version || attempt > 0) co_return error{code, fmt::format("{} refuses ApiVersions", to_string(remote_))};
    }
}

std::int16_t connection::version_of(protocol::api_key key, std::int16_t oldest, std::int16_t newest) const noexcept {
    const auto wanted = static_cast<std::int16_t>(key);
    const auto at = std::lower_bound(versions_.begin(), versions_.end(), wanted, [](const versions& row, std::int16_t k) { return row.key < k; });
    if (at == versions_.end() || at->key != wanted) return -1;
    const auto best = std::min(newest, at->newest);
    return best >= std::max(oldest, at->oldest) ? best : std::int16_t{-1};
}

std::int16_t connection::finalized(std::string_view feature) const noexcept {
    const auto at = std::find_if(features_.begin(), features_.end(), [&](const auto& each) { return each.first == feature; });
    return at == features_.end() ? std::int16_t{0} : at->second;
}

error connection::unsupported(protocol::api_key key) const {
    return error{errc::unsupported_version, fmt::format("{} has no version of {} that this client knows", to_string(remote_), protocol::info(key).name)};
}

task<result<raw_answer>> connection::exchange(protocol::api_key key, std::int16_t oldest, std::int16_t newest, request_framer request, milliseconds extra_time) {
    const auto self = shared_from_this();
    const auto version = version_of(key, oldest, newest);
    if (version < 0) co_return unsupported(key);
    const auto correlation = next_correlation_++;
    auto pieces = request(version, correlation, config_.client_id);
    if (!pieces) co_return pieces.error();
    auto asking = completion<result<frame>>([&](function<void(result<frame>)> done) {
        send(key, held{*std::move(pieces), {correlation, true, std::move(done)}}, config_.request_timeout + extra_time);
    });
    auto got = co_await asking;
    if (!got) co_return got.error();
    protocol::reader in{got->view()};
    if (auto header = protocol::parse_response_header(in, key, version); !header) co_return header.error();
    const auto body = got->size - in.remaining();
    raw_answer read{*std::move(got), version, body};
    co_return read;
}

// A broker that is being logged in to takes nothing else (KIP-368), and an idle connection has no reason to wake up for it.
void connection::send(protocol::api_key key, held what, milliseconds timeout) {
    if (closed_) {
        what.waiter.done(error{errc::network_exception, fmt::format("connection to {} is closed", to_string(remote_))});
        return;
    }
    what.waiter.deadline = loop_.call_after(timeout, [this, timeout, answered = what.waiter.answered] {
        const auto extra = timeout - config_.request_timeout;
        const auto of = extra > milliseconds::zero() ? fmt::format("request.timeout.ms, and {} ms that the request may wait there", extra.count()) : std::string{"request.timeout.ms"};
        close(error{errc::timed_out, fmt::format("{} did not {} within {} ms ({})", to_string(remote_), answered ? "answer" : "take a request", timeout.count(), of)});
    });
    const bool login = key == protocol::api_key::sasl_handshake || key == protocol::api_key::sasl_authenticate;
    if (login || (!logging_in_again_ && loop_.now() < login_due_)) return depart(std::move(what));
    last_used_ = loop_.now();
    held_.push_back(std::move(what));
    if (!std::exchange(logging_in_again_, true)) spawn(log_in_again(shared_from_this()));
}

void connection::depart(held what) {
    what.waiter.sent = last_used_ = loop_.now();
    (what.waiter.answered ? waiting_ : unwritten_).push_back(std::move(what.waiter));
    if (auto* counted = config_.traffic.get()) {
        std::size_t size = 0;
        for (const auto& piece : what.pieces) size += piece.size();
        counted->requests.add();
        counted->bytes_out.add(size);
    }
    if (outbox_.empty()) outbox_ = std::move(what.pieces);
    else std::move(what.pieces.begin(), what.pieces.end(), std::back_inserter(outbox_));
    if (!writing_) write_on();
}

void connection::write_on() {
    if (closed_ || outbox_.empty()) return;
    writing_ = true;
    peer_->write(std::exchange(outbox_, {}), [self = shared_from_this(), told = unwritten_.size()](result<void> outcome) {
        self->writing_ = false;
        if (!outcome) self->close(outcome.error());
        else self->written(told);
    });
}

// `told`: how many of the requests without an answer have left.
void connection::written(std::size_t told) {
    if (closed_) return;
    last_used_ = loop_.now();
    const auto last = unwritten_.begin() + static_cast<std::ptrdiff_t>(told);
    std::vector<pending> over{std::make_move_iterator(unwritten_.begin()), std::make_move_iterator(last)};
    unwritten_.erase(unwritten_.begin(), last);
    write_on();
    for (auto& each : over) {
        loop_.cancel(each.deadline);
        each.done(frame{});
    }
}

void connection::read_on() {
    if (closed_) return;
    /// A loop that has ended drops this without running it: no answer comes any more. Who waits for one owns this connection.
    struct reader {
        std::shared_ptr<connection> of;
        explicit reader(std::shared_ptr<connection> who) noexcept : of(std::move(who)) {}
        reader(reader&&) noexcept = default;
        reader& operator=(reader&&) = delete;
        ~reader() {
            if (of) of->drop_pending();
        }
    };
    peer_->read_some(inbox_->room(), [mine = reader{shared_from_this()}](result<std::size_t> got) mutable {
        const auto self = std::exchange(mine.of, nullptr);
        if (self->closed_) return;
        if (!got) return self->close(got.error());
        if (*got == 0) {
            if (self->net_ && !self->waiting_.empty()) return spawn(find_out_why(self));
            return self->close(error{errc::network_exception, fmt::format("{} closed the connection", to_string(self->remote_))});
        }
        self->heard_ = true;
        if (self->config_.traffic) self->config_.traffic->bytes_in.add(*got);
        self->inbox_->filled(*got);
        for (;;) {
            auto whole = self->inbox_->next();
            if (!whole) return self->close(error{whole.error().code(), fmt::format("{}: {}", to_string(self->remote_), whole.error().what())});
            if (!*whole) break;
            self->arrived(**std::move(whole));
            if (self->closed_) return;
        }
        self->read_on();
    });
}

void connection::arrived(frame whole) {
    const auto correlation = load_big_endian<std::int32_t>(whole.data.get());
    if (waiting_.empty() || waiting_.front().correlation != correlation) {
        return close(error{errc::malformed, fmt::format("{} sent an answer with correlation id {}, which nobody waits for", to_string(remote_), correlation)});
    }
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    loop_.cancel(next.deadline);
    net_ = nullptr;
    last_used_ = loop_.now();
    if (auto* counted = config_.traffic.get()) {
        counted->answers.add();
        counted->latency.record(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(last_used_ - next.sent).count()));
    }
    next.done(std::move(whole));
}

void connection::count_end() {
    if (std::exchange(usable_, false) && config_.traffic) config_.traffic->closed.add();
}

// Who waits is not told: its loop has ended.
void connection::drop_pending() noexcept {
    const auto unanswered = std::exchange(waiting_, {});
    const auto untaken = std::exchange(unwritten_, {});
    const auto unsent = std::exchange(held_, {});
    for (const auto& each : unanswered) loop_.cancel(each.deadline);
    for (const auto& each : untaken) loop_.cancel(each.deadline);
    for (const auto& each : unsent) loop_.cancel(each.waiter.deadline);
}

void connection::close(const error& why) {
    if (std::exchange(closed_, true)) return;
    count_end();
    const auto self = shared_from_this();
    const auto dropped = std::move(peer_);  // ends what is pending on it, and with that the cycle of its callbacks and this
    outbox_.clear();
    auto failed = std::exchange(waiting_, {});
    std::ranges::move(std::exchange(unwritten_, {}), std::back_inserter(failed));
    for (auto& each : std::exchange(held_, {})) failed.push_back(std::move(each.waiter));
    for (auto& each : failed) {
        loop_.cancel(each.deadline);
        each.done(why);
    }
}

}  // namespace weir::net
