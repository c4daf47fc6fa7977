// Logging in, and logging in again, with a broker that is strict about the order of things.
#include "certificates.hpp"

#include <weir/base/sim/world.hpp>
#include <weir/net/connection.hpp>
#include <weir/protocol/messages/api_versions.hpp>
#include <weir/protocol/messages/metadata.hpp>
#include <weir/protocol/messages/sasl_authenticate.hpp>
#include <weir/protocol/messages/sasl_handshake.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <optional>

using namespace weir;
using namespace std::chrono_literals;
using net::connection;

namespace {

/// Answers in order, one request after the other, as brokers do. After a SaslHandshake only SaslAuthenticate is allowed;
/// before the first login, and after one is over, nothing but a login.
class strict_broker {
public:
    strict_broker(event_loop& loop, std::unique_ptr<stream> peer, std::string password, milliseconds lifetime, nanoseconds think)
        : loop_(loop), peer_(std::move(peer)), password_(std::move(password)), lifetime_(lifetime), think_(think) {}
    void read() {
        peer_->read_some(room_, [this](result<std::size_t> got) {
            if (!got || *got == 0) return peer_->close();
            inbox_.insert(inbox_.end(), room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(*got));
            work();
            read();
        });
    }
    int logins = 0;
    int answered = 0;
    bool broken_off = false;
    bool offers_sasl = true;
    bool sasl_listener = true;
    std::vector<std::string> mechanisms{"PLAIN", "SCRAM-SHA-256"};
    /// For how long who says this may stay, 0: for ever; nullopt: not at all. None: alice with her password, for `lifetime`.
    std::function<std::optional<milliseconds>(std::string_view)> judge;

private:
    void work() {
        if (busy_ || inbox_.size() < 4) return;
        const auto size = static_cast<std::size_t>(load_big_endian<std::int32_t>(inbox_.data()));
        if (size > 1 << 20) return end();
        if (inbox_.size() < 4 + size) return;
        const bytes frame(inbox_.begin() + 4, inbox_.begin() + 4 + static_cast<std::ptrdiff_t>(size));
        inbox_.erase(inbox_.begin(), inbox_.begin() + 4 + static_cast<std::ptrdiff_t>(size));
        auto request = protocol::parse_request_frame(frame);
        REQUIRE(request);
        busy_ = true;
        loop_.call_after(think_, [this, frame, request = *request] { answer(frame, request); });
    }
    void end() {
        broken_off = true;
        peer_->close();
    }
    template <class Message>
    void reply(const Message& message, const protocol::request_frame& to) {
        protocol::writer out;
        REQUIRE(protocol::encode_response_frame(message, to.version, to.correlation_id, out));
        const auto kept = std::make_shared<bytes>(*out.take_bytes());
        std::vector<write_piece> pieces(1);
        pieces[0].memory = *kept;
        pieces[0].owner = kept;
        peer_->write(std::move(pieces), [this](const result<void>&) {
            busy_ = false;
            work();
        });
    }
    void answer(const bytes& frame, const protocol::request_frame& request) {
        protocol::reader in{bytes_view{frame}.subspan(static_cast<std::size_t>(request.body.data() ? frame.size() - request.body.size() : 0))};
        const auto key = request.api->key;
        if (key == protocol::api_key::api_versions) {
            protocol::api_versions_response response;
            for (const auto& [api, low, high] : {std::array<int, 3>{18, 0, 4}, {3, 0, 12}, {17, 0, 1}, {36, 0, 2}}) {
                if (!offers_sasl && (api == 17 || api == 36)) continue;
                auto& row = response.api_keys.emplace_back();
                row.api_key = static_cast<std::int16_t>(api);
                row.min_version = static_cast<std::int16_t>(low);
                row.max_version = static_cast<std::int16_t>(high);
            }
            return reply(response, request);
        }
        if (key == protocol::api_key::sasl_handshake) {
            const auto asked = protocol::decode<protocol::sasl_handshake_request>(in, request.version);
            REQUIRE(asked);
            protocol::sasl_handshake_response response;
            response.mechanisms = mechanisms;
            const bool known = std::find(mechanisms.begin(), mechanisms.end(), asked->mechanism) != mechanisms.end();
            response.error_code = static_cast<std::int16_t>(!sasl_listener ? errc::illegal_sasl_state : known ? errc::none : errc::unsupported_sasl_mechanism);
            if (sasl_listener && known) shaken_ = true;
            return reply(response, request);
        }
        if (key == protocol::api_key::sasl_authenticate) {
            const auto asked = protocol::decode<protocol::sasl_authenticate_request>(in, request.version);
            REQUIRE(asked);
            if (!std::exchange(shaken_, false)) return end();
            protocol::sasl_authenticate_response response;
            const auto said = as_text(asked->auth_bytes);
            const bool right = said == std::string{"\0alice\0", 7} + password_;
            if (const auto lifetime = judge ? judge(said) : right ? std::optional{lifetime_} : std::nullopt) {
                ++logins;
                response.session_lifetime_ms = lifetime->count();
                until_ = *lifetime > 0ms ? loop_.now() + *lifetime : time_point::max();
            } else {
                response.error_code = static_cast<std::int16_t>(errc::sasl_authentication_failed);
                response.error_message = "Authentication failed: Invalid username or password";
            }
            return reply(response, request);
        }
        if (sasl_listener && (shaken_ || loop_.now() >= until_)) return end();
        ++answered;
        reply(protocol::metadata_response{}, request);
    }

    event_loop& loop_;
    std::unique_ptr<stream> peer_;
    const std::string password_;
    const milliseconds lifetime_;
    const nanoseconds think_;
    bytes room_ = bytes(4096), inbox_;
    bool busy_ = false;
    bool shaken_ = false;
    time_point until_{};
};

struct login_fixture {
    sim::world world{11};
    sim::node_id server = world.add_node("server"), desk = world.add_node("desk");
    std::unique_ptr<listener> listening;
    std::vector<std::unique_ptr<strict_broker>> sessions;
    std::shared_ptr<net::tls_context> server_tls;
    std::string password = "s3cret";
    milliseconds lifetime{0};
    nanoseconds think{0};
    std::function<void(strict_broker&)> adjust;
    std::shared_ptr<net::credentials> security;
    std::shared_ptr<net::traffic> counted = std::make_shared<net::traffic>();
    std::shared_ptr<connection> link;
    error failure;

    login_fixture() {
        auto made = world.net(server).listen(world.loop(server), {"server", 9092}, {}, [this]() -> event_loop& { return world.loop(server); }, [this](std::unique_ptr<stream> one) {
            if (server_tls) one = *server_tls->wrap(world.loop(server), std::move(one), {"desk", 1});
            auto& fresh = sessions.emplace_back(std::make_unique<strict_broker>(world.loop(server), std::move(one), password, lifetime, think));
            if (adjust) adjust(*fresh);
            fresh->read();
        });
        REQUIRE(made);
        listening = *std::move(made);
    }
    ~login_fixture() {
        if (link) link->close(error{errc::closed, "over"});
        if (security) security->close();
        world.run_for(1s);
    }
    static sasl_config alice(std::string password, sasl_mechanism mechanism = sasl_mechanism::plain) {
        sasl_config config;
        config.mechanism = mechanism;
        config.user = "alice";
        config.password = std::move(password);
        return config;
    }
    static task<void> run_open(login_fixture& at, bool& done) {
        net::connection_config config;
        config.request_timeout = 30s;
        config.security = at.security;
        config.traffic = at.counted;
        endpoint where{"server", 9092};
        auto opening = connection::open(at.world.loop(at.desk), at.world.net(at.desk), where, config, {});
        auto opened = co_await opening;
        if (opened) at.link = *opened;
        else at.failure = opened.error();
        done = true;
    }
    void open(tls_config tls, sasl_config sasl) {
        CHECK_FALSE(check(tls, sasl));
        security = std::make_shared<net::credentials>(world.loop(desk), world.net(desk), std::move(tls), std::move(sasl), [](function<void()> step) { step(); }, 5);
        open_again();
    }
    void open_again() {
        bool done = false;
        world.loop(desk).post([&] { spawn(run_open(*this, done)); });
        REQUIRE(world.run_until([&] { return done; }, 60s));
    }
    struct outcomes {
        int good = 0, bad = 0;
        error last;
    };
    static task<void> run_call(std::shared_ptr<connection> link, outcomes& all) {
        protocol::metadata_request request;
        auto calling = link->call(request);
        auto got = co_await calling;
        if (got) ++all.good;
        else ++all.bad, all.last = got.error();
    }
    void call(outcomes& all) {
        world.loop(desk).post([this, &all] { spawn(run_call(link, all)); });
    }
    bool says(std::string_view part) const { return failure.message().find(part) != std::string::npos; }
};

}  // namespace

TEST_CASE_FIXTURE(login_fixture, "a login comes before everything else, over TLS too") {
    tls_config tls;
    SUBCASE("plain") {}
    SUBCASE("encrypted") {
        const test::authority ca;
        const auto who = ca.issue({"server", {"server"}});
        tls_config theirs;
        theirs.certificate_pem = who.certificate;
        theirs.key_pem = who.key;
        server_tls = std::make_shared<net::tls_context>(theirs, net::tls_side::server);
        tls.enabled = true;
        tls.ca_pem = ca.certificate();
    }
    open(tls, alice("s3cret"));
    REQUIRE_MESSAGE(link, failure.message());
    outcomes all;
    for (int i = 0; i < 10; ++i) call(all);
    REQUIRE(world.run_until([&] { return all.good + all.bad == 10; }, 60s));
    CHECK(all.bad == 0);
    CHECK(sessions[0]->logins == 1);
}

TEST_CASE_FIXTURE(login_fixture, "a login that fails names mechanism, broker, user and reason, never the password") {
    SUBCASE("a wrong password") {
        open({}, alice("wr0ng"));
        CHECK(failure.code() == errc::sasl_authentication_failed);
        CHECK(says("PLAIN: server:9092 refuses user 'alice': Authentication failed: Invalid username or password; see sasl.jaas.config"));
    }
    SUBCASE("a mechanism that is not enabled") {
        open({}, alice("wr0ng", sasl_mechanism::scram_sha_512));
        CHECK(failure.code() == errc::unsupported_sasl_mechanism);
        CHECK(says("the mechanism is not enabled there; enabled are: PLAIN, SCRAM-SHA-256"));
    }
    SUBCASE("a listener without SASL") {
        adjust = [](strict_broker& each) { each.sasl_listener = false; };
        open({}, alice("wr0ng"));
        CHECK(failure.code() == errc::unsupported_sasl_mechanism);
        CHECK(says("this listener does not do SASL"));
    }
    SUBCASE("a broker without SASL") {
        adjust = [](strict_broker& each) { each.offers_sasl = false; };
        open({}, alice("wr0ng"));
        CHECK(failure.code() == errc::unsupported_sasl_mechanism);
    }
    CHECK(failure.permanent());
    CHECK_FALSE(says("wr0ng"));
    CHECK_FALSE(link);
}

TEST_CASE_FIXTURE(login_fixture, "sides that differ in TLS or SASL find out") {
    SUBCASE("TLS to a plain listener") {
        tls_config tls;
        tls.enabled = true;
        open(tls, {});
        CHECK(failure.code() == errc::tls_failed);
        CHECK(says("server:9092 speaks Kafka's protocol without TLS"));
    }
    SUBCASE("plain to a TLS listener") {
        const test::authority ca;
        const auto who = ca.issue({"server", {"server"}});
        tls_config theirs;
        theirs.certificate_pem = who.certificate;
        theirs.key_pem = who.key;
        server_tls = std::make_shared<net::tls_context>(theirs, net::tls_side::server);
        open_again();
        CHECK(failure.code() == errc::tls_failed);
        CHECK(says("security.protocol=SSL or SASL_SSL"));
    }
    SUBCASE("no login where one is wanted") {
        open_again();
        REQUIRE(link);
        outcomes all;
        call(all);
        REQUIRE(world.run_until([&] { return all.bad == 1; }, 60s));
        CHECK(all.last.code() == errc::sasl_authentication_failed);
        CHECK(all.last.message().find("one of its mechanisms: PLAIN, SCRAM-SHA-256") != std::string::npos);
    }
}

TEST_CASE_FIXTURE(login_fixture, "logging in again disturbs no call, and happens only when there are calls (KIP-368)") {
    lifetime = 10s;
    think = 700ms;  // calls are under way when it is time
    open({}, alice("s3cret"));
    REQUIRE_MESSAGE(link, failure.message());
    outcomes all;
    for (int i = 0; i < 60; ++i) {
        call(all);
        call(all);
        world.run_for(1600ms);
    }
    REQUIRE(world.run_until([&] { return all.good + all.bad == 120; }, 60s));
    CHECK_MESSAGE(all.bad == 0, all.last.message());
    CHECK(sessions.size() == 1);
    CHECK_FALSE(sessions[0]->broken_off);
    CHECK(counted->requests.value() == counted->answers.value());  // those that waited for a login, too
    CHECK(counted->latency.quantile(1) < 10'000'000);
    const auto before = sessions[0]->logins;
    CHECK(before >= 9);
    CHECK(before <= 13);
    world.run_for(3600s);  // long after the login is over
    CHECK(sessions[0]->logins == before);
    call(all);
    REQUIRE(world.run_until([&] { return all.good + all.bad == 121; }, 60s));
    CHECK_MESSAGE(all.bad == 0, all.last.message());
    CHECK(sessions[0]->logins == before + 1);
}

TEST_CASE_FIXTURE(login_fixture, "a token of the user's own may come late, and after the end of the client") {
    function<void(result<oauth_token>)> answer;
    sasl_config sasl;
    sasl.mechanism = sasl_mechanism::oauth_bearer;
    sasl.oauth.fetch = [&](function<void(result<oauth_token>)> one) { answer = std::move(one); };
    security = std::make_shared<net::credentials>(world.loop(desk), world.net(desk), tls_config{}, std::move(sasl), [](function<void()> step) { step(); }, 5);
    bool done = false;
    world.loop(desk).post([&] { spawn(run_open(*this, done)); });
    REQUIRE(world.run_until([&] { return static_cast<bool>(answer); }, 60s));
    SUBCASE("late") {
        world.run_for(3s);
        answer(oauth_token{"abc", no_timestamp});
        REQUIRE(world.run_until([&] { return done; }, 60s));
        CHECK(failure.code() == errc::unsupported_sasl_mechanism);  // this broker has no OAUTHBEARER
    }
    SUBCASE("after the end") {
        security->close();
        REQUIRE(world.run_until([&] { return done; }, 60s));
        CHECK(failure.code() == errc::closed);
        answer(oauth_token{"abc", no_timestamp});
        world.run_for(1s);
    }
}

namespace {

/// Tokens "t1", "t2", ... that live for ten minutes each, and a broker that lets nobody stay for longer than his token.
struct token_fixture : login_fixture {
    static constexpr auto life = 600s;

    token_fixture() {
        adjust = [this](strict_broker& each) {
            each.mechanisms = {"OAUTHBEARER"};
            each.judge = [this](std::string_view said) { return session_of(said); };
        };
    }
    std::optional<milliseconds> session_of(std::string_view said) {
        const std::string prefix = "n,,\1auth=Bearer t";
        if (!said.starts_with(prefix) || refuses) return std::nullopt;
        used.push_back(std::stoul(std::string{said.substr(prefix.size())}));
        const auto left = std::chrono::duration_cast<milliseconds>(given.at(used.back() - 1) + life - world.now());
        CHECK(used.back() == given.size());  // the newest there is
        return left > 0ms ? std::optional{left} : std::nullopt;
    }
    void open() {
        sasl_config sasl;
        sasl.mechanism = sasl_mechanism::oauth_bearer;
        sasl.oauth.fetch = [this](function<void(result<oauth_token>)> answer) {
            given.push_back(world.now());
            answer(oauth_token{"t" + std::to_string(given.size()), world.loop(desk).wall_now() + std::chrono::milliseconds{life}.count()});
        };
        login_fixture::open({}, std::move(sasl));
        REQUIRE_MESSAGE(link, failure.message());
    }
    std::vector<time_point> given;  ///< when each was fetched
    std::vector<std::size_t> used;  ///< the number of each login's token
    bool refuses = false;
    outcomes all;
};

}  // namespace

TEST_CASE_FIXTURE(token_fixture, "tokens are renewed by a timer, and each login has the newest, though no call waits for one") {
    open();
    constexpr int calls = 720;
    for (int i = 0; i < calls; ++i) {
        call(all);
        world.run_for(10s);
    }
    CHECK(all.good == calls);
    CHECK_MESSAGE(all.bad == 0, all.last.message());
    CHECK(sessions.size() == 1);
    CHECK_FALSE(sessions[0]->broken_off);
    // Between 80 and 85 % of ten minutes apart, for two hours.
    CHECK(given.size() >= 14);
    CHECK(given.size() <= 16);
    for (std::size_t i = 1; i < given.size(); ++i) {
        CHECK(given[i] - given[i - 1] >= 480s);
        CHECK(given[i] - given[i - 1] <= 511s);
    }
    // A login lasts for as long as its token, and another follows at 90 % of that; its token may be minutes old by then.
    const auto logins = used.size();
    CHECK(logins >= given.size() - 1);
    CHECK(std::is_sorted(used.begin(), used.end()));

    // Who says nothing logs in no more, and yet has a good token when he speaks again.
    world.run_for(3600s);
    CHECK(used.size() == logins);
    call(all);
    REQUIRE(world.run_until([&] { return all.good + all.bad == calls + 1; }, 60s));
    CHECK_MESSAGE(all.bad == 0, all.last.message());
    CHECK(used.size() == logins + 1);
    CHECK(sessions.size() == 1);
}

TEST_CASE_FIXTURE(token_fixture, "a renewed token that the broker refuses ends the calls, and says so") {
    open();
    world.run_for(540s);
    refuses = true;
    call(all);
    call(all);
    REQUIRE(world.run_until([&] { return all.good + all.bad == 2; }, 60s));
    CHECK(all.bad == 2);
    CHECK(all.last.code() == errc::sasl_authentication_failed);
    CHECK(all.last.message().find("OAUTHBEARER: server:9092 refuses the bearer of the token") != std::string::npos);
    CHECK(link->closed());
}

TEST_CASE_FIXTURE(login_fixture, "when logging in again fails, every call ends and says why") {
    lifetime = 10s;
    open({}, alice("s3cret"));
    REQUIRE(link);
    sessions[0]->mechanisms = {"SCRAM-SHA-512"};
    world.run_for(9s);
    outcomes all;
    call(all);
    call(all);
    REQUIRE(world.run_until([&] { return all.good + all.bad == 2; }, 60s));
    CHECK(all.bad == 2);
    CHECK(all.last.code() == errc::unsupported_sasl_mechanism);
    CHECK(link->closed());
}
