// One connection to one broker.
#pragma once
#include <weir/base/network.hpp>
#include <weir/base/task.hpp>
#include <weir/net/credentials.hpp>
#include <weir/net/frame.hpp>
#include <weir/net/traffic.hpp>
#include <weir/protocol/frames.hpp>

#include <algorithm>
#include <deque>
#include <string>

namespace weir::net {

struct connection_config {
    std::string client_id;
    socket_options socket;
    milliseconds connect_timeout{10'000};  ///< for the socket
    milliseconds request_timeout{30'000};  ///< for an answer, from when the request was given; longer when call() says so
    std::size_t max_answer_bytes = std::size_t{1} << 30;
    std::shared_ptr<credentials> security{};  ///< nullptr: neither TLS nor SASL
    std::shared_ptr<net::traffic> traffic{};  ///< nullptr: nobody counts
};

/// A decoded answer. Its `records` fields are views into the frame it keeps.
template <class Message>
struct answer {
    Message message;
    frame source;
};

/// An answer that is not decoded yet.
struct raw_answer {
    frame source;
    std::int16_t version = -1;
    std::size_t body = 0;  ///< where the message begins
};

/// Makes the whole frame of a request in a version, with a correlation id, of a client's name.
using request_framer = function<result<std::vector<write_piece>>(std::int16_t, std::int32_t, const std::string&)>;
template <class Request>
request_framer framer_of(const Request& request) {
    return [&request](std::int16_t version, std::int32_t correlation, const std::string& client) { return protocol::encode_request_frame(request, version, correlation, client); };
}

/// Frames, correlation ids and negotiated versions over one stream. Lives on one loop: every call and every callback is
/// there. Calls may overlap; answers come back in call order. It never retries. When the broker limits how long a login
/// lasts (KIP-368), the first call after most of that time logs in again before it; calls under way are not disturbed.
class connection : public std::enable_shared_from_this<connection> {
public:
    /// Connects, in TLS where that is wanted, asks which versions the broker has (KIP-35, KIP-511), and logs in (KIP-43,
    /// KIP-152). errc::refused, errc::timed_out, errc::io_error or errc::network_exception name the endpoint;
    /// errc::tls_failed, errc::sasl_authentication_failed and errc::unsupported_sasl_mechanism are for the user to solve;
    /// errc::malformed when the peer does not speak Kafka's protocol.
    /// `begun` gets the connection while it still negotiates: whoever ends before that is over closes it.
    static task<result<std::shared_ptr<connection>>> open(event_loop& loop, network& net, endpoint to, connection_config config,
                                                          function<void(const std::shared_ptr<connection>&)> begun);
    connection(event_loop& loop, std::unique_ptr<stream> peer, connection_config config);
    ~connection();

    /// Sends the request in the newest version both sides know, at most `newest`, and decodes its answer. `request` stays
    /// valid until the answer is there. errc::unsupported_version: the broker lacks the API; errc::network_exception: the
    /// connection broke, the request may or may not have been carried out; errc::timed_out: likewise, nothing came in time.
    template <class Request>
    task<result<answer<typename Request::response_type>>> call(const Request& request, std::int16_t newest = Request::max_version,
                                                               milliseconds extra_time = {});
    /// call() without the types, for who has requests of many kinds.
    task<result<raw_answer>> exchange(protocol::api_key key, std::int16_t oldest, std::int16_t newest, request_framer request, milliseconds extra_time = {});
    /// Decodes it. A connection whose answers do not decode is closed.
    template <class Message>
    result<Message> read(const raw_answer& from) {
        protocol::reader in{from.source.view().subspan(from.body)};
        auto message = protocol::decode<Message>(in, from.version);
        if (!message) close(message.error());
        return message;
    }
    /// Sends a request that the broker does not answer (Produce with acks=0). Ends when the stream has taken all of it, so
    /// that a peer who reads slower than we send slows us down. `request` stays valid until then; errors are those of call().
    template <class Request>
    task<result<void>> tell(const Request& request, std::int16_t newest = Request::max_version);

    /// The newest version both sides know, at most `newest`; below 0 when there is none.
    std::int16_t version_of(protocol::api_key key, std::int16_t oldest, std::int16_t newest) const noexcept;
    /// The level of a feature that the cluster had finalized when this connection was made (KIP-584); 0: none.
    std::int16_t finalized(std::string_view feature) const noexcept;
    const endpoint& remote() const noexcept { return remote_; }
    bool closed() const noexcept { return closed_; }
    std::size_t in_flight() const noexcept { return waiting_.size(); }
    /// Since when nothing was sent or came; time_point::max() while a call is under way.
    time_point idle_since() const noexcept { return waiting_.empty() && held_.empty() && !writing_ ? last_used_ : time_point::max(); }
    /// Fails what is in flight with `why`.
    void close(const error& why);

private:
    /// A request that is not over: until its answer is there, or only until it is written, which gives an empty frame.
    struct pending {
        std::int32_t correlation = 0;
        bool answered = true;
        function<void(result<frame>)> done;
        timer_id deadline = timer_id::none;
        time_point sent{};
    };
    /// One that has not begun to leave; it waits while the connection logs in again.
    struct held {
        std::vector<write_piece> pieces;
        pending waiter;
    };
    struct versions {
        std::int16_t key, oldest, newest;
    };
    task<result<void>> negotiate();
    task<result<void>> log_in();
    static task<void> log_in_again(std::shared_ptr<connection> self);
    static task<void> find_out_why(std::shared_ptr<connection> self);
    error refused(errc code, std::string_view why) const;
    void send(protocol::api_key key, held what, milliseconds timeout);
    void depart(held what);
    void write_on();
    void written(std::size_t told);
    void read_on();
    void arrived(frame whole);
    error unsupported(protocol::api_key key) const;
    void count_end();
    void drop_pending() noexcept;

    event_loop& loop_;
    std::unique_ptr<stream> peer_;
    endpoint remote_;
    connection_config config_;
    std::shared_ptr<class frame_buffer> inbox_;
    std::vector<versions> versions_;
    std::vector<std::pair<std::string, std::int16_t>> features_;
    std::deque<pending> waiting_;
    std::vector<write_piece> outbox_;
    std::deque<pending> unwritten_;  // those without an answer, in the outbox or in the write under way
    std::int32_t next_correlation_ = 0;
    time_point login_due_ = time_point::max();  // when the next request logs in again first
    std::deque<held> held_;
    bool logging_in_again_ = false;
    network* net_ = nullptr;  // to find out why the broker goes at the first request; nullptr: it did not, or nobody asks
    bool heard_ = false;      // any byte at all
    bool writing_ = false;
    bool closed_ = false;
    bool usable_ = false;
    time_point last_used_;
};

template <class Request>
task<result<answer<typename Request::response_type>>> connection::call(const Request& request, std::int16_t newest, milliseconds extra_time) {
    using message_type = typename Request::response_type;
    const auto self = shared_from_this();
    auto asking = exchange(Request::api_key, Request::min_version, newest, framer_of(request), extra_time);
    auto got = co_await asking;
    if (!got) co_return got.error();
    auto message = read<message_type>(*got);
    if (!message) co_return message.error();
    answer<message_type> whole{*std::move(message), std::move(got->source)};
    co_return whole;
}

template <class Request>
task<result<void>> connection::tell(const Request& request, std::int16_t newest) {
    const auto self = shared_from_this();
    const auto version = version_of(Request::api_key, Request::min_version, newest);
    if (version < 0) co_return unsupported(Request::api_key);
    const auto correlation = next_correlation_++;
    auto pieces = protocol::encode_request_frame(request, version, correlation, config_.client_id);
    if (!pieces) co_return pieces.error();
    auto leaving = completion<result<frame>>([&](function<void(result<frame>)> done) {
        send(Request::api_key, held{*std::move(pieces), {correlation, false, std::move(done)}}, config_.request_timeout);
    });
    const auto left = co_await leaving;
    co_return left ? result<void>{} : left.error();
}

}  // namespace weir::net
