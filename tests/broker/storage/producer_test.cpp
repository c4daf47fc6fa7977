#include "log_fixture.hpp"

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::test;

namespace {

struct producer_fixture : log_fixture {
    producer_fixture() { open(); }
    batch_request batch(std::int32_t sequence, int records = 1, std::int16_t epoch = 0, std::int64_t id = 42) const {
        return {.values = std::vector<std::string>(static_cast<std::size_t>(records), "v"),
                .producer_id = id,
                .producer_epoch = epoch,
                .base_sequence = sequence};
    }
    errc send(std::int32_t sequence, int records = 1, std::int16_t epoch = 0, std::int64_t id = 42) {
        return try_append(batch(sequence, records, epoch, id)).code();
    }
    batch_request in_transaction(std::int64_t id, std::int32_t sequence, std::int16_t epoch = 0) const {
        auto request = batch(sequence, 1, epoch, id);
        request.transactional = true;
        return request;
    }
};

}  // namespace

TEST_CASE("the last five batches of a producer are recognised when they come again") {
    producer_fixture f;
    for (int i = 0; i < 7; ++i) CHECK(f.send(2 * i, 2) == errc::none);
    for (int i = 2; i < 7; ++i) {
        const auto again = f.append(f.batch(2 * i, 2));
        CHECK(again.duplicate);
        CHECK(again.first_offset == 2 * i);
        CHECK(again.last_offset == 2 * i + 1);
        CHECK(again.append_time == f.log->producers().at(0).last_timestamp);  // the batch's own, as in Kafka
    }
    CHECK(f.send(2, 2) == errc::out_of_order_sequence_number);   // too long ago
    CHECK(f.send(12, 1) == errc::out_of_order_sequence_number);  // the same start, another batch
    CHECK(f.log->log_end_offset() == 14);
}

TEST_CASE("sequences must go on, and begin at 0 in a new epoch") {
    producer_fixture f;
    CHECK(f.send(5) == errc::none);  // unknown producer: its first batches may have expired
    CHECK(f.send(7) == errc::out_of_order_sequence_number);
    CHECK(f.send(6) == errc::none);
    CHECK(f.send(3, 1, 1) == errc::out_of_order_sequence_number);
    CHECK(f.send(0, 1, 1) == errc::none);
    CHECK(f.send(7, 1, 0) == errc::invalid_producer_epoch);
    CHECK(f.send(0, 1, 0, 43) == errc::none);  // another producer
    CHECK(f.log->producers().size() == 2);
}

TEST_CASE("sequences wrap from 2147483647 to 0") {
    producer_fixture f;
    CHECK(f.send(2147483646, 4) == errc::none);  // ...46, ...47, 0, 1
    CHECK(f.log->producers().front().last_sequence == 1);
    CHECK(f.append(f.batch(2147483646, 4)).duplicate);
    CHECK(f.send(3) == errc::out_of_order_sequence_number);
    CHECK(f.send(2, 1) == errc::none);
    producer_fixture exact;
    CHECK(exact.send(2147483647) == errc::none);
    CHECK(exact.send(0) == errc::none);
}

TEST_CASE("idle producers are forgotten, but not in the middle of a transaction") {
    producer_fixture f;
    f.append(f.batch(0, 1, 0, 1));
    f.append(f.in_transaction(2, 0));
    f.time.advance(std::chrono::hours{23});
    f.append(f.batch(0, 1, 0, 3));
    f.log->expire_producers();
    CHECK(f.log->producers().size() == 3);
    f.time.advance(std::chrono::hours{1});
    f.log->expire_producers();
    const auto left = f.log->producers();
    REQUIRE(left.size() == 2);
    CHECK(left[0].producer_id == 2);
    CHECK(left[1].producer_id == 3);
}

TEST_CASE("producers and open transactions survive clean and unclean restarts") {
    producer_fixture f;
    for (int i = 0; i < 3; ++i) f.append(f.batch(i, 1, 4, 1));
    f.append(f.in_transaction(2, 0, 7));
    f.append(f.in_transaction(3, 0, 1));
    f.end_transaction(3, 1, false);
    const auto before = f.log->producers();
    for (const bool clean : {true, false}) {
        CAPTURE(clean);
        if (clean)
            f.reopen_clean();
        else
            f.open(0);
        const auto after = f.log->producers();
        REQUIRE(after.size() == before.size());
        for (std::size_t i = 0; i < after.size(); ++i) {
            CHECK(after[i].producer_id == before[i].producer_id);
            CHECK(after[i].epoch == before[i].epoch);
            CHECK(after[i].last_sequence == before[i].last_sequence);
            CHECK(after[i].coordinator_epoch == before[i].coordinator_epoch);
            CHECK(after[i].current_txn_start_offset == before[i].current_txn_start_offset);
        }
        CHECK(f.log->first_unstable_offset() == 3);
        CHECK(f.append(f.batch(2, 1, 4, 1)).duplicate);
    }
}

TEST_CASE("the last stable offset waits for the oldest open transaction") {
    producer_fixture f;
    f.append();                        // 0
    f.append(f.in_transaction(1, 0));  // 1
    f.append(f.in_transaction(2, 0));  // 2
    CHECK(f.log->first_unstable_offset() == 1);
    f.end_transaction(1, 0, true);  // 3
    CHECK(f.log->first_unstable_offset() == 2);
    // The marker is not below the high watermark yet: its outcome could still be lost.
    CHECK(f.log->first_unstable_offset(3) == 1);
    CHECK(f.log->first_unstable_offset(4) == 2);
    f.end_transaction(2, 0, false);  // 4
    CHECK_FALSE(f.log->first_unstable_offset());
    CHECK(f.log->first_unstable_offset(4) == 2);
    CHECK_FALSE(f.log->first_unstable_offset(5));
}

TEST_CASE("aborted transactions are listed with the data they touch") {
    producer_fixture f;
    f.config.segment_bytes = 300;
    f.log->set_config(f.config);
    f.append(f.in_transaction(1, 0));  // 0
    f.append(f.in_transaction(2, 0));  // 1
    f.append(f.in_transaction(1, 1));  // 2
    f.end_transaction(2, 0, true);     // 3
    f.append();                        // 4
    f.end_transaction(1, 0, false);    // 5
    f.append(f.in_transaction(3, 0));  // 6
    f.end_transaction(3, 0, false);    // 7
    f.append();                        // 8
    REQUIRE(f.log->segment_count() > 2);
    for (int round = 0; round < 3; ++round) {
        const auto aborted = [&](std::int64_t from, std::int64_t end) {
            std::vector<std::pair<std::int64_t, std::int64_t>> found;
            const auto read = f.log->read(from, 1 << 20, end, true, true);
            REQUIRE(read);
            for (const auto& each : read->aborted) found.emplace_back(each.producer_id, each.first_offset);
            return found;
        };
        using list = std::vector<std::pair<std::int64_t, std::int64_t>>;
        CHECK(aborted(0, 9) == list{{1, 0}});
        CHECK(aborted(4, 9) == list{{1, 0}, {3, 6}});
        CHECK(aborted(6, 9) == list{{3, 6}});
        CHECK(aborted(8, 9) == list{});
        if (round == 0) f.reopen_clean();
        if (round == 1) f.open(0);  // the index is rebuilt with the same content
    }
}

TEST_CASE("the transaction index holds what Kafka's does") {
    producer_fixture f;
    f.append(f.in_transaction(77, 0));  // 0
    f.append(f.in_transaction(78, 0));  // 1
    f.end_transaction(78, 0, false);    // 2: 77 is open since 0
    f.end_transaction(77, 0, false);    // 3: nothing is open, stable up to 4
    bytes expected;
    for (const auto& [id, first, last, stable] :
         std::vector<std::array<std::int64_t, 4>>{{78, 1, 2, 0}, {77, 0, 3, 4}}) {
        expected.resize(expected.size() + 2);
        for (const auto number : {id, first, last, stable}) {
            expected.resize(expected.size() + 8);
            store_big_endian(expected.data() + expected.size() - 8, number);
        }
    }
    CHECK(f.content("00000000000000000000.txnindex") == expected);
}

TEST_CASE("markers may carry the bumped epoch, never an older one") {
    producer_fixture f;
    f.append(f.in_transaction(1, 0, 5));
    CHECK(f.try_marker(1, 4, true).code() == errc::invalid_producer_epoch);
    CHECK(f.try_marker(1, 6, true));  // transaction.version 2
    CHECK(f.log->producers().front().epoch == 6);
    CHECK(f.try_append(f.in_transaction(1, 1, 5)).code() == errc::invalid_producer_epoch);
    CHECK(f.try_append(f.in_transaction(1, 0, 6)));
    CHECK(f.try_marker(1, 6, false, 3));
    CHECK(f.try_marker(1, 6, false, 2).code() == errc::transaction_coordinator_fenced);
}

TEST_CASE("a plain batch inside the producer's own transaction is refused") {
    producer_fixture f;
    f.append(f.in_transaction(1, 0));
    CHECK(f.send(1, 1, 0, 1) == errc::invalid_txn_state);
}

TEST_CASE("the producer snapshot is byte for byte Kafka's") {
    producer_fixture f;
    f.append();
    REQUIRE(f.log->close());
    const std::vector<unsigned> empty{0x00, 0x01, 0x48, 0x67, 0x4b, 0xc7, 0, 0, 0, 0};
    bytes expected;
    for (const auto byte : empty) expected.push_back(static_cast<std::byte>(byte));
    CHECK(f.content("00000000000000000001.snapshot") == expected);

    f.open(1, true);
    auto request = f.batch(10, 3, 6, 0x0102);
    request.timestamp = 0x1122;
    f.append(request);
    REQUIRE(f.log->close());
    const auto snapshot = f.content("00000000000000000004.snapshot");
    REQUIRE(snapshot.size() == 10 + 46);
    const auto* entry = snapshot.data() + 10;
    CHECK(load_big_endian<std::int32_t>(snapshot.data() + 6) == 1);
    CHECK(load_big_endian<std::int64_t>(entry) == 0x0102);
    CHECK(load_big_endian<std::int16_t>(entry + 8) == 6);
    CHECK(load_big_endian<std::int32_t>(entry + 10) == 12);
    CHECK(load_big_endian<std::int64_t>(entry + 14) == 3);
    CHECK(load_big_endian<std::int32_t>(entry + 22) == 2);
    CHECK(load_big_endian<std::int64_t>(entry + 26) == 0x1124);
    CHECK(load_big_endian<std::int32_t>(entry + 34) == -1);
    CHECK(load_big_endian<std::int64_t>(entry + 38) == -1);
    CHECK_FALSE(f.has("00000000000000000001.snapshot"));  // has served
}
