#include "dead_letters.hpp"

#include <fmt/format.h>

namespace weir::detail {
namespace {

std::optional<bytes_view> field(const std::byte* at, std::int32_t size) {
    if (size < 0) return std::nullopt;
    return raw_record::field(at, size);
}

}  // namespace

dead_letters::dead_letters(const client& on, event_loop& loop, std::string topic, std::string group, std::shared_ptr<inbox> from, std::shared_ptr<letters_under_way> state)
    : out_(on), loop_(loop), group_(std::move(group)), to_(std::move(topic)), inbox_(std::move(from)), state_(std::move(state)) {}

void dead_letters::send(const feed_ptr& of, const raw_record& which, const error& why) {
    letter sent{of, which.offset, which.key_bytes().size() + which.value_bytes().size() + static_cast<std::size_t>(which.headers_size), 0};
    if (!state_->begin(sent)) return;
    send_options options;
    if (which.time != no_timestamp) options.time = timestamp{duration{which.time}};
    for (const auto& each : record_headers{raw_record::field(which.headers, which.headers_size), which.header_count}) {
        options.headers.push_back({std::string{each.name}, each.value ? std::optional<bytes>{to_bytes(*each.value)} : std::nullopt});
    }
    const auto say = [&](const char* name, std::string_view value) { options.headers.push_back({std::string{"__consumer.errors."} + name, to_bytes(as_bytes(value))}); };
    say("topic", of->topic);
    say("partition", std::to_string(of->partition));
    say("offset", std::to_string(which.offset));
    if (!group_.empty()) say("group", group_);
    say("message", why.what());
    // On the loop, whoever finds out: this thread may hold what the inbox needs to tell of an error.
    auto ended = [&loop = loop_, state = state_, from = inbox_, sent = std::move(sent), to = to_.name()](error failure) {
        loop.post([state, from, sent, to, failure = std::move(failure)] {
            if (!failure) return state->end(sent, {});
            const auto lost = error{failure.code(), fmt::format("{}-{}: the record at offset {} cannot be decoded, and did not get to the dead letter topic '{}'; nothing behind it is committed", sent.of->topic, sent.of->partition, sent.offset, to), failure}
                                  .located(sent.of->topic, sent.of->partition, sent.offset);
            state->end(sent, lost);
            from->put_error(lost);
        });
    };
    auto queued = out_.enqueue(to_, field(which.key, which.key_size), field(which.value, which.value_size), options);
    queued.when_ready([ended = std::move(ended)](op<delivery> by) mutable {
        auto on_its_way = by.take();
        if (!on_its_way) return ended(on_its_way.error());
        on_its_way->when_ready([ended = std::move(ended)](op<record_metadata> outcome) { ended(outcome.take().error()); }, continue_on::any_thread);
    }, continue_on::any_thread);
}

}  // namespace weir::detail
