#include "cluster_fixture.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::metadata;
using namespace weir::protocol;

namespace {

topic_record topic_of(std::string name, std::uint64_t id) {
    topic_record record;
    record.name = std::move(name);
    record.topic_id = {1, id};
    return record;
}

/// Feeds batches of records, as they come from the committed log.
struct follower {
    image_loader loader;
    std::int64_t next = 0;

    result<std::optional<image_change>> feed(std::vector<metadata_record> records, std::int32_t epoch = 1) {
        auto frames = encode_frames(records, 30);
        REQUIRE(frames);
        std::vector<bytes_view> views(frames->begin(), frames->end());
        const log_batch batch{next, next + static_cast<std::int64_t>(records.size()) - 1, epoch, 1000 + next, views};
        next = batch.last_offset + 1;
        return loader.apply({&batch, 1});
    }
    bool has(std::string_view topic) const { return loader.current()->find_topic(topic) != nullptr; }
};

}  // namespace

TEST_CASE("committed batches become images, with the position of the last record") {
    follower log;
    auto change = log.feed({topic_of("a", 1), topic_of("b", 2)}, 4);
    REQUIRE(change);
    REQUIRE(change->has_value());
    CHECK((*change)->after == log.loader.current());
    CHECK((*change)->topics.size() == 2);
    CHECK(log.loader.current()->position() == provenance{1, 4, 1000});
    CHECK(log.loader.next_offset() == 2);
    CHECK(log.loader.bytes_since_snapshot() > 40);

    SUBCASE("a control batch moves the position alone") {
        const log_batch control{2, 4, 5, 2000, {}};
        auto moved = log.loader.apply({&control, 1});
        REQUIRE(moved);
        REQUIRE(moved->has_value());
        CHECK((*moved)->empty());
        CHECK(log.loader.current()->position() == provenance{4, 5, 2000});
        CHECK(log.has("a"));
    }
    SUBCASE("a batch that was taken before is skipped") {
        log.next = 0;
        auto again = log.feed({topic_of("a", 1), topic_of("b", 2)});
        REQUIRE(again);
        CHECK_FALSE(again->has_value());
    }
    SUBCASE("a gap is refused") {
        log.next = 7;
        auto gap = log.feed({topic_of("c", 3)});
        CHECK(gap.code() == errc::malformed);
        CHECK_FALSE(log.has("c"));
    }
}

TEST_CASE("records of a metadata transaction appear together when it ends") {
    follower log;
    REQUIRE(log.feed({topic_of("before", 1), begin_transaction_record{}, topic_of("a", 2)}));
    CHECK(log.has("before"));
    CHECK_FALSE(log.has("a"));
    CHECK(log.loader.in_transaction());
    CHECK(log.loader.current()->position().offset == 0);
    CHECK(log.loader.next_offset() == 3);

    auto held = log.feed({topic_of("b", 3)});
    REQUIRE(held);
    CHECK_FALSE(held->has_value());

    SUBCASE("end") {
        auto done = log.feed({end_transaction_record{}, topic_of("after", 4)});
        REQUIRE(done);
        CHECK((*done)->topics.size() == 3);
        CHECK(log.has("a"));
        CHECK(log.has("b"));
        CHECK(log.has("after"));
        CHECK_FALSE(log.loader.in_transaction());
        CHECK(log.loader.current()->position().offset == 5);
    }
    SUBCASE("abort") {
        auto done = log.feed({abort_transaction_record{}, topic_of("a", 4)});
        REQUIRE(done);
        CHECK(log.loader.current()->find_topic("a")->id == uuid{1, 4});
        CHECK_FALSE(log.has("b"));
    }
    SUBCASE("a second begin is refused") { CHECK(log.feed({begin_transaction_record{}}).code() == errc::malformed); }
}

TEST_CASE("an end without a begin is refused") {
    follower log;
    CHECK(log.feed({end_transaction_record{}}).code() == errc::malformed);
    follower other;
    CHECK(other.feed({abort_transaction_record{}}).code() == errc::malformed);
}

TEST_CASE("a record that cannot be applied leaves the loader as it was and names the offset") {
    follower log;
    REQUIRE(log.feed({topic_of("a", 1)}));
    const auto before = log.loader.current();
    auto broken = log.feed({topic_of("b", 2), topic_of("a", 3)});
    CHECK(broken.code() == errc::malformed);
    CHECK(broken.error().message().find("offset 2") != std::string::npos);
    CHECK(log.loader.current() == before);
    CHECK(log.loader.next_offset() == 1);

    const bytes rubbish = to_bytes(std::string_view{"\x01\x63\x00", 3});  // a record type of some later release
    const bytes_view view{rubbish};
    const log_batch batch{1, 1, 1, 0, {&view, 1}};
    CHECK(log.loader.apply({&batch, 1}).code() == errc::unsupported_version);
    CHECK(log.loader.current() == before);

    using namespace std::string_view_literals;
    for (const auto damaged :
         {""sv, "\x01"sv, "\x01\x02"sv, "\x02\x02\x00"sv, "\x01\x02\x00\x7f"sv, "\x01\xff\xff\xff\xff\xff\xff"sv}) {
        const auto frame = to_bytes(damaged);
        CHECK_FALSE(decode_frame(frame));
    }
}

TEST_CASE("a snapshot replaces the image, and what is different from before is listed") {
    follower log;
    REQUIRE(log.feed({topic_of("kept", 1), topic_of("gone", 2)}));
    REQUIRE(log.feed({begin_transaction_record{}, topic_of("half", 3)}));

    follower other;
    REQUIRE(other.feed({topic_of("kept", 1), topic_of("new", 4)}));
    auto frames = encode_frames(write_snapshot(*other.loader.current()), 30);
    REQUIRE(frames);
    log.loader.begin_snapshot(100, 6, 5000);
    for (const auto& frame : *frames) {
        const bytes_view view{frame};
        REQUIRE(log.loader.add_snapshot_frames({&view, 1}));
        CHECK(log.has("gone"));  // not before it is complete
    }
    const auto change = log.loader.finish_snapshot();
    CHECK(change.topics.size() == 2);
    CHECK_FALSE(log.has("gone"));
    CHECK(log.has("new"));
    CHECK_FALSE(log.loader.in_transaction());
    CHECK(log.loader.next_offset() == 100);
    CHECK(log.loader.bytes_since_snapshot() == 0);
    CHECK(log.loader.current()->position() == provenance{99, 6, 5000});

    log.next = 100;
    REQUIRE(log.feed({topic_of("later", 5)}));
    CHECK(log.has("later"));
}

TEST_CASE("a snapshot with a record that does not fit is refused") {
    image_loader loader;
    auto frames = encode_frames(std::vector<metadata_record>{remove_topic_record{}}, 30);
    const bytes_view view{frames->front()};
    CHECK(loader.add_snapshot_frames({&view, 1}).code() == errc::malformed);  // nobody began one
    loader.begin_snapshot(10, 1, 0);
    CHECK(loader.add_snapshot_frames({&view, 1}).code() == errc::malformed);
}
