// The connection is lost at every byte of a handshake and of what follows.
#include "certificates.hpp"

#include <weir/base/sim/world.hpp>
#include <weir/net/tls.hpp>

#include <doctest/doctest.h>

#include <optional>

using namespace weir;
using namespace std::chrono_literals;

namespace {

/// Lets so many bytes through, both ways together, and then breaks or ends.
class cut_stream final : public stream {
public:
    cut_stream(event_loop& loop, std::unique_ptr<stream> inner, std::size_t most, bool ends) : loop_(loop), inner_(std::move(inner)), left_(most), ends_(ends) {}
    void read_some(mutable_bytes into, function<void(result<std::size_t>)> done) override {
        if (left_ == 0) {
            auto outcome = ends_ ? result<std::size_t>{std::size_t{0}} : result<std::size_t>{broken()};
            loop_.post([done = std::move(done), outcome = std::move(outcome)]() mutable { done(std::move(outcome)); });
            return;
        }
        inner_->read_some(into.first(std::min(into.size(), left_)), [this, done = std::move(done)](result<std::size_t> got) mutable {
            if (got) left_ -= std::min(left_, *got);
            done(std::move(got));
        });
    }
    void write(std::vector<write_piece> pieces, function<void(result<void>)> done) override {
        std::vector<write_piece> sent;
        for (auto& each : pieces) {
            each.memory = each.memory.first(std::min(each.memory.size(), left_));
            left_ -= each.memory.size();
            sent.push_back(each);
        }
        const bool cut = left_ == 0;
        inner_->write(std::move(sent), [this, cut, done = std::move(done)](result<void> written) mutable {
            if (cut) inner_->close();  // a read under way ends too
            done(cut ? result<void>{broken()} : std::move(written));
        });
    }
    void close() noexcept override { inner_->close(); }
    const endpoint& local() const noexcept override { return inner_->local(); }
    const endpoint& remote() const noexcept override { return inner_->remote(); }

private:
    static error broken() { return error{errc::network_exception, "cut"}; }
    event_loop& loop_;
    std::unique_ptr<stream> inner_;
    std::size_t left_;
    bool ends_;
};

struct pair_fixture {
    sim::world world{3};
    sim::node_id server = world.add_node("server"), desk = world.add_node("desk");
    test::authority ca;
    std::optional<net::tls_context> server_side, client_side;
    std::unique_ptr<listener> listening;
    std::unique_ptr<stream> far, near;
    bytes far_room = bytes(100), near_room = bytes(100), far_heard;

    pair_fixture() {
        const auto who = ca.issue({"server", {"server"}});
        tls_config theirs, ours;
        theirs.certificate_pem = who.certificate;
        theirs.key_pem = who.key;
        ours.ca_pem = ca.certificate();
        server_side.emplace(theirs, net::tls_side::server);
        client_side.emplace(ours);
        auto made = world.net(server).listen(world.loop(server), {"server", 9092}, {}, [this]() -> event_loop& { return world.loop(server); }, [this](std::unique_ptr<stream> one) {
            far_heard.clear();
            far = *server_side->wrap(world.loop(server), std::move(one), {"desk", 1});
            read_far();
        });
        listening = *std::move(made);
    }
    void read_far() {
        far->read_some(far_room, [this](result<std::size_t> got) {
            if (!got || *got == 0) return;
            far_heard.insert(far_heard.end(), far_room.begin(), far_room.begin() + static_cast<std::ptrdiff_t>(*got));
            std::vector<write_piece> pieces(1);
            pieces[0].memory = as_bytes("answer");
            far->write(std::move(pieces), [](const result<void>&) {});
            read_far();
        });
    }
};

}  // namespace

TEST_CASE_FIXTURE(pair_fixture, "wherever the connection is lost, both sides hear of it, and nothing wrong arrives") {
    bool ends = false;
    SUBCASE("it breaks") {}
    SUBCASE("it ends") { ends = true; }
    std::size_t whole = 0;
    for (std::size_t most = 0; whole == 0; ++most) {
        CAPTURE(most);
        bool over = false;
        result<std::size_t> outcome{errc::none};
        world.loop(desk).post([&] {
            world.net(desk).connect(world.loop(desk), {"server", 9092}, {}, 5s, [&](result<std::unique_ptr<stream>> made) {
                auto cut = std::make_unique<cut_stream>(world.loop(desk), *std::move(made), most, ends);
                near = *client_side->wrap(world.loop(desk), std::move(cut), {"server", 9092});
                std::vector<write_piece> pieces(1);
                pieces[0].memory = as_bytes("question");
                near->write(std::move(pieces), [](const result<void>&) {});
                near->read_some(near_room, [&](result<std::size_t> got) {
                    outcome = std::move(got);
                    over = true;
                });
            });
        });
        REQUIRE(world.run_until([&] { return over; }, 60s));
        if (outcome && *outcome > 0) {
            CHECK(as_text(bytes_view{near_room}.first(*outcome)) == "answer");
            whole = most;
        } else {
            REQUIRE_MESSAGE((outcome.code() == errc::network_exception || outcome.code() == errc::closed), outcome.error().message());
        }
        world.loop(desk).post([this] { near.reset(); });
        world.run_for(100ms);
        CHECK((far_heard.empty() || as_text(far_heard) == "question"));
        world.loop(server).post([this] { far.reset(); });
        world.run_for(100ms);
    }
    CHECK(whole > 1000);
}
