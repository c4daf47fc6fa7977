// Records that cannot be decoded go to a topic of their own, and are committed past once they are there.
#include "consumer_fixture.hpp"

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

const topic<text, std::int64_t> numbers_of{"orders"};
const topic<text, std::string> letters_of{"letters"};
const std::string one{"\0\0\0\0\0\0\0\1", 8}, three{"\0\0\0\0\0\0\0\3", 8};

struct letter_fixture : consumer_fixture {
    static consumer_config config() {
        consumer_config with;
        with.group_id = "g";
        with.start = at::earliest;
        with.on_bad_record = on_bad_record::dead_letter;
        with.dead_letter_topic = "letters";
        with.auto_commit = false;
        return with;
    }
    void send(const std::string& value) {
        if (!out) out.emplace(*kafka);
        send_options options;
        options.time = timestamp{duration{world.loop(desk).wall_now() - 1000}};
        options.headers.push_back({"trace", to_bytes("abc")});
        const auto queued = wait(out->enqueue(topic<text, std::string>{"orders"}, "k", value, options));
        REQUIRE(queued);
    }
    std::int64_t committed(consumer<text, std::int64_t>& of) {
        const auto found = wait(of.committed({orders[0]}));
        REQUIRE(found);
        return found->empty() ? -1 : found->front().offset;
    }
    static std::string text_of(const record_headers& all, std::string_view name) {
        const auto found = all.find(name);
        return found && found->value ? std::string{reinterpret_cast<const char*>(found->value->data()), found->value->size()} : "none";
    }
};

}  // namespace

TEST_CASE_FIXTURE(letter_fixture, "a record that cannot be decoded goes to the dead letter topic as it is, and reading goes on") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    REQUIRE(create_topic(*wire, "letters", 1) == 0);
    for (const auto& value : {one, std::string{"oops"}, three}) send(value);
    REQUIRE(wait(out->flush()));
    {
        consumer of{*kafka, config(), numbers_of};
        const auto found = read(of, 2);
        REQUIRE(found.size() == 2);
        CHECK(found[1].value == 3);
        CHECK(found[1].info.offset == 2);
        REQUIRE(wait(of.commit()));
        CHECK(committed(of) == 3);
    }
    consumer_config plain;
    plain.start = at::earliest;
    consumer of{*kafka, std::move(plain), letters_of};
    of.assign({{"letters", 0}}, at::earliest);
    const auto batch = wait(of.poll());
    REQUIRE(batch);
    REQUIRE(batch->size() == 1);
    const auto& letter = (*batch)[0];
    CHECK(letter.key == "k");
    CHECK(letter.value == "oops");
    CHECK(letter.info.time < timestamp{duration{world.loop(desk).wall_now() - 999}});
    const auto& headers = letter.info.headers;
    CHECK(text_of(headers, "trace") == "abc");
    CHECK(text_of(headers, "__consumer.errors.topic") == "orders");
    CHECK(text_of(headers, "__consumer.errors.partition") == "0");
    CHECK(text_of(headers, "__consumer.errors.offset") == "1");
    CHECK(text_of(headers, "__consumer.errors.group") == "g");
    CHECK(text_of(headers, "__consumer.errors.message").starts_with("value: "));
}

TEST_CASE_FIXTURE(letter_fixture, "a commit waits for the dead letters below it, and none goes past one that was lost") {
    kill();
    overrides = {"auto.create.topics.enable=false"};  // there is no topic for letters
    start();
    reconnect();
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, {one, "oops", three});
    auto with = config();
    with.auto_commit = true;
    with.auto_commit_interval = 100ms;
    consumer of{*kafka, std::move(with), numbers_of};
    CHECK(read(of, 2).size() == 2);
    const auto asked = of.commit();
    world.run_for(10s);
    CHECK_FALSE(asked.ready());
    CHECK(committed(of) <= 1);  // by itself, meanwhile
    const auto outcome = wait(asked);
    CHECK(outcome.code() == errc::unknown_topic_or_partition);
    CHECK(outcome.error().offset() == 1);
    CHECK(std::string{outcome.error().what()}.find("orders-0: the record at offset 1 cannot be decoded, and did not get to the dead letter topic 'letters'; nothing behind it is committed") == 0);
    const auto told = wait(of.poll());
    CHECK(told.error().offset() == 1);
    world.run_for(1s);
    CHECK(committed(of) == 1);
    of.seek(orders[0], at::offset(2));
    CHECK(read(of, 1).front().value == 3);
    CHECK(wait(of.commit()));
    CHECK(committed(of) == 3);
}

TEST_CASE_FIXTURE(letter_fixture, "many dead letters are sent as fast as the broker takes them, and none is missing after the close") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    REQUIRE(create_topic(*wire, "letters", 3) == 0);
    const std::string padding(20'000, '!');
    for (int i = 0; i < 300; ++i) send(i == 299 ? one : std::to_string(i) + padding);
    REQUIRE(wait(out->flush()));
    {
        consumer of{*kafka, config(), numbers_of};
        CHECK(read(of, 1).front().info.offset == 299);
        REQUIRE(wait(of.commit()));
        CHECK(committed(of) == 300);
        REQUIRE(wait(of.close()));
    }
    consumer of{*kafka, consumer_config{}, letters_of};
    of.assign({{"letters", 0}, {"letters", 1}, {"letters", 2}}, at::earliest);
    std::vector<std::string> found, expected;
    for (const auto& each : read(of, 299)) found.push_back(each.value);
    for (int i = 0; i < 299; ++i) expected.push_back(std::to_string(i) + padding);
    CHECK(found == expected);  // one key, one partition, in order
}

TEST_CASE_FIXTURE(letter_fixture, "dead letters need a topic, and a topic for them needs dead letters") {
    const auto refused = [&](consumer_config with) -> std::string {
        try {
            consumer of{*kafka, std::move(with), numbers_of};
        } catch (const exception& why) {
            return why.error().message();
        }
        return "taken";
    };
    auto nowhere = config();
    nowhere.dead_letter_topic.clear();
    CHECK(refused(std::move(nowhere)).find("dead_letter_topic") != std::string::npos);
    auto nothing = config();
    nothing.on_bad_record = on_bad_record::skip;
    CHECK(refused(std::move(nothing)).find("dead_letter_topic=letters") != std::string::npos);
}
