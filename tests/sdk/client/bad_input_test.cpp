// What goes wrong most often, as everybody hears of it who uses a client: the text says where, and what to do.
#include "scripted_brokers.hpp"
#include "topics.hpp"

#include <weir/admin.hpp>
#include <weir/consumer.hpp>
#include <weir/producer.hpp>
#include <weir/protocol/messages/list_offsets.hpp>
#include <weir/protocol/messages/offset_commit.hpp>
#include <weir/protocol/messages/offset_fetch.hpp>
#include <weir/protocol/messages/sasl_authenticate.hpp>

using namespace weir;
using namespace std::chrono_literals;
using test::scripted_brokers;

namespace {

using test::orders;

/// A producer, a consumer and an admin of one client.
class users {
public:
    users(sim::world& world, sim::node_id desk, client_config config) : world_(world), kafka_(world.loop(desk), world.net(desk), 1, "b1:9092", std::move(config)) {
        producer_config sending;
        sending.max_block = 5s;
        sending.delivery_timeout = 5s;
        out_.emplace(kafka_, std::move(sending));
        consumer_config reading;
        reading.stall_timeout = 5s;
        reading.default_api_timeout = 5s;
        reading.on_error = [this](const error& why) { heard_.push_back(why); };
        in_.emplace(kafka_, std::move(reading), orders);
        ops_.emplace(admin{kafka_}.within(5s));
    }
    ~users() {
        in_.reset();
        out_.reset();
        world_.run_for(2s);
    }
    error sends() {
        auto queued = wait(out_->enqueue(orders, "k", "v"));
        return queued ? wait(*queued).error() : queued.error();
    }
    /// The end of a poll, or what on_error hears meanwhile.
    error reads() {
        in_->assign({orders[0]}, at::earliest);
        const auto got = wait(in_->poll(20s));
        return got ? heard_.empty() ? error{} : heard_.front() : got.error();
    }
    error asks() { return wait(in_->end_offsets({orders[0]})).error(); }
    error asks_partitions() { return wait(in_->partitions_for("orders")).error(); }
    error asks_topics() { return wait(in_->list_topics()).error(); }
    error asks_position() {
        in_->assign({orders[0]}, at::earliest);
        return wait(in_->position(orders[0])).error();
    }
    error asks_lag() { return wait(in_->lag()).error(); }
    error administers() { return wait(ops_->list_offsets({"orders"}, at::latest)).error(); }
    std::vector<error> all() { return {sends(), reads(), asks(), administers()}; }

private:
    template <class T>
    result<T> wait(op<T> running) {
        REQUIRE(world_.run_until([&] { return running.ready(); }, 60s));
        return running.get();
    }
    sim::world& world_;
    client kafka_;
    std::optional<producer> out_;
    std::optional<consumer<std::string, std::string>> in_;
    std::optional<admin> ops_;
    std::vector<error> heard_;
};

bool says(const error& why, std::string_view text) { return why.message().find(text) != std::string::npos; }

/// What a listener with TLS does with bytes that are none of a handshake: it says so in its own way, and hangs up.
class tls_listener {
public:
    explicit tls_listener(sim::world& world) : world_(world), machine_(world.add_node("b1")) {
        auto made = world.net(machine_).listen(world.loop(machine_), {"b1", 9092}, {}, [this]() -> event_loop& { return world_.loop(machine_); },
                                               [](std::unique_ptr<stream> one) { answer(std::shared_ptr<stream>{std::move(one)}); });
        REQUIRE(made);
        listener_ = *std::move(made);
    }

private:
    static void answer(const std::shared_ptr<stream>& to) {
        const auto room = std::make_shared<bytes>(1024);
        to->read_some(*room, [to, room](const result<std::size_t>& got) {
            if (!got || *got == 0) return;
            const auto alert = std::make_shared<bytes>(bytes{std::byte{0x15}, std::byte{3}, std::byte{3}, std::byte{0}, std::byte{2}, std::byte{2}, std::byte{10}});
            std::vector<write_piece> pieces(1);
            pieces[0].owner = alert;
            pieces[0].memory = *alert;
            to->write(std::move(pieces), [to](const result<void>&) { to->close(); });
        });
    }
    sim::world& world_;
    sim::node_id machine_;
    std::unique_ptr<listener> listener_;
};

struct scripted : scripted_brokers {
    scripted() : scripted_brokers(1) { leaders["orders"] = {1}; }
};

}  // namespace

TEST_CASE("a listener with TLS, reached without: which broker, and which settings") {
    sim::world world{1};
    const auto desk = world.add_node("desk");
    const tls_listener broker{world};
    users of{world, desk, {}};
    for (const auto& why : of.all()) {
        CAPTURE(why.message());
        CHECK(why.code() == errc::tls_failed);
        CHECK(says(why, "b1:9092"));
        CHECK(says(why, "security.protocol=SSL or SASL_SSL"));
    }
}

TEST_CASE_FIXTURE(scripted, "a wrong password: which broker, mechanism and user, where to look, and never the password") {
    on<protocol::sasl_handshake_request>([](int, const protocol::sasl_handshake_request&) {
        protocol::sasl_handshake_response answer;
        answer.mechanisms = {"PLAIN"};
        return answer;
    });
    on<protocol::sasl_authenticate_request>([](int, const protocol::sasl_authenticate_request&) {
        protocol::sasl_authenticate_response answer;
        answer.error_code = static_cast<std::int16_t>(errc::sasl_authentication_failed);
        answer.error_message = "Authentication failed: Invalid username or password";
        return answer;
    });
    client_config config;
    config.sasl.mechanism = sasl_mechanism::plain;
    config.sasl.user = "shop";
    config.sasl.password = "wr0ng";
    users of{world, desk, std::move(config)};
    for (const auto& why : of.all()) {
        CAPTURE(why.message());
        CHECK(why.code() == errc::sasl_authentication_failed);
        CHECK(says(why, "PLAIN: b1:9092 refuses user 'shop': Authentication failed: Invalid username or password; see sasl.jaas.config"));
        CHECK_FALSE(says(why, "wr0ng"));
    }
}

TEST_CASE_FIXTURE(scripted, "no login where one is wanted: which broker, and its mechanisms") {
    on<protocol::sasl_handshake_request>([](int, const protocol::sasl_handshake_request&) {
        protocol::sasl_handshake_response answer;
        answer.error_code = static_cast<std::int16_t>(errc::unsupported_sasl_mechanism);
        answer.mechanisms = {"SCRAM-SHA-256"};
        return answer;
    });
    fates = [](int, protocol::api_key key) { return test::fate{.heard = key == protocol::api_key::api_versions || key == protocol::api_key::sasl_handshake}; };
    users of{world, desk, {}};
    for (const auto& why : of.all()) {
        CAPTURE(why.message());
        CHECK(why.code() == errc::sasl_authentication_failed);
        CHECK(says(why, "b1:9092 wants its clients to log in"));
        CHECK(says(why, "SCRAM-SHA-256"));
        CHECK(says(why, "sasl.mechanism"));
    }
}

TEST_CASE_FIXTURE(scripted, "a broker that cannot be reached: which one, and which setting gave up") {
    SUBCASE("it is off") { world.kill(machine(1)); }
    SUBCASE("nothing comes back") { world.cut(machine(1), desk); }
    client_config config;
    config.connect_timeout = 1s;
    config.connect_timeout_max = 1s;
    users of{world, desk, std::move(config)};
    const auto sent = of.sends();
    CHECK_MESSAGE(says(sent, "orders: the cluster did not tell its partitions within 5000 ms (max.block.ms)"), sent.message());
    CHECK_MESSAGE(says(sent, "bootstrap servers"), sent.message());
    const auto read = of.reads();
    CHECK(read.code() == errc::stalled);
    CHECK_MESSAGE(says(read, "orders-0: nothing was fetched for "), read.message());
    const auto asked = of.asks();
    CHECK_MESSAGE(says(asked, "orders-0: no answer within 5000 ms (default.api.timeout.ms)"), asked.message());
    const auto partitions = of.asks_partitions();
    CHECK(partitions.code() == errc::timed_out);
    CHECK_MESSAGE(says(partitions, "orders: its partitions were not told within 5000 ms (default.api.timeout.ms)"), partitions.message());
    const auto topics = of.asks_topics();
    CHECK(topics.code() == errc::timed_out);
    CHECK_MESSAGE(says(topics, "the topics were not told within 5000 ms (default.api.timeout.ms)"), topics.message());
    const auto administered = of.administers();
    CHECK_MESSAGE(says(administered, "list_offsets: not done within 5000 ms (default.api.timeout.ms)"), administered.message());
    for (const auto& why : {sent, read, asked, partitions, topics}) CHECK_MESSAGE(says(why, "b1:9092"), why.message());
}

TEST_CASE("an operation whose time is up while it connects: to whom it could not") {
    scripted_brokers at{2};
    for (const int broker : {1, 2}) at.world.cut(at.machine(broker), at.desk);
    client kafka{at.world.loop(at.desk), at.world.net(at.desk), 1, "b1:9092,b2:9092", {}};
    for (const auto within : {5s, 25s}) {
        auto listing = admin{kafka}.within(within).list_topics();
        REQUIRE(at.world.run_until([&] { return listing.ready(); }, 60s));
        const auto why = listing.get().error();
        CHECK(why.code() == errc::timed_out);
        CHECK_MESSAGE(says(why, within == 5s ? "a broker could not be reached in time; no connection yet to b" : "no connection yet to b1:9092, b2:9092"), why.message());
    }
}

TEST_CASE_FIXTURE(scripted, "a leader that does not answer: which broker was asked, and which setting gave up") {
    fates = [](int, protocol::api_key key) { return test::fate{.answered = key != protocol::api_key::list_offsets}; };
    on<protocol::list_offsets_request>([](int, const protocol::list_offsets_request&) { return protocol::list_offsets_response{}; });
    users of{world, desk, {}};
    for (const auto& why : {of.asks(), of.asks_position(), of.asks_lag()}) {
        CHECK(why.code() == errc::timed_out);
        CHECK_MESSAGE(says(why, "within 5000 ms (default.api.timeout.ms); its leader is broker 1 (b1:9092)"), why.message());
        CHECK_MESSAGE(says(why, "orders-0: "), why.message());
    }
}

TEST_CASE_FIXTURE(scripted, "a coordinator that is not ready: which broker was asked about which group, and which setting gave up") {
    constexpr auto loading = static_cast<std::int16_t>(errc::coordinator_load_in_progress);
    on<protocol::offset_fetch_request>([](int, const protocol::offset_fetch_request&) {
        protocol::offset_fetch_response answer;
        answer.groups.emplace_back().error_code = loading;
        return answer;
    });
    on<protocol::offset_commit_request>([](int, const protocol::offset_commit_request& asked) {
        protocol::offset_commit_response answer;
        auto& topic = answer.topics.emplace_back();
        topic.name = asked.topics.front().name;
        topic.topic_id = asked.topics.front().topic_id;
        topic.partitions.emplace_back().error_code = loading;
        return answer;
    });
    client kafka{world.loop(desk), world.net(desk), 1, "b1:9092", {}};
    consumer_config reading;
    reading.group_id = "g";
    reading.auto_commit = false;
    reading.default_api_timeout = 5s;
    std::optional<consumer<>> in;
    in.emplace(kafka, std::move(reading));
    const auto why_not = [&](auto running) {
        REQUIRE(world.run_until([&] { return running.ready(); }, 60s));
        return running.get().error();
    };
    const auto told = why_not(in->committed({orders[0]}));
    CHECK(told.code() == errc::timed_out);
    CHECK_MESSAGE(says(told, "group 'g': its offsets were not told within 5000 ms (default.api.timeout.ms); its coordinator is broker 1 (b1:9092)"), told.message());
    std::vector<partition_offset> offsets(1);
    offsets[0].where = orders[0];
    offsets[0].offset = 7;
    const auto committed = why_not(in->commit(offsets));
    CHECK(committed.code() == errc::timed_out);
    CHECK_MESSAGE(says(committed, "group 'g': not committed within 5000 ms (default.api.timeout.ms); its coordinator is broker 1 (b1:9092)"), committed.message());
    in.reset();
    world.run_for(2s);
}

TEST_CASE_FIXTURE(scripted, "a topic that is not there: which one, and what to do") {
    leaders.clear();
    users of{world, desk, {}};
    const auto sent = of.sends();
    CHECK(sent.code() == errc::unknown_topic_or_partition);
    CHECK_MESSAGE(says(sent, "orders: the cluster did not tell its partitions within 5000 ms (max.block.ms); create the topic"), sent.message());
    const auto read = of.reads();
    CHECK_MESSAGE(says(read, "orders-0: the cluster has no such topic; create it, or correct the name"), read.message());
    const auto asked = of.asks();
    CHECK_MESSAGE(says(asked, "orders-0"), asked.message());
    const auto administered = of.administers();
    CHECK_MESSAGE(says(administered, "orders"), administered.message());
}

TEST_CASE_FIXTURE(scripted, "a partition that is not there: which one, and how many there are") {
    leaders["orders"].clear();
    users of{world, desk, {}};
    const auto read = of.reads();
    CHECK_MESSAGE(says(read, "orders-0: the topic has 0 partitions"), read.message());
}
