// One client connection: frames in, answers out in the order of the requests.
#pragma once
#include "api.hpp"
#include "request_memory.hpp"

#include <weir/base/network.hpp>
#include <weir/base/task.hpp>

#include <deque>
#include <memory>
#include <vector>

namespace weir::server {

/// Lives on one event loop until its peer leaves, it is idle for too long, sends what cannot be understood, or the server
/// stops. Requests are decoded in order; an answer leaves when all earlier ones have. Produce requests overlap (each
/// partition's core takes their appends in order); every other request waits for those before it, as in Kafka.
class connection : public std::enable_shared_from_this<connection> {
public:
    connection(services& broker, core_context& core, std::unique_ptr<stream> peer, const listener_info& listener);
    ~connection();

    /// `on_closed` runs once, when nothing more will be read or written.
    void start(function<void(connection&)> on_closed);
    void close() noexcept;
    const endpoint& remote() const noexcept { return state_.remote; }
    const listener_info& on() const noexcept { return *state_.listener; }
    time_point last_activity() const noexcept { return last_activity_; }
    /// No request is being answered.
    bool idle() const noexcept { return slots_.empty() && sending_.empty(); }
    /// Of a process that was killed: a reader that waits for its turn keeps this connection, which keeps the reader.
    void abandon() noexcept { const auto gone = std::move(reader_waits_); }

    /// Requests that wait for earlier ones to be answered, and answers that are not out yet.
    std::size_t waiting_requests() const noexcept { return reader_waits_ ? 1 : 0; }
    std::size_t waiting_answers() const noexcept;

private:
    struct slot {
        reply answer;
        bool done = false;
        bool produce = false;
        const api_entry* api = nullptr;  // nullptr: no request but the end of the connection
        std::int16_t version = 0;
        std::uint64_t bytes = 0;
        request_times times;
    };
    static task<void> run(std::shared_ptr<connection> self);
    static task<bool> fill_inbox(std::shared_ptr<connection> self, std::size_t wanted);
    static task<bool> read_body(std::shared_ptr<connection> self, mutable_bytes into);
    static task<void> serve(std::shared_ptr<connection> self, std::shared_ptr<slot> where, request_buffer_ptr frame,
                            const api_entry* api, protocol::request_frame request);

    static task<void> hold_back(std::shared_ptr<connection> self, nanoseconds delay);

    bool may_start(bool produce) const noexcept;
    void wake_reader();
    void send_ready();
    void count_sent(time_point now);
    /// One log line with address, API and reason; the connection ends once earlier answers are out.
    void refuse(std::string_view api, std::string_view why);
    void note_refusal(std::string_view api, std::string_view why);
    void watch_idle();
    std::size_t buffered() const noexcept { return filled_ - taken_; }

    services& broker_;
    core_context& core_;
    std::unique_ptr<stream> peer_;
    function<void(connection&)> on_closed_;
    connection_state state_;
    listener_counters& counters_;

    std::vector<std::byte> inbox_;  // bytes read and not yet taken: [taken_, filled_)
    std::size_t taken_ = 0;
    std::size_t filled_ = 0;
    std::deque<std::shared_ptr<slot>> slots_;
    std::vector<std::shared_ptr<slot>> sending_;  // their answers are being written
    function<void(bool)> reader_waits_;  // for room, or for earlier requests
    bool writing_ = false;
    bool last_words_ = false;  // close once what is being written is out
    bool closed_ = false;
    time_point last_activity_;
    timer_id idle_ = timer_id::none;
};

}  // namespace weir::server
