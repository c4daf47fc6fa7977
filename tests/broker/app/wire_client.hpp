// The smallest client: frames over a simulated connection, one call at a time or many.
#pragma once
#include <weir/base/sim/world.hpp>
#include <weir/protocol/frames.hpp>

#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace weir::broker::test {

using namespace std::chrono_literals;

class wire_client {
public:
    wire_client(sim::world& world, sim::node_id from, const endpoint& to) : world_(world), from_(from), link_(std::make_shared<link>()) {
        bool done = false;
        world_.net(from_).connect(world_.loop(from_), to, {}, 10s, [&done, link = link_](result<std::unique_ptr<stream>> made) {
            done = true;
            if (made) link->peer = *std::move(made);
        });
        world_.run_until([&] { return done; }, 20s);
        if (link_->peer) read(link_);
        else link_->closed = true;
    }

    ~wire_client() { hang_up(); }
    wire_client(const wire_client&) = delete;
    wire_client& operator=(const wire_client&) = delete;

    bool closed() const { return link_->closed; }
    void hang_up() {
        link_->closed = true;
        link_->peer.reset();
    }
    void send_raw(bytes content) {
        if (link_->closed) return;
        link_->outbox.push_back(std::move(content));
        write(link_);
    }
    /// The correlation id it went out with.
    template <class Request>
    std::int32_t send(const Request& request, std::int16_t version) {
        protocol::writer out;
        REQUIRE(protocol::encode_request_frame(request, version, ++correlation_, std::string{"test"}, out));
        auto frame = out.take_bytes();
        REQUIRE(frame);
        send_raw(*std::move(frame));
        return correlation_;
    }
    /// The next frame without its size; nullopt when none came in time or the connection ended.
    std::optional<bytes> next_frame(nanoseconds patience = 60s) {
        world_.run_until([&] { return !link_->frames.empty() || link_->closed; }, patience);
        if (link_->frames.empty()) return std::nullopt;
        auto frame = std::move(link_->frames.front());
        link_->frames.pop_front();
        return frame;
    }
    std::size_t waiting_frames() const { return link_->frames.size(); }
    /// The next answer, which must belong to the request `correlation`.
    template <class Request>
    std::optional<typename Request::response_type> receive(std::int32_t correlation, std::int16_t version, nanoseconds patience = 60s) {
        last_frame_ = next_frame(patience);
        if (!last_frame_) return std::nullopt;
        protocol::reader in{*last_frame_};
        const auto told = protocol::parse_response_header(in, protocol::api_key{Request::api_key}, version);
        REQUIRE(told);
        CHECK(*told == correlation);
        auto answer = protocol::decode<typename Request::response_type>(bytes_view{*last_frame_}.last(in.remaining()), version);
        REQUIRE_MESSAGE(answer, answer.error().message());
        return *std::move(answer);
    }
    template <class Request>
    typename Request::response_type call(const Request& request, std::int16_t version) {
        const auto id = send(request, version);
        auto answer = receive<Request>(id, version);
        REQUIRE_MESSAGE(answer, std::string{Request::message_name} << " was not answered");
        return *std::move(answer);
    }

private:
    struct link {
        std::unique_ptr<stream> peer;
        bytes chunk = bytes(64 << 10);
        bytes inbox;
        std::deque<bytes> frames;
        std::deque<bytes> outbox;
        bool writing = false;
        bool closed = false;
    };
    static void read(const std::shared_ptr<link>& self) {
        self->peer->read_some(self->chunk, [self](result<std::size_t> got) {
            if (!got || *got == 0 || self->closed) {
                self->closed = true;
                return;
            }
            self->inbox.insert(self->inbox.end(), self->chunk.begin(), self->chunk.begin() + static_cast<std::ptrdiff_t>(*got));
            for (;;) {
                if (self->inbox.size() < 4) break;
                const auto size = static_cast<std::size_t>(load_big_endian<std::int32_t>(self->inbox.data()));
                if (self->inbox.size() < 4 + size) break;
                self->frames.emplace_back(self->inbox.begin() + 4, self->inbox.begin() + 4 + static_cast<std::ptrdiff_t>(size));
                self->inbox.erase(self->inbox.begin(), self->inbox.begin() + 4 + static_cast<std::ptrdiff_t>(size));
            }
            read(self);
        });
    }
    static void write(const std::shared_ptr<link>& self) {
        if (self->writing || self->outbox.empty() || self->closed) return;
        self->writing = true;
        auto content = std::make_shared<bytes>(std::move(self->outbox.front()));
        self->outbox.pop_front();
        std::vector<write_piece> pieces(1);
        pieces[0].owner = content;
        pieces[0].memory = *content;
        self->peer->write(std::move(pieces), [self](result<void> written) {
            self->writing = false;
            if (!written) self->closed = true;
            write(self);
        });
    }

    sim::world& world_;
    sim::node_id from_;
    std::shared_ptr<link> link_;
    std::int32_t correlation_ = 0;
    std::optional<bytes> last_frame_;  // answers hold views into it
};

}  // namespace weir::broker::test
