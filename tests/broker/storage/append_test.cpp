#include "log_fixture.hpp"

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::test;
using strings = std::vector<std::string>;

TEST_CASE("a new log is a folder with partition.metadata and nothing else") {
    log_fixture f;
    f.open();
    const auto entries = f.files.list(f.directory);
    REQUIRE(entries);
    REQUIRE(entries->size() == 1);
    CHECK(f.text("partition.metadata") == "version: 0\ntopic_id: AAAAAAAAAAEAAAAAAAAAAg");
    CHECK(f.log->log_end_offset() == 0);
    CHECK(f.log->segment_count() == 0);
    CHECK(f.files.open_files() == 0);
}

TEST_CASE("batches get offsets and leader epoch and are stored as they came otherwise") {
    log_fixture f;
    f.open();
    const auto first = f.append({.values = {"a", "b"}}, append_origin::client, 7);
    CHECK(first.first_offset == 0);
    CHECK(first.last_offset == 1);
    CHECK(first.append_time == no_timestamp);
    const auto second = f.append({.values = {"c"}}, append_origin::client, 7);
    CHECK(second.first_offset == 2);
    CHECK(f.log->log_end_offset() == 3);
    CHECK(f.values() == strings{"a", "b", "c"});

    auto expected = make_batch({.values = {"a", "b"}, .base_offset = 0, .leader_epoch = 7}, f.time.wall_now());
    const auto next = make_batch({.values = {"c"}, .base_offset = 2, .leader_epoch = 7}, f.time.wall_now());
    expected.insert(expected.end(), next.begin(), next.end());
    CHECK(f.content("00000000000000000000.log") == expected);
    CHECK(f.log->size_bytes() == expected.size());
    CHECK(f.log->latest_epoch() == 7);
}

TEST_CASE("what a producer may not send is refused with Kafka's codes and changes nothing") {
    log_fixture f;
    f.config.max_message_bytes = 1000;
    f.open();
    const auto now = f.time.wall_now();
    auto refused = [&](bytes batch) { return f.log->append(batch, 0, append_origin::client).code(); };
    auto good = make_batch({}, now);

    SUBCASE("a wrong checksum") {
        good.back() ^= std::byte{1};
        CHECK(refused(good) == errc::corrupt_message);
    }
    SUBCASE("two batches") {
        const auto copy = good;
        good.insert(good.end(), copy.begin(), copy.end());
        CHECK(refused(good) == errc::invalid_record);
    }
    SUBCASE("nothing at all") { CHECK(refused({}) == errc::invalid_record); }
    SUBCASE("a base offset") { CHECK(refused(make_batch({.base_offset = 5}, now)) == errc::invalid_record); }
    SUBCASE("a control batch") {
        protocol::end_txn_settings marker;
        marker.producer_id = 1;
        marker.producer_epoch = 0;
        CHECK(refused(protocol::build_end_txn_batch(marker)) == errc::invalid_record);
    }
    SUBCASE("too large") {
        CHECK(refused(make_batch({.values = {std::string(1000, 'x')}}, now)) == errc::message_too_large);
    }
    SUBCASE("older than the topic takes") {
        f.config.message_timestamp_before_max_ms = milliseconds{1000};
        f.log->set_config(f.config);
        CHECK(refused(make_batch({.timestamp = now - 1001}, now)) == errc::invalid_timestamp);
        CHECK(refused(make_batch({.timestamp = now - 1000}, now)) == errc::none);
        return;
    }
    SUBCASE("from the future") {
        CHECK(refused(make_batch({.timestamp = now + 3'600'001}, now)) == errc::invalid_timestamp);
        CHECK(refused(make_batch({.timestamp = now + 3'600'000}, now)) == errc::none);
        return;
    }
    SUBCASE("no key in a compacted topic") {
        f.config.cleanup_policy = {"compact"};
        f.log->set_config(f.config);
        CHECK(refused(make_batch({.key = std::nullopt}, now)) == errc::invalid_record);
    }
    SUBCASE("larger than a segment") {
        f.config.segment_bytes = 100;
        f.log->set_config(f.config);
        CHECK(refused(make_batch({.values = {std::string(500, 'x')}}, now)) == errc::record_list_too_large);
    }
    CHECK(f.log->log_end_offset() == 0);
    CHECK(f.log->size_bytes() == 0);
}

namespace {

struct sent {
    timestamp_ms timestamp;
    std::optional<std::string> key = "key";
};

bytes batch_of(const std::vector<sent>& records, protocol::codec codec = protocol::codec::none) {
    protocol::batch_settings settings;
    settings.compression = codec;
    protocol::batch_builder builder{settings};
    for (const auto& each : records) {
        const auto key = each.key ? std::optional{as_bytes(*each.key)} : std::nullopt;
        REQUIRE(builder.append(each.timestamp, key, as_bytes(std::string_view{"value"})));
    }
    auto built = builder.finish();
    REQUIRE(built);
    return *std::move(built);
}

using places = std::vector<std::pair<std::int32_t, errc>>;

struct verdict {
    errc code;
    places records;
    std::string what;
};

verdict refusal_of(log_fixture& f, bytes batch) {
    std::vector<record_refusal> refused;
    const auto done = f.log->append(batch, 0, append_origin::client, &refused);
    verdict found{done.code(), {}, std::string{done.error().what()}};
    for (const auto& each : refused) found.records.emplace_back(each.index, each.code);
    return found;
}

}  // namespace

TEST_CASE("a refused batch names its records, each with the rule it breaks") {
    log_fixture f;
    f.config.cleanup_policy = {"compact"};
    f.config.message_timestamp_before_max_ms = milliseconds{1000};
    f.config.message_timestamp_after_max_ms = milliseconds{500};
    f.open();
    const auto now = f.time.wall_now();
    for (const auto codec : {protocol::codec::none, protocol::codec::zstd}) {
        CAPTURE(static_cast<int>(codec));
        {  // no key is an invalid record
            const auto found = refusal_of(f, batch_of({{now}, {now, std::nullopt}, {now}, {now, std::nullopt}}, codec));
            CHECK(found.code == errc::invalid_record);
            CHECK(found.records == places{{1, errc::invalid_record}, {3, errc::invalid_record}});
            CHECK(found.what == "orders-0: 2 of 4 records cannot be taken, and so none is; record 1: orders-0 is "
                                "compacted, and the record has no key");
        }
        {  // one timestamp out of range makes it the batch's error, a key that is missing stays told
            const auto found = refusal_of(f, batch_of({{now - 1001}, {now, std::nullopt}, {now - 1000}, {now + 501}}, codec));
            CHECK(found.code == errc::invalid_timestamp);
            CHECK(found.records ==
                  places{{0, errc::invalid_timestamp}, {1, errc::invalid_record}, {3, errc::invalid_timestamp}});
        }
        {  // a record without a timestamp does not hide how old another is
            const auto found = refusal_of(f, batch_of({{no_timestamp}, {now - 5000}}, codec));
            CHECK(found.code == errc::invalid_timestamp);
            CHECK(found.records == places{{1, errc::invalid_timestamp}});
            CHECK(refusal_of(f, batch_of({{no_timestamp}, {now - 1000}}, codec)).code == errc::none);
        }
        {  // what is wrong with the batch is no record's fault
            auto damaged = batch_of({{now, std::nullopt}}, codec);
            damaged.back() ^= std::byte{1};
            CHECK(refusal_of(f, damaged).records.empty());
        }
    }
}

TEST_CASE("an answer about a batch of very many records stays small") {
    log_fixture f;
    f.config.cleanup_policy = {"compact"};
    f.open();
    const std::vector<sent> many(20'000, {f.time.wall_now(), std::nullopt});
    const auto found = refusal_of(f, batch_of(many, protocol::codec::zstd));
    CHECK(found.records.size() == 10'000);
    CHECK(found.what.starts_with("orders-0: 20000 of 20000 records"));
}

TEST_CASE("where the broker stamps, a producer cannot say it did") {
    log_fixture f;
    f.config.message_timestamp_type = "LogAppendTime";
    f.open();
    auto batch = make_batch({.values = {"a", "b"}}, f.time.wall_now());
    protocol::stamp_append_time(batch, f.time.wall_now());
    const auto found = refusal_of(f, batch);
    CHECK(found.code == errc::invalid_timestamp);
    CHECK(found.records == places{{0, errc::invalid_timestamp}, {1, errc::invalid_timestamp}});
    f.config.message_timestamp_type = "CreateTime";
    f.log->set_config(f.config);
    CHECK(refusal_of(f, batch).code == errc::none);  // the claim is not believed
}

TEST_CASE("a whole batch followed by a cut one is stored without the cut one") {
    log_fixture f;
    f.open();
    auto batch = make_batch({}, f.time.wall_now());
    const auto size = batch.size();
    batch.insert(batch.end(), batch.begin(), batch.begin() + 30);
    REQUIRE(f.log->append(batch, 0, append_origin::client));
    CHECK(f.log->size_bytes() == size);
}

TEST_CASE("log append time is stamped over the producer's and told to it") {
    log_fixture f;
    f.config.message_timestamp_type = "LogAppendTime";
    f.open();
    const auto now = f.time.wall_now();
    const auto done = f.append({.timestamp = now - 500'000'000});
    CHECK(done.append_time == now);
    const auto found = f.log->offset_for_timestamp(now, 1);
    REQUIRE(found);
    REQUIRE(*found);
    CHECK((*found)->timestamp == now);
    CHECK(f.values() == strings{"value"});  // the checksum is right again
}

TEST_CASE("where an epoch ends is answered for epochs below the first too, and for none only when none is known") {
    log_fixture f;
    f.open();
    CHECK(f.log->end_of_epoch(-2).end_offset == -1);
    auto batches = make_batch({.values = {"a", "b"}, .base_offset = 0, .leader_epoch = 3}, 1000);
    const auto more = make_batch({.values = {"c"}, .base_offset = 2, .leader_epoch = 5}, 1000);
    batches.insert(batches.end(), more.begin(), more.end());
    REQUIRE(f.log->append_replicated(batches));
    const auto end = [&](std::int32_t epoch) {
        const auto found = f.log->end_of_epoch(epoch);
        return std::pair{found.epoch, found.end_offset};
    };
    using at = std::pair<std::int32_t, std::int64_t>;
    CHECK(end(-1) == at{-1, -1});
    CHECK(end(-2) == at{-2, 0});
    CHECK(end(2) == at{2, 0});
    CHECK(end(3) == at{3, 2});
    CHECK(end(4) == at{3, 2});
    CHECK(end(5) == at{5, 3});
    CHECK(end(6) == at{-1, -1});
}

TEST_CASE("a wrong max timestamp in the header is replaced by the records' own") {
    log_fixture f;
    f.open();
    auto batch = make_batch({.values = {"a", "b"}, .timestamp = 1000}, 0);
    store_big_endian(batch.data() + 35, std::int64_t{77});
    protocol::refresh_crc(batch);
    REQUIRE(f.log->append(batch, 0, append_origin::client));
    const auto found = f.log->offset_of_max_timestamp();
    REQUIRE(found);
    REQUIRE(*found);
    CHECK((*found)->timestamp == 1001);
    CHECK((*found)->offset == 1);
}

TEST_CASE("a topic with its own codec stores everything in it") {
    log_fixture f;
    f.config.compression_type = "zstd";
    f.open();
    for (const auto codec : {protocol::codec::none, protocol::codec::gzip, protocol::codec::snappy,
                             protocol::codec::lz4, protocol::codec::zstd})
        f.append({.values = {"one", "two"}, .codec = codec});
    const auto stored = f.content("00000000000000000000.log");
    bytes_view left = stored;
    int batches = 0;
    while (!left.empty()) {
        const auto batch = protocol::batch_view::open(left);
        REQUIRE(batch);
        CHECK(batch->codec_bits() == static_cast<std::uint8_t>(protocol::codec::zstd));
        left = left.subspan(batch->size());
        ++batches;
    }
    CHECK(batches == 5);
    CHECK(f.values().size() == 10);
}

TEST_CASE("a full disk refuses the batch, leaves no torn bytes, and the log goes on when there is room") {
    log_fixture f;
    f.open();
    f.append({.values = {"before"}});
    const auto size = f.content("00000000000000000000.log").size();
    f.files.fail_next_write(errc::no_space, ".log");
    const auto refused = f.try_append({.values = {std::string(5000, 'x')}});
    CHECK(refused.code() == errc::kafka_storage_error);
    CHECK(f.log->writable());
    CHECK(f.content("00000000000000000000.log").size() == size);
    f.append({.values = {"after"}});
    CHECK(f.values() == strings{"before", "after"});
}

TEST_CASE("a failed write or sync takes the log offline for good") {
    log_fixture f;
    f.open();
    f.append();
    SUBCASE("write") {
        f.files.fail_next_write(errc::io_error, ".log");
        CHECK(f.try_append({}).code() == errc::kafka_storage_error);
    }
    SUBCASE("sync") {
        f.files.fail_next_sync(errc::io_error, ".log");
        CHECK(f.log->flush().code() == errc::kafka_storage_error);
        CHECK(f.log->flushed_offset() == 0);
    }
    CHECK_FALSE(f.log->writable());
    CHECK(f.try_append({}).code() == errc::kafka_storage_error);
    CHECK(f.log->flush().code() == errc::kafka_storage_error);
    CHECK(f.log->begin_flush().files.empty());
    CHECK(f.log->close().code() == errc::kafka_storage_error);
    CHECK(f.log->failure().message().find("orders-0") != std::string::npos);
}

TEST_CASE("a flush covers what was written when it began") {
    log_fixture f;
    f.open();
    f.append();
    const auto ticket = f.log->begin_flush();
    CHECK(ticket.end_offset == 1);
    REQUIRE_FALSE(ticket.files.empty());
    f.append();
    for (const auto& each : ticket.files) REQUIRE(each->sync());
    f.log->finish_flush(ticket, {});
    CHECK(f.log->flushed_offset() == 1);
    CHECK(f.log->flush());
    CHECK(f.log->flushed_offset() == 2);
    CHECK(f.log->begin_flush().files.empty());
}

TEST_CASE("a flush that was under way during a truncation proves nothing") {
    log_fixture f;
    f.open();
    for (int i = 0; i < 5; ++i) f.append();
    const auto ticket = f.log->begin_flush();
    REQUIRE(f.log->truncate_to(2));
    for (int i = 0; i < 3; ++i) f.append();
    f.log->finish_flush(ticket, {});
    CHECK(f.log->flushed_offset() == 0);
}

TEST_CASE("segments roll by size, by record time, by full index and by offset distance") {
    log_fixture f;
    SUBCASE("size") {
        const auto one = make_batch({}, f.time.wall_now()).size();
        f.config.segment_bytes = static_cast<std::int32_t>(2 * one);
        f.open();
        for (int i = 0; i < 5; ++i) f.append();
        CHECK(f.log->segment_count() == 3);
        CHECK(f.has("00000000000000000002.log"));
        CHECK(f.has("00000000000000000004.log"));
        CHECK(f.has("00000000000000000000.index"));
        CHECK(f.has("00000000000000000000.timeindex"));
        CHECK(f.has("00000000000000000002.snapshot"));
        CHECK(f.values().size() == 5);
    }
    SUBCASE("record time") {
        f.config.segment_ms = milliseconds{1000};
        f.open();
        const auto now = f.time.wall_now();
        f.append({.timestamp = now - 5000});
        f.append({.timestamp = now - 4000});
        CHECK(f.log->segment_count() == 1);
        f.append({.timestamp = now - 3999});
        CHECK(f.log->segment_count() == 2);
    }
    SUBCASE("full index") {
        f.config.index_interval_bytes = 0;
        f.config.segment_index_bytes = 40;  // 5 offset entries, 3 time entries, one of which is kept
        f.open();
        for (int i = 0; i < 6; ++i) f.append({.timestamp = f.time.wall_now() + i});
        CHECK(f.log->segment_count() == 2);
    }
    SUBCASE("offset distance") {
        f.open();
        auto near = make_batch({.base_offset = 10, .leader_epoch = 1}, f.time.wall_now());
        REQUIRE(f.log->append_replicated(near));
        auto far = make_batch({.base_offset = 11 + 2147483648, .leader_epoch = 1}, f.time.wall_now());
        REQUIRE(f.log->append_replicated(far));
        CHECK(f.log->segment_count() == 2);
        CHECK(f.has("00000000002147483659.log"));
    }
}

TEST_CASE("a follower takes batches as they are, and only those that continue its log") {
    log_fixture f;
    f.open();
    auto batches = make_batch({.values = {"a", "b"}, .base_offset = 0, .leader_epoch = 3}, 1000);
    const auto more = make_batch({.values = {"c"}, .base_offset = 2, .leader_epoch = 4}, 1000);
    batches.insert(batches.end(), more.begin(), more.end());
    auto cut = batches;
    cut.insert(cut.end(), more.begin(), more.begin() + 20);
    const auto done = f.log->append_replicated(cut);
    REQUIRE(done);
    CHECK(done->first_offset == 0);
    CHECK(done->last_offset == 2);
    CHECK(f.content("00000000000000000000.log") == batches);
    CHECK(f.log->epoch_of(1) == 3);
    CHECK(f.log->epoch_of(2) == 4);
    CHECK(f.log->append_replicated(more).code() == errc::offset_out_of_range);
    auto damaged = make_batch({.base_offset = 3, .leader_epoch = 4}, 1000);
    damaged.back() ^= std::byte{1};
    CHECK(f.log->append_replicated(damaged).code() == errc::corrupt_message);
}

TEST_CASE("the quorum's batches keep the offsets and epochs they have") {
    log_fixture f;
    f.open();
    auto batch = make_batch({.values = {"a", "b"}, .base_offset = 0, .leader_epoch = 9}, 1000);
    const auto done = f.log->append(batch, 1, append_origin::raft);
    REQUIRE(done);
    CHECK(f.log->latest_epoch() == 9);
    auto behind = make_batch({.base_offset = 1, .leader_epoch = 9}, 1000);
    CHECK(f.log->append(behind, 1, append_origin::raft).code() == errc::invalid_record);
}
