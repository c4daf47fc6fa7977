#include "../config/rows.hpp"

#include <weir/share_consumer.hpp>

namespace weir {
namespace detail {

template <>
struct word_table<acquire_mode> {
    static constexpr word<acquire_mode> all[] = {{"batch_optimized", acquire_mode::batch_optimized}, {"record_limit", acquire_mode::record_limit}};
};

namespace {

/// Two words in Kafka, a flag here.
setting acknowledgement_row() {
    return row_with<share_consumer_config>(
        [](const setting& self, void* target, std::string_view text, std::int64_t) -> result<void> {
            std::string word{text};
            const bool in_words = same_word(text, "explicit");
            if (!in_words && !same_word(text, "implicit")) return parse_field(self, text, 1, word);  // says what is allowed
            static_cast<share_consumer_config*>(target)->explicit_ack = in_words;
            return {};
        },
        [](const void* source) -> std::optional<std::string> { return static_cast<const share_consumer_config*>(source)->explicit_ack ? "explicit" : "implicit"; },
        "share.acknowledgement.mode", one_of("implicit", "explicit"),
        "Records without a verdict are accepted when the next one is asked for (implicit), or released (explicit).", setting_type::string);
}

}  // namespace
}  // namespace detail

std::span<const setting> share_consumer_config::settings() {
    using detail::row;
    using config = share_consumer_config;
    constexpr auto as_int = setting_type::int32;
    static const setting all[] = {
        row<&config::group_id>("group.id", any(), "The share group.", importance::high),
        detail::acknowledgement_row(),
        row<&config::acquire>("share.acquire.mode", any(), "Whole batches of the producer, or never more than max.poll.records, from one broker at a time."),
        row<&config::max_poll_records>("max.poll.records", at_least(1), "Records that are borrowed at a time."),
        row<&config::max_wait>("fetch.max.wait.ms", at_least(0), "How long a broker that has nothing waits for something.", as_int),
        row<&config::fetch_min_bytes>("fetch.min.bytes", at_least(0), "Bytes that are worth an answer.", as_int),
        row<&config::fetch_max_bytes>("fetch.max.bytes", at_least(0), "Bytes of one broker's answer; a larger batch comes whole.", as_int),
        row<&config::check_crcs>("check.crcs", any(), "Whether what was fetched is checked for damage."),
        row<&config::rack>("client.rack", any(), "Where the consumer is."),
        row<&config::max_poll_interval>("max.poll.interval.ms", at_least(1), "A member that asks for no records for that long leaves the group.", as_int),
        row<&config::default_api_timeout>("default.api.timeout.ms", at_least(0), "How long commit() waits for the brokers' word."),
    };
    return all;
}

}  // namespace weir
