// Tokens: got once for all, renewed by a timer; and the endpoint they come from.
#include "certificates.hpp"
#include "oauth/http.hpp"
#include "oauth/token_endpoint.hpp"
#include "oauth/token_source.hpp"

#include <weir/base/base64.hpp>
#include <weir/base/sim/manual_loop.hpp>
#include <weir/base/sim/world.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <optional>

using namespace weir;
using namespace weir::net;
using namespace std::chrono_literals;

namespace {

std::string jwt(std::int64_t expires_s) { return "e30." + to_base64(as_bytes("{\"sub\":\"alice\",\"exp\":" + std::to_string(expires_s) + "}")) + "."; }

struct source_fixture {
    sim::manual_loop loop;
    int asked = 0;
    std::function<result<oauth_token>(int)> give;
    bool silent = false;
    std::shared_ptr<token_source> source;
    std::vector<result<oauth_token>> got;

    source_fixture() {
        refresh_rules rules{0.8, 0.05, {100ms, 10'000ms}, 20'000ms, true};
        source = std::make_shared<token_source>(loop, rules, [this](function<void(result<oauth_token>)> answer) {
            ++asked;
            if (silent) return;
            loop.post([answer = std::move(answer), token = give(asked)]() mutable { answer(std::move(token)); });
        }, 1);
        give = [this](int count) { return oauth_token{"t" + std::to_string(count), loop.wall_now() + 100'000}; };
    }
    ~source_fixture() {
        source->close();
        loop.run_ready();
    }
    void get() {
        source->get([this](result<oauth_token> one) { got.push_back(std::move(one)); });
        loop.run_ready();
    }
};

}  // namespace

TEST_CASE_FIXTURE(source_fixture, "nobody asked: no token, no timer; asked by many: one token") {
    loop.advance(1h);
    CHECK(asked == 0);
    CHECK_FALSE(loop.next());
    for (int i = 0; i < 3; ++i) source->get([this](result<oauth_token> one) { got.push_back(std::move(one)); });
    loop.run_ready();
    get();
    REQUIRE(got.size() == 4);
    for (const auto& each : got) CHECK(each->value == "t1");
    CHECK(asked == 1);
}

TEST_CASE_FIXTURE(source_fixture, "a timer renews it between 80 and 85 % of its life") {
    get();
    loop.advance(79s);
    CHECK(asked == 1);
    loop.advance(7s);
    CHECK(asked == 2);
    get();
    CHECK(got.back()->value == "t2");
    loop.advance(1000s);
    CHECK(asked >= 13);
    CHECK(asked <= 15);
}

TEST_CASE_FIXTURE(source_fixture, "when renewing fails, the old one serves as long as it is good, and it is tried again at growing distances") {
    get();
    give = [](int) { return result<oauth_token>{error{errc::network_exception, "away"}}; };
    loop.advance(90s);
    CHECK(asked > 3);
    CHECK(asked < 12);
    get();
    CHECK(got.back()->value == "t1");
    loop.advance(20s);
    const auto before = asked;
    loop.advance(1000s);
    CHECK(asked == before);  // nothing left to serve: who needs one asks
    get();
    CHECK(got.back().code() == errc::network_exception);
    give = [this](int) { return oauth_token{"fresh", loop.wall_now() + 100'000}; };
    get();
    CHECK(got.back()->value == "fresh");
}

TEST_CASE_FIXTURE(source_fixture, "an answer that never comes, a token that is over, and one that is none") {
    SUBCASE("silence") {
        silent = true;
        get();
        loop.advance(21s);
        CHECK(got.back().code() == errc::timed_out);
    }
    SUBCASE("over") {
        give = [this](int) { return oauth_token{"old", loop.wall_now() - 1}; };
        get();
        CHECK(got.back().error().message().find("expired 1 ms ago") != std::string::npos);
    }
    SUBCASE("line breaks") {
        give = [](int) { return oauth_token{"a\r\nb", no_timestamp}; };
        get();
        CHECK(got.back().code() == errc::sasl_authentication_failed);
    }
    SUBCASE("a JWT says itself when it is over") {
        give = [this](int) { return oauth_token{jwt(loop.wall_now() / 1000 + 50), no_timestamp}; };
        get();
        CHECK(got.back()->expires / 1000 == loop.wall_now() / 1000 + 50);
    }
}

TEST_CASE("the expiry of a JWT, and of what is none") {
    CHECK(expiry_of(jwt(1'700'000'000)) == 1'700'000'000'000);
    CHECK(expiry_of("e30." + to_base64(as_bytes(R"({"exp":1700000000.5})")) + ".") == 1'700'000'000'500);
    for (const auto* text : {"", "opaque", "a.b.c", "e30.e30.", "..", "e30.!!.x"}) CHECK(expiry_of(text) == no_timestamp);
}

TEST_CASE("URLs") {
    const auto full = parse_url("https://login.example.com:8443/realms/k/token?x=1");
    REQUIRE(full);
    CHECK(full->secure);
    CHECK(full->where == endpoint{"login.example.com", 8443});
    CHECK(full->target == "/realms/k/token?x=1");
    CHECK((*parse_url("https://[::1]/x")).where == endpoint{"::1", 443});
    CHECK((*parse_url("http://localhost")).target == "/");
    for (const auto* text : {"", "ftp://x", "https://", "https://h:0/", "https://h:99999/", "https://u:p@h/", "https://h/ x", "https://h/\r\nX: y"}) CHECK_FALSE(parse_url(text));
}

namespace {

/// An HTTPS server that says one thing.
struct endpoint_fixture {
    sim::world world{9};
    sim::node_id server = world.add_node("idp"), desk = world.add_node("desk");
    test::authority ca;
    std::optional<tls_context> tls;
    std::unique_ptr<listener> listening;
    std::unique_ptr<stream> far;
    bytes room = bytes(4096);
    std::string request, reply;
    bool closes = false;
    result<oauth_token> got{errc::none};

    endpoint_fixture() {
        const auto who = ca.issue({"idp", {"idp"}});
        tls_config theirs;
        theirs.certificate_pem = who.certificate;
        theirs.key_pem = who.key;
        tls.emplace(theirs, tls_side::server);
        listening = *world.net(server).listen(world.loop(server), {"idp", 8443}, {}, [this]() -> event_loop& { return world.loop(server); }, [this](std::unique_ptr<stream> one) {
            far = *tls->wrap(world.loop(server), std::move(one), {"desk", 1});
            read();
        });
    }
    ~endpoint_fixture() {
        far.reset();
        world.run_for(1s);
    }
    void read() {
        far->read_some(room, [this](result<std::size_t> more) {
            if (!more || *more == 0) return;
            request.append(as_text(bytes_view{room}.first(*more)));
            if (!request.ends_with("grant_type=client_credentials&scope=kafka+read")) return read();
            std::vector<write_piece> pieces(1);
            pieces[0].memory = as_bytes(reply);
            far->write(std::move(pieces), [this](const result<void>&) { if (closes) far->close(); });
        });
    }
    oauth_config config() const {
        oauth_config made;
        made.token_endpoint = "https://idp:8443/token";
        made.client_id = "web";
        made.client_secret = "s3cret+";
        made.scope = "kafka read";
        made.endpoint_tls.ca_pem = ca.certificate();
        made.timeout = 5s;
        return made;
    }
    static task<void> run_ask(std::shared_ptr<token_endpoint> from, result<oauth_token>& into, bool& done) {
        auto asking = token_endpoint::ask(from);
        into = co_await asking;
        done = true;
    }
    void ask(const oauth_config& with) {
        bool done = false;
        const auto from = std::make_shared<token_endpoint>(world.loop(desk), world.net(desk), with);
        world.loop(desk).post([&] { spawn(run_ask(from, got, done)); });
        REQUIRE(world.run_until([&] { return done; }, 60s));
        CHECK(got.error().message().find("s3cret") == std::string::npos);
    }
};

std::string http_answer_of(std::string_view status, const std::string& body) {
    return "HTTP/1.1 " + std::string{status} + "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE_FIXTURE(endpoint_fixture, "the client credentials grant") {
    SUBCASE("with a length") { reply = http_answer_of("200 OK", R"({"access_token":"abc","token_type":"Bearer","expires_in":60})"); }
    SUBCASE("in chunks") { reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"access_token\":\r\n18\r\n\"abc\", \"expires_in\": 60}\r\n0\r\n\r\n"; }
    SUBCASE("to the end") {
        reply = "HTTP/1.1 200 OK\r\n\r\n{\"access_token\":\"abc\",\"expires_in\":60}";
        closes = true;
    }
    ask(config());
    REQUIRE_MESSAGE(got, got.error().message());
    CHECK(got->value == "abc");
    CHECK(got->expires > world.loop(desk).wall_now() + 50'000);
    CHECK(got->expires <= world.loop(desk).wall_now() + 60'000);
    CHECK(request.starts_with("POST /token HTTP/1.1\r\nHost: idp:8443\r\nAuthorization: Basic " + to_base64(as_bytes("web:s3cret+")) + "\r\n"));
}

TEST_CASE_FIXTURE(endpoint_fixture, "an endpoint that gives no token") {
    auto with = config();
    SUBCASE("refuses the client") {
        reply = http_answer_of("401 Unauthorized", R"({"error":"invalid_client","error_description":"unknown client web"})");
        ask(with);
        CHECK(got.code() == errc::sasl_authentication_failed);
        CHECK(got.error().message().find("no token from https://idp:8443/token (caused by SASL_AUTHENTICATION_FAILED: it answers 401: invalid_client, unknown client web") != std::string::npos);
    }
    SUBCASE("is in trouble") {
        reply = http_answer_of("503 Service Unavailable", "later");
        ask(with);
        CHECK(got.code() == errc::network_exception);
    }
    SUBCASE("gives something else") {
        reply = http_answer_of("200 OK", "[]");
        ask(with);
        CHECK(got.code() == errc::sasl_authentication_failed);
    }
    SUBCASE("speaks no HTTP") {
        reply = "hello, who is there, and what do you want from me?\r\n\r\n";
        ask(with);
        CHECK(got.code() == errc::network_exception);
    }
    SUBCASE("says nothing") {
        reply = " ";
        ask(with);
        CHECK(got.code() == errc::network_exception);
        CHECK(got.error().message().find("no answer within 5000 ms (sasl.login.read.timeout.ms)") != std::string::npos);
    }
    SUBCASE("is not trusted") {
        with.endpoint_tls.ca_pem = test::authority{"other"}.certificate();
        ask(with);
        CHECK(got.code() == errc::tls_failed);
    }
    SUBCASE("is not there") {
        listening.reset();
        ask(with);
        CHECK(got.code() == errc::network_exception);
    }
}

TEST_CASE("settings that cannot be") {
    sasl_config sasl;
    const auto refuses = [&](std::string_view part) {
        const auto why = check({}, sasl);
        CHECK(why.code() == errc::invalid_setting);
        CHECK_MESSAGE(why.message().find(part) != std::string::npos, why.message());
    };
    sasl.mechanism = sasl_mechanism::plain;
    refuses("username");
    sasl.user = "alice";
    refuses("password");
    sasl.password = "x";
    CHECK_FALSE(check({}, sasl));
    sasl.delegation_token = true;
    refuses("tokenauth");
    sasl.mechanism = sasl_mechanism::oauth_bearer;
    refuses("one source of tokens");
    sasl.oauth.token_endpoint = "http://idp.example.com/token";
    sasl.oauth.client_id = "web";
    refuses("use https");
    sasl.oauth.token_endpoint = "https://idp.example.com/token";
    refuses("client.secret");
    sasl.oauth.client_secret = "x";
    CHECK_FALSE(check({}, sasl));
    sasl.oauth.extensions = {{"auth", "x"}};
    refuses("extension 'auth'");
    sasl.oauth.extensions.clear();
    sasl.oauth.refresh_at = 0.2;
    refuses("sasl.login.refresh.window.factor");
    tls_config tls;
    tls.key_file = "key.pem";
    CHECK(check(tls, {}).message().find("needs its certificate") != std::string::npos);
}
