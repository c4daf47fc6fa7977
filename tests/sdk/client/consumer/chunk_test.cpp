// What a fetch brought, cut into records.
#include "consumer/chunk.hpp"
#include "fetched_batches.hpp"

using namespace weir;
using namespace weir::detail;
using test::batch;
using test::marker;

namespace {

bytes joined(const std::vector<bytes>& parts) {
    bytes all;
    for (const auto& each : parts) all.insert(all.end(), each.begin(), each.end());
    return all;
}
chunk made(bytes content, std::int64_t from = 0, std::vector<aborted_transaction> aborted = {}, chunk_settings how = {true, true}) {
    const auto owner = std::make_shared<bytes>(std::move(content));
    return {bytes_view{*owner}, owner, from, std::move(aborted), how};
}
/// "offset:value" of every record.
std::vector<std::string> all_of(chunk& from, std::size_t at_once = 3) {
    std::vector<std::string> found;
    std::vector<raw_record> room(at_once);
    for (;;) {
        const auto count = from.read(room);
        REQUIRE_MESSAGE(count, count.error().message());
        if (*count == 0) return found;
        for (std::size_t i = 0; i < *count; ++i) found.push_back(std::to_string(room[i].offset) + ":" + std::string{as_text(room[i].value_bytes())});
    }
}
using strings = std::vector<std::string>;

}  // namespace

TEST_CASE("records of several batches, in every codec, from the wanted offset on") {
    for (const auto codec : {protocol::codec::none, protocol::codec::gzip, protocol::codec::snappy, protocol::codec::lz4, protocol::codec::zstd}) {
        auto both = made(joined({batch(10, {"a", "b", "c", "d"}, -1, codec), batch(14, {"e", "f"}, -1, codec)}), 12);
        CHECK(both.end_offset() == 16);
        CHECK(both.end_epoch() == 3);
        CHECK(all_of(both) == strings{"12:c", "13:d", "14:e", "15:f"});
        CHECK(both.next_offset() == 16);
    }
}

TEST_CASE("a batch that the answer cuts off belongs to the next answer") {
    auto content = joined({batch(0, {"a"}), batch(1, {"b"})});
    content.resize(content.size() - 5);
    auto cut = made(content);
    CHECK(cut.end_offset() == 1);
    CHECK(all_of(cut) == strings{"0:a"});
    auto nothing = made(bytes(content.begin(), content.begin() + 20));
    CHECK(nothing.empty());
}

TEST_CASE("going back reads the rest of a batch again") {
    auto whole = made(joined({batch(0, {"a", "b", "c", "d"}, -1, protocol::codec::zstd), batch(4, {"e"})}));
    std::vector<raw_record> room(3);
    REQUIRE(*whole.read(room) == 3);
    whole.rewind(1);
    CHECK(all_of(whole) == strings{"1:b", "2:c", "3:d", "4:e"});
}

TEST_CASE("a wrong checksum is refused at its offset, or let through when nobody checks") {
    auto content = joined({batch(0, {"a"}), batch(1, {"b"})});
    content.back() ^= std::byte{1};  // the header count of b's record
    content[content.size() - 2] ^= std::byte{1};
    auto checked = made(content);
    std::vector<raw_record> room(3);
    CHECK(*checked.read(room) == 1);
    const auto broken = checked.read(room);
    CHECK(broken.code() == errc::corrupt_message);
    CHECK(checked.next_offset() == 1);
}

TEST_CASE("what is kept stays, whatever is read afterwards") {
    auto compressed = made(joined({batch(0, {"first"}, -1, protocol::codec::lz4), batch(1, {"second"}, -1, protocol::codec::lz4)}));
    std::vector<raw_record> room(3);
    std::vector<std::shared_ptr<const void>> keep;
    REQUIRE(*compressed.read(room) == 1);
    const auto first = room[0];
    compressed.keep(keep);
    REQUIRE(*compressed.read(room) == 1);
    compressed = chunk{};
    CHECK(as_text(first.value_bytes()) == "first");
}

TEST_CASE("a decompressed batch counts for as long as anybody holds it, and another waits while too much is held") {
    const auto budget = std::make_shared<byte_budget>(10'000);
    int told = 0;
    budget->on_room([&] { ++told; });
    const auto big = [](std::int64_t offset, char letter) { return batch(offset, {std::string(30'000, letter)}, -1, protocol::codec::zstd); };
    auto compressed = made(joined({big(0, 'a'), big(1, 'b'), batch(2, {"plain"})}), 0, {}, {true, true, budget});
    CHECK(budget->used() == 0);
    std::vector<raw_record> room(3);
    REQUIRE(*compressed.read(room) == 1);
    CHECK(compressed.size() < 1000);
    CHECK(budget->used() >= 30'000);
    std::vector<std::shared_ptr<const void>> keep;
    compressed.keep(keep);
    CHECK(compressed.read(room).code() == errc::buffer_full);
    CHECK(compressed.more().code() == errc::buffer_full);
    CHECK(budget->starved());
    CHECK(as_text(room[0].value_bytes()) == std::string(30'000, 'a'));
    keep.clear();
    compressed.pack();
    CHECK(told == 1);
    CHECK(budget->used() == 0);
    CHECK(*compressed.more());
    CHECK(compressed.unpacked());
    compressed.pack();  // in the middle: read again
    CHECK(budget->used() == 0);
    CHECK(all_of(compressed) == strings{"1:" + std::string(30'000, 'b'), "2:plain"});
    compressed = chunk{};
    CHECK(budget->used() == 0);
}

TEST_CASE("read committed leaves out what was aborted, up to its marker, and markers are for nobody") {
    // Producers 1 and 2 at once: 1 aborts, 2 commits, then 1 commits something else.
    const auto content = joined({batch(0, {"plain"}), batch(1, {"one", "one"}, 1), batch(3, {"two"}, 2), batch(4, {"one"}, 1), marker(5, 1, false), marker(6, 2, true),
                                 batch(7, {"again"}, 1), marker(8, 1, true)});
    auto committed = made(content, 0, {{1, 1}});
    CHECK(all_of(committed) == strings{"0:plain", "3:two", "7:again"});
    CHECK(committed.next_offset() == 9);
    auto everything = made(content, 0, {}, {true, false});
    CHECK(all_of(everything) == strings{"0:plain", "1:one", "2:one", "3:two", "4:one", "7:again"});
}

TEST_CASE("two aborted transactions of one producer, and one that began before the fetch") {
    const auto content = joined({batch(10, {"open before"}, 7), marker(11, 7, false), batch(12, {"good"}, 7), marker(13, 7, true), batch(14, {"bad"}, 7), marker(15, 7, false), batch(16, {"plain"})});
    auto committed = made(content, 10, {{7, 14}, {7, 3}});
    CHECK(all_of(committed) == strings{"12:good", "16:plain"});
}
