#include "support.hpp"

#include <weir/base/files.hpp>
#include <weir/base/network.hpp>
#include <weir/protocol/frames.hpp>
#include <weir/protocol/messages/fetch.hpp>
#include <weir/protocol/messages/produce.hpp>

#include <doctest/doctest.h>

#include <algorithm>

using namespace weir;
using namespace weir::protocol;

namespace {

// A file that holds `content` and can be told to be shorter than that.
class text_file final : public file {
public:
    explicit text_file(std::string content) : content_(std::move(content)) {}
    result<std::size_t> read_at(std::uint64_t offset, mutable_bytes into) const override {
        if (offset >= content_.size()) return std::size_t{0};
        const auto part = std::string_view{content_}.substr(offset, into.size());
        std::ranges::copy(as_bytes(part), into.begin());
        return part.size();
    }
    result<void> write_at(std::uint64_t, std::span<const bytes_view>) override { return errc::io_error; }
    result<void> truncate(std::uint64_t) override { return errc::io_error; }
    result<std::uint64_t> size() const override { return std::uint64_t{content_.size()}; }
    result<void> sync() override { return errc::io_error; }
    const std::string& path() const noexcept override { return path_; }

private:
    std::string content_;
    std::string path_ = "orders-0/00000000000000000000.log";
};

fetch_response answer_with(std::vector<record_data> records) {
    fetch_response answer;
    auto& topic = answer.responses.emplace_back();
    topic.topic_id = {1, 2};
    for (auto& data : records) topic.partitions.emplace_back().records = std::move(data);
    return answer;
}

bytes flatten(const std::vector<write_piece>& pieces) {
    bytes all;
    for (const auto& piece : pieces) {
        bytes part(piece.size());
        if (piece.source)
            REQUIRE(*piece.source->read_at(piece.source_offset, part) == part.size());
        else
            std::ranges::copy(piece.memory, part.begin());
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

}  // namespace

TEST_CASE("records of a produce request are views into its bytes") {
    produce_request request{.acks = 1};
    request.topic_data.emplace_back().partition_data.push_back({.records = record_data{to_bytes("batch")}});
    const auto content = *encode(request, 9);
    const auto read = decode<produce_request>(content, 9);
    REQUIRE(read);
    const auto& records = read->topic_data[0].partition_data[0].records;
    CHECK(as_text(records.memory()) == "batch");
    CHECK(records.memory().data() > content.data());
    CHECK(records.memory().data() < content.data() + content.size());
    CHECK(records.owner() == nullptr);
}

TEST_CASE("a reader with an owner hands it to the records it finds") {
    const auto content = std::make_shared<const bytes>(*encode(answer_with({record_data{to_bytes("kept")}}), 13));
    record_data kept;
    {
        reader in{*content, content};
        kept = (*decode<fetch_response>(in, 13)).responses[0].partitions[0].records;
    }
    CHECK(kept.owner() == content);
    CHECK(as_text(kept.memory()) == "kept");
}

TEST_CASE("null, empty and present records differ, in both encodings") {
    for (const std::int16_t version : {11, 12}) {
        for (const auto& data : {record_data{}, record_data{bytes{}}, record_data{to_bytes("x")}}) {
            auto answer = answer_with({data});
            answer.responses[0].topic_id = {};
            const auto content = *encode(answer, version);  // the records are views into it
            const auto read = decode<fetch_response>(content, version);
            REQUIRE(read);
            CHECK(read->responses[0].partitions[0].records == data);
            CHECK(read->responses[0].partitions[0].records.is_null() == data.is_null());
        }
    }
}

TEST_CASE("an answer goes out in pieces where its records are a file range or large shared memory") {
    const auto source = std::make_shared<text_file>("0123456789");
    const auto large = std::make_shared<const bytes>(writer::splice_bytes, std::byte{'L'});
    const auto answer = answer_with(
        {record_data{source, 2, 5}, record_data{to_bytes("small")}, record_data{*large, large}, record_data{}});
    const auto pieces = encode_response_frame(answer, 13, 5);
    REQUIRE(pieces);
    REQUIRE(pieces->size() == 5);
    CHECK((*pieces)[1].source == source);
    CHECK((*pieces)[1].source_offset == 2);
    CHECK((*pieces)[1].source_bytes == 5);
    CHECK((*pieces)[3].memory.data() == large->data());
    CHECK((*pieces)[3].owner == large);

    const auto all = flatten(*pieces);
    CHECK(load_big_endian<std::int32_t>(all.data()) == static_cast<std::int32_t>(all.size()) - 4);
    CHECK(to_bytes(bytes_view{all}.subspan(4 + 5)) == *encode(answer, 13));
    const auto read = decode<fetch_response>(bytes_view{all}.subspan(4 + 5), 13);
    REQUIRE(read);
    const auto& partitions = read->responses[0].partitions;
    CHECK(as_text(partitions[0].records.memory()) == "23456");
    CHECK(as_text(partitions[1].records.memory()) == "small");
    CHECK(partitions[2].records.size() == large->size());
    CHECK(partitions[3].records.is_null());
}

TEST_CASE("memory without an owner is copied, so that pieces never dangle") {
    const bytes borrowed(writer::splice_bytes * 2, std::byte{'b'});
    const auto pieces = encode_response_frame(answer_with({record_data{bytes_view{borrowed}}}), 13, 5);
    REQUIRE(pieces);
    CHECK(pieces->size() == 1);
}

TEST_CASE("a file that is shorter than its range is an error that names it") {
    const auto source = std::make_shared<text_file>("short");
    const auto content = encode(answer_with({record_data{source, 3, 100}}), 13);
    CHECK(content.code() == errc::io_error);
    CHECK(test::names(content, {"orders-0/00000000000000000000.log", "100"}));
}
