// Records that cannot be decoded, on their way to the topic for such.
#pragma once
#include "letters_under_way.hpp"

#include <weir/producer.hpp>

namespace weir::detail {

/// A letter is the record as it came (key, value, headers, time), with headers that say where it was and what is wrong with it.
/// Belongs to who has the client: nothing below keeps that.
class dead_letters {
public:
    dead_letters(const client& on, event_loop& loop, std::string topic, std::string group, std::shared_ptr<inbox> from, std::shared_ptr<letters_under_way> state);
    /// Never blocks. A letter that is lost is an error of the inbox.
    void send(const feed_ptr& of, const raw_record& which, const error& why);

private:
    producer out_;
    event_loop& loop_;
    const std::string group_;
    const topic<std::optional<bytes_view>, std::optional<bytes_view>> to_;
    std::shared_ptr<inbox> inbox_;
    std::shared_ptr<letters_under_way> state_;
};

}  // namespace weir::detail
