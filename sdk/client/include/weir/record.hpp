// A record as a consumer hands it out.
#pragma once
#include <weir/serde.hpp>

#include <compare>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

struct topic_partition {
    std::string topic{};
    std::int32_t partition = 0;
    friend auto operator<=>(const topic_partition&, const topic_partition&) = default;
};

/// "orders-3", as Kafka writes it.
std::string to_string(const topic_partition& where);

struct header_view {
    std::string_view name{};
    std::optional<bytes_view> value{};
};

/// The headers of one record, in order, duplicates included: a forward range that reads them where they are.
class record_headers {
public:
    record_headers() noexcept = default;
    /// For the library: exactly `count` headers in the form of a record batch, already checked.
    record_headers(bytes_view encoded, std::int32_t count) noexcept : encoded_(encoded), count_(count) {}

    class iterator {
    public:
        using value_type = header_view;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::forward_iterator_tag;
        iterator() noexcept = default;
        iterator(bytes_view rest, std::int32_t left) noexcept : rest_(rest), left_(left) { load(); }
        const header_view& operator*() const noexcept { return now_; }
        const header_view* operator->() const noexcept { return &now_; }
        iterator& operator++() noexcept {
            --left_;
            load();
            return *this;
        }
        iterator operator++(int) noexcept {
            auto before = *this;
            ++*this;
            return before;
        }
        bool operator==(const iterator& other) const noexcept { return left_ == other.left_; }

    private:
        void load() noexcept;
        bytes_view rest_{};
        std::int32_t left_ = 0;
        header_view now_{};
    };
    iterator begin() const noexcept { return {encoded_, count_}; }
    iterator end() const noexcept { return {}; }
    std::size_t size() const noexcept { return static_cast<std::size_t>(count_); }
    bool empty() const noexcept { return count_ == 0; }
    /// The last header of that name, as Kafka's lastHeader().
    std::optional<header_view> find(std::string_view name) const noexcept;

private:
    bytes_view encoded_{};
    std::int32_t count_ = 0;
};

/// Where a record came from. Views: valid as long as the record's batch, in a loop until the next record.
struct record_info {
    std::string_view topic{};
    std::int32_t partition = -1;
    std::int32_t leader_epoch = -1;  ///< of the leader that appended it; -1 in formats before 2
    std::int64_t offset = -1;
    timestamp time{};                ///< the producer's, or the broker's where the topic has log append time
    record_headers headers{};
    bool append_time = false;        ///< `time` is the broker's
    topic_partition where() const { return {std::string{topic}, partition}; }
};

template <class K, class V>
struct record {
    K key{};
    V value{};
    record_info info{};
};

namespace detail {
/// A record where it lies in the fetched bytes. A size below 0 is null.
struct raw_record {
    const std::byte* key;
    const std::byte* value;
    const std::byte* headers;
    std::int64_t offset;
    std::int64_t time;
    std::int32_t key_size;
    std::int32_t value_size;
    std::int32_t headers_size;
    std::int32_t header_count;

    static bytes_view field(const std::byte* at, std::int32_t size) noexcept {
        return size < 0 ? bytes_view{} : bytes_view{at, static_cast<std::size_t>(size)};
    }
    bytes_view key_bytes() const noexcept { return field(key, key_size); }
    bytes_view value_bytes() const noexcept { return field(value, value_size); }
    void describe(record_info& into) const noexcept {
        into.offset = offset;
        into.time = timestamp{weir::duration{time}};
        into.headers = record_headers{field(headers, headers_size), header_count};
    }
};
}  // namespace detail

}  // namespace weir
