// A record between the call that sends it and its batch.
#pragma once
#include "accumulator.hpp"

#include <weir/producer.hpp>

#include <memory>

namespace weir::detail {

/// Memory for the encoded fields of a record whose owner may call user code, which may send too, before they are in a batch.
class own_sinks {
public:
    struct pair {
        byte_sink key, value;
    };
    own_sinks();
    own_sinks(const own_sinks&) = delete;
    own_sinks& operator=(const own_sinks&) = delete;
    ~own_sinks();
    pair* operator->() const noexcept { return mine_.get(); }

private:
    std::unique_ptr<pair> mine_;
};

// Into its place: see batch_builder about copies.
inline void encode(const erased& field, byte_sink& sink, std::optional<bytes_view>& into) {
    if (!field.value || (field.ops->is_null && field.ops->is_null(field.value))) return;
    if (field.ops->view) {
        into.emplace(field.ops->view(field.value));
        return;
    }
    sink.clear();
    field.ops->encode(field.state, field.value, sink);
    into.emplace(sink.view());
}

/// What is known of it on its way.
struct outbound {
    encoded_record record;
    std::vector<protocol::header_view> views;
    send_options options;  // when a hook may have changed them
    bool chosen = false;   // the partition was asked for, and is

    /// The record's bytes may lie in `sinks`. `given`: nullptr without options.
    outbound(const own_sinks& sinks, const erased& key, const erased& value, const clock& time, const send_options* given, std::int64_t transaction);
    void take(const send_options& from);
    /// As a hook or a partitioner sees it.
    outgoing_record shown(std::string_view topic) const { return {topic, record.key, record.value, {record.partition, timestamp{duration{record.time}}, {}}}; }
};

/// One that waits for its topic or for room, with bytes of its own.
struct kept_record {
    kept_record(outbound&& from, std::string_view of_topic);
    kept_record(const kept_record&) = delete;
    kept_record& operator=(const kept_record&) = delete;

    outbound out;
    std::string topic;
    bool learning = false;  ///< the topic is being asked for

private:
    std::optional<bytes> key_, value_;
    std::vector<header> headers_;
};

}  // namespace weir::detail
