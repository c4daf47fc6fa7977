// TLS between two simulated machines.
#include "certificates.hpp"
#include "temporary_folder.hpp"

#include <weir/base/log.hpp>
#include <weir/base/sim/world.hpp>
#include <weir/net/tls.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

using namespace weir;
using namespace std::chrono_literals;
using net::tls_context;
using net::tls_side;

namespace {

const test::authority& trusted() {
    static const test::authority made{"trusted authority"};
    return made;
}
const test::identity& good_server() {
    static const auto made = trusted().issue({"server", {"server"}});
    return made;
}

tls_config of(const test::identity& who, const std::string& ca = {}) {
    tls_config config;
    config.enabled = true;
    config.certificate_pem = who.certificate;
    config.key_pem = who.key;
    config.ca_pem = ca;
    return config;
}
tls_config trusting(const test::authority& ca) {
    tls_config config;
    config.enabled = true;
    config.ca_pem = ca.certificate();
    return config;
}

/// Keeps the first of what a connection hears as it travels.
class tapped_stream final : public stream {
public:
    tapped_stream(std::unique_ptr<stream> inner, bytes& first) : inner_(std::move(inner)), first_(first) {}
    void read_some(mutable_bytes into, function<void(result<std::size_t>)> done) override {
        inner_->read_some(into, [&first = first_, into, done = std::move(done)](result<std::size_t> got) mutable {
            if (got && first.size() < 100) first.insert(first.end(), into.begin(), into.begin() + static_cast<std::ptrdiff_t>(*got));
            done(std::move(got));
        });
    }
    void write(std::vector<write_piece> pieces, function<void(result<void>)> done) override { inner_->write(std::move(pieces), std::move(done)); }
    void close() noexcept override { inner_->close(); }
    const endpoint& local() const noexcept override { return inner_->local(); }
    const endpoint& remote() const noexcept override { return inner_->remote(); }

private:
    std::unique_ptr<stream> inner_;
    bytes& first_;
};

/// The cipher suite that a ServerHello chooses: behind the headers of record and message, version, random and session id.
int suite_in(const bytes& server_hello) {
    const auto at = [&](std::size_t where) { return std::to_integer<int>(server_hello.at(where)); };
    const auto suite = 5 + 4 + 2 + 32 + 1 + static_cast<std::size_t>(at(43));
    return at(suite) << 8 | at(suite + 1);
}

/// Says what it hears, on `server`; `desk` connects, in TLS or not.
struct tls_fixture {
    sim::world world{7};
    sim::node_id server = world.add_node("server"), desk = world.add_node("desk");
    std::optional<tls_context> server_side, client_side;
    std::unique_ptr<listener> listening;
    std::unique_ptr<stream> far, near;
    bytes far_room = bytes(3000), near_room = bytes(3000);
    bytes heard, raw;
    error far_failure, near_failure;
    bool near_ended = false;

    explicit tls_fixture() { listen(); }
    ~tls_fixture() {
        near.reset();
        far.reset();
        world.run_for(1s);
    }
    void listen() {
        auto made = world.net(server).listen(world.loop(server), {"server", 9092}, {}, [this]() -> event_loop& { return world.loop(server); }, [this](std::unique_ptr<stream> one) {
            far = std::move(one);
            if (server_side) far = *server_side->wrap(world.loop(server), std::move(far), {"desk", 1});
            echo();
        });
        REQUIRE(made);
        listening = *std::move(made);
    }
    static std::vector<write_piece> pieces_of(bytes content) {
        auto kept = std::make_shared<bytes>(std::move(content));
        std::vector<write_piece> pieces;
        for (std::size_t at = 0; at < kept->size();) {  // pieces of many sizes
            const auto size = std::min(kept->size() - at, at % 3 == 0 ? std::size_t{7} : std::size_t{40'000});
            auto& piece = pieces.emplace_back();
            piece.owner = kept;
            piece.memory = bytes_view{*kept}.subspan(at, size);
            at += size;
        }
        return pieces;
    }
    void echo() {
        far->read_some(far_room, [this](result<std::size_t> got) {
            if (!got || *got == 0) {
                far_failure = got.error();
                return;
            }
            far->write(pieces_of(to_bytes(bytes_view{far_room}.first(*got))), [this](result<void> written) {
                if (written) echo();
                else far_failure = written.error();
            });
        });
    }
    void listen_near() {
        near->read_some(near_room, [this](result<std::size_t> got) {
            if (!got || *got == 0) {
                near_failure = got.error();
                near_ended = true;
                return;
            }
            heard.insert(heard.end(), near_room.begin(), near_room.begin() + static_cast<std::ptrdiff_t>(*got));
            listen_near();
        });
    }
    /// Sends `content` and hears it again, or fails.
    void talk(bytes content, const endpoint& as = {"server", 9092}) {
        const auto size = content.size();
        heard.clear();
        raw.clear();
        near_ended = false;
        world.loop(desk).post([this, as, content = std::move(content)]() mutable {
            world.net(desk).connect(world.loop(desk), {"server", 9092}, {}, 5s, [this, as, content = std::move(content)](result<std::unique_ptr<stream>> made) mutable {
                REQUIRE(made);
                near = std::make_unique<tapped_stream>(*std::move(made), raw);
                if (client_side) {
                    auto wrapped = client_side->wrap(world.loop(desk), std::move(near), as);
                    if (!wrapped) {
                        near_failure = wrapped.error();
                        near_ended = true;
                        return;
                    }
                    near = *std::move(wrapped);
                }
                near->write(pieces_of(std::move(content)), [](const result<void>&) {});
                listen_near();
            });
        });
        REQUIRE(world.run_until([&] { return near_ended || heard.size() >= size; }, 120s));
        world.run_for(100ms);
    }
    bool says(std::string_view part) const { return near_failure.message().find(part) != std::string::npos; }
};

bytes some_bytes(std::size_t size) {
    bytes content(size);
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<std::byte>(i * 31 >> 3);
    return content;
}

}  // namespace

TEST_CASE_FIXTURE(tls_fixture, "what is sent arrives, in either version and in any size") {
    auto config = trusting(trusted());
    SUBCASE("1.3") { config.oldest = tls_version::v1_3; }
    SUBCASE("1.2") { config.newest = tls_version::v1_2; }
    server_side.emplace(of(good_server()), tls_side::server);
    client_side.emplace(config);
    for (const std::size_t size : {1u, 100u, 16'384u, 1'000'000u}) {
        CAPTURE(size);
        talk(some_bytes(size));
        CHECK_MESSAGE(heard == some_bytes(size), near_failure.message());
        near.reset();
        far.reset();
    }
}

TEST_CASE_FIXTURE(tls_fixture, "a goodbye ends the stream, its lack is an error") {
    server_side.emplace(of(good_server()), tls_side::server);
    client_side.emplace(trusting(trusted()));
    talk(some_bytes(10));
    SUBCASE("goodbye") {
        world.loop(server).post([this] { far.reset(); });
        REQUIRE(world.run_until([&] { return near_ended; }, 60s));
        CHECK_FALSE(near_failure);
    }
    SUBCASE("death") {
        world.kill(server);
        REQUIRE(world.run_until([&] { return near_ended; }, 60s));
        CHECK(near_failure.code() == errc::network_exception);
    }
    SUBCASE("our own close") {
        world.loop(desk).post([this] { near->close(); });
        REQUIRE(world.run_until([&] { return near_ended; }, 60s));
        CHECK(near_failure.code() == errc::closed);
    }
}

TEST_CASE_FIXTURE(tls_fixture, "a certificate that cannot be trusted is refused, with the reason and what to do") {
    const test::authority stranger{"stranger"};
    client_side.emplace(trusting(trusted()));
    endpoint as{"server", 9092};
    SUBCASE("of an authority we do not know") {
        server_side.emplace(of(stranger.issue({"impostor", {"server"}})), tls_side::server);
        talk(some_bytes(10));
        CHECK(says("server:9092: the certificate 'CN=impostor' was issued by 'CN=stranger', which is not among the trusted authorities"));
    }
    SUBCASE("expired") {
        server_side.emplace(of(trusted().issue({"old", {"server"}, -7200, -3600, {}})), tls_side::server);
        talk(some_bytes(10));
        CHECK(says("the certificate 'CN=old' expired on "));
    }
    SUBCASE("not valid yet") {
        server_side.emplace(of(trusted().issue({"young", {"server"}, 3600, 7200, {}})), tls_side::server);
        talk(some_bytes(10));
        CHECK(says("'CN=young' is not valid before "));
    }
    SUBCASE("for other hosts") {
        server_side.emplace(of(trusted().issue({"other", {"kafka-1.example.com", "10.0.0.7"}})), tls_side::server);
        talk(some_bytes(10));
        CHECK(says("the certificate is for kafka-1.example.com, 10.0.0.7, not for 'server'"));
    }
    SUBCASE("for another address") {
        server_side.emplace(of(trusted().issue({"other", {"10.0.0.7"}})), tls_side::server);
        talk(some_bytes(10), {"10.0.0.8", 9092});
        CHECK(says("the certificate is for 10.0.0.7, not for '10.0.0.8'"));
    }
    CHECK(near_failure.code() == errc::tls_failed);
    CHECK(near_failure.permanent());
    CHECK(heard.empty());
}

TEST_CASE_FIXTURE(tls_fixture, "an address is matched with the addresses of the certificate; names are not, when nobody wants it") {
    auto config = trusting(trusted());
    SUBCASE("an address") {
        server_side.emplace(of(trusted().issue({"other", {"10.0.0.7"}})), tls_side::server);
        client_side.emplace(config);
        talk(some_bytes(10), {"10.0.0.7", 9092});
    }
    SUBCASE("no verification of the host") {
        config.verify_host = false;
        server_side.emplace(of(trusted().issue({"other", {"kafka-1.example.com"}})), tls_side::server);
        client_side.emplace(config);
        talk(some_bytes(10));
    }
    CHECK_MESSAGE(heard.size() == 10, near_failure.message());
}

TEST_CASE_FIXTURE(tls_fixture, "both sides may have to show a certificate") {
    server_side.emplace(of(good_server(), trusted().certificate()), tls_side::server);
    auto config = trusting(trusted());
    SUBCASE("one the server trusts, its key with a password") {
        const auto who = trusted().issue({"desk", {}, -3600, 3600, "s3cret"});
        config.certificate_pem = who.certificate;
        config.key_pem = who.key;
        config.key_password = "s3cret";
        client_side.emplace(config);
        talk(some_bytes(10));
        CHECK_MESSAGE(heard.size() == 10, near_failure.message());
    }
    SUBCASE("none") {
        client_side.emplace(config);
        talk(some_bytes(10));
        CHECK(near_failure.code() == errc::tls_failed);
        CHECK(says("ssl.keystore.location"));
    }
    SUBCASE("one the server does not trust") {
        const test::authority stranger{"stranger"};
        const auto who = stranger.issue({"desk"});
        config.certificate_pem = who.certificate;
        config.key_pem = who.key;
        client_side.emplace(config);
        talk(some_bytes(10));
        CHECK(near_failure.code() == errc::tls_failed);
        CHECK(says("the peer refuses our certificate"));
    }
}

TEST_CASE_FIXTURE(tls_fixture, "versions that do not meet, and a peer without TLS") {
    auto config = trusting(trusted());
    SUBCASE("versions") {
        auto theirs = of(good_server());
        theirs.newest = tls_version::v1_2;
        server_side.emplace(theirs, tls_side::server);
        config.oldest = tls_version::v1_3;
        client_side.emplace(config);
        talk(some_bytes(10));
        CHECK(says("ssl.enabled.protocols"));
    }
    SUBCASE("cipher suites") {
        auto theirs = of(good_server());
        theirs.cipher_suites = {"TLS_AES_128_GCM_SHA256"};
        server_side.emplace(theirs, tls_side::server);
        config.cipher_suites = {"TLS_AES_256_GCM_SHA384"};
        client_side.emplace(config);
        talk(some_bytes(10));
        CHECK(says("ssl.cipher.suites"));
    }
    SUBCASE("suites of versions that do not meet") {
        auto theirs = of(good_server());
        theirs.oldest = tls_version::v1_3;
        server_side.emplace(theirs, tls_side::server);
        config.cipher_suites = {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"};
        client_side.emplace(config);
        talk(some_bytes(10));
        CHECK(says("ssl.enabled.protocols"));
    }
    SUBCASE("an echo is no TLS") {
        client_side.emplace(config);
        talk(some_bytes(10));
    }
    CHECK(near_failure.code() == errc::tls_failed);
}

TEST_CASE_FIXTURE(tls_fixture, "of the suites that both sides have, the one that the client names first is spoken") {
    auto theirs = of(good_server());
    auto config = trusting(trusted());
    int expected = 0;
    SUBCASE("of TLS 1.3") {
        config.cipher_suites = {"TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"};
        expected = 0x1303;
    }
    SUBCASE("in the other order") {
        config.cipher_suites = {"TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"};
        expected = 0x1301;
    }
    SUBCASE("the first is not among the server's") {
        config.cipher_suites = {"TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"};
        theirs.cipher_suites = {"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"};
        expected = 0x1301;
    }
    SUBCASE("of TLS 1.2 alone, by the standard's names: 1.3 is not spoken") {
        config.cipher_suites = {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"};
        expected = 0xc02b;
    }
    SUBCASE("of TLS 1.2 alone, by OpenSSL's names and in its way") {
        config.cipher_suites = {"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256"};
        expected = 0xcca9;
    }
    SUBCASE("of both, with a server of 1.2") {
        config.cipher_suites = {"TLS_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"};
        theirs.newest = tls_version::v1_2;
        expected = 0xc02c;
    }
    server_side.emplace(theirs, tls_side::server);
    client_side.emplace(config);
    talk(some_bytes(10));
    REQUIRE_MESSAGE(heard.size() == 10, near_failure.message());
    CHECK(suite_in(raw) == expected);
}

TEST_CASE("settings that cannot be used are named, and no secret with them") {
    sim::world world{1};
    const auto desk = world.add_node("desk");
    test::temporary_folder folder;
    const auto who = trusted().issue({"desk", {}, -3600, 3600, "s3cret"});
    const auto failure_of = [&](tls_config config) {
        tls_context context{std::move(config)};
        auto made = context.wrap(world.loop(desk), nullptr, {"server", 9092});
        REQUIRE_FALSE(made);
        CHECK(made.error().code() == errc::invalid_setting);
        return made.error().message();
    };
    tls_config config;
    SUBCASE("a file that is not there") {
        config.ca_file = folder.path + "/missing.pem";
        CHECK(failure_of(config).find("ssl.truststore.location=" + config.ca_file + ": there is no such file") != std::string::npos);
    }
    SUBCASE("no certificate in it") {
        config.ca_pem = who.key;
        CHECK(failure_of(config).find("ssl.truststore.certificates: there is no certificate") != std::string::npos);
    }
    SUBCASE("a wrong password") {
        config.certificate_pem = who.certificate;
        config.key_pem = who.key;
        config.key_password = "hunter2";
        const auto text = failure_of(config);
        CHECK(text.find("ssl.keystore.key: there is no private key that can be read") != std::string::npos);
        CHECK(text.find("hunter2") == std::string::npos);
    }
    SUBCASE("a cipher suite that is none") {
        config.cipher_suites = {"TLS_AES_128_GCM_SHA256", "TLS_AES_128"};
        CHECK(failure_of(config).find("ssl.cipher.suites=TLS_AES_128: allowed is a list of TLS_AES_256_GCM_SHA384, ") != std::string::npos);
    }
    SUBCASE("the key of another certificate") {
        config.certificate_pem = who.certificate;
        config.key_pem = good_server().key;
        CHECK(failure_of(config).find("ssl.keystore.key: the key does not belong to the certificate") != std::string::npos);
    }
}

TEST_CASE_FIXTURE(tls_fixture, "certificates are read again when their files change, and broken ones change nothing") {
    test::temporary_folder folder;
    const auto path = folder.path + "/ca.pem";
    // As Kubernetes and certbot do it: a new file takes the old one's name.
    const auto put = [&](const std::string& content) {
        std::ofstream{path + ".new"} << content;
        REQUIRE(std::rename((path + ".new").c_str(), path.c_str()) == 0);
    };
    const test::authority next{"next authority"};
    put(trusted().certificate());
    server_side.emplace(of(good_server()), tls_side::server);
    tls_config config;
    config.ca_file = path;
    client_side.emplace(config);
    const auto works = [&] {
        talk(some_bytes(10));
        near.reset();
        far.reset();
        return heard.size() == 10;
    };
    CHECK(works());
    std::vector<std::string> warned;
    log::set_level("weir.net.tls", log::level::warn);
    log::set_sink([&](log::level, std::string_view, std::string_view message) { warned.emplace_back(message); });
    put("half of a certificate");
    CHECK(works());
    CHECK(works());
    log::set_sink({});
    REQUIRE(warned.size() == 1);
    CHECK(warned[0].find(path) != std::string::npos);
    put(next.certificate());
    CHECK_FALSE(works());
    server_side.emplace(of(next.issue({"server", {"server"}})), tls_side::server);
    CHECK(works());
}

namespace {

/// A certificate and its key in files, as they are renewed.
class identity_files {
public:
    explicit identity_files(const test::identity& who) {
        put("certificate.pem", who.certificate);
        put("key.pem", who.key);
    }
    void put(const std::string& name, const std::string& content) const {
        std::ofstream{folder_.path + "/new"} << content;
        REQUIRE(std::rename((folder_.path + "/new").c_str(), (folder_.path + "/" + name).c_str()) == 0);
    }
    void into(tls_config& config) const {
        config.certificate_file = folder_.path + "/certificate.pem";
        config.key_file = folder_.path + "/key.pem";
    }

private:
    test::temporary_folder folder_;
};

}  // namespace

TEST_CASE_FIXTURE(tls_fixture, "a renewed certificate is shown once its key is there too, by a client and by a server") {
    const test::authority next{"next authority"};
    const auto works = [&] {
        talk(some_bytes(10));
        near.reset();
        far.reset();
        return heard.size() == 10;
    };
    std::vector<std::string> warned;
    log::set_level("weir.net.tls", log::level::warn);
    log::set_sink([&](log::level, std::string_view, std::string_view message) { warned.emplace_back(message); });
    SUBCASE("a client") {
        const auto before = trusted().issue({"desk"}), after = next.issue({"desk"});
        const identity_files files{before};
        server_side.emplace(of(good_server(), trusted().certificate()), tls_side::server);
        auto config = trusting(trusted());
        files.into(config);
        client_side.emplace(config);
        CHECK(works());
        files.put("certificate.pem", after.certificate);
        CHECK(works());  // with the former ones: these two do not belong together
        files.put("key.pem", after.key);
        CHECK_FALSE(works());
        CHECK(says("the peer refuses our certificate"));
        server_side.emplace(of(good_server(), next.certificate()), tls_side::server);
        CHECK_MESSAGE(works(), near_failure.message());
    }
    SUBCASE("a server") {
        const auto after = next.issue({"server", {"server"}});
        const identity_files files{good_server()};
        tls_config config;
        files.into(config);
        server_side.emplace(config, tls_side::server);
        client_side.emplace(trusting(trusted()));
        CHECK(works());
        files.put("certificate.pem", after.certificate);
        CHECK(works());
        files.put("key.pem", after.key);
        CHECK_FALSE(works());
        client_side.emplace(trusting(next));
        CHECK_MESSAGE(works(), near_failure.message());
    }
    log::set_sink({});
    REQUIRE(warned.size() == 1);
    CHECK(warned[0].find("the key does not belong to the certificate") != std::string::npos);
}

TEST_CASE_FIXTURE(tls_fixture, "a folder of certificates that is exchanged as a whole is read again") {
    // As Kubernetes mounts secrets: "..data" points to a folder, and to another one from one moment to the next.
    const test::temporary_folder folder;
    const auto publish = [&](const std::string& version, const test::authority& ca) {
        const auto inner = folder.path + "/" + version, link = folder.path + "/..data", fresh = folder.path + "/..data_tmp";
        REQUIRE(folder.files->create_directories(inner));
        std::ofstream{inner + "/ca.pem"} << ca.certificate();
        std::filesystem::create_symlink(version, fresh);
        std::filesystem::rename(fresh, link);
    };
    const test::authority next{"next authority"};
    publish("..1", trusted());
    server_side.emplace(of(good_server()), tls_side::server);
    tls_config config;
    config.ca_file = folder.path + "/..data/ca.pem";
    client_side.emplace(config);
    talk(some_bytes(10));
    CHECK(heard.size() == 10);
    publish("..2", next);
    server_side.emplace(of(next.issue({"server", {"server"}})), tls_side::server);
    talk(some_bytes(10));
    CHECK_MESSAGE(heard.size() == 10, near_failure.message());
}
