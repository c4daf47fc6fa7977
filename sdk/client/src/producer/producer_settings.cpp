#include "producer_settings.hpp"

#include "../config/resolve.hpp"
#include "../config/rows.hpp"

#include <weir/protocol/compression.hpp>

#include <fmt/format.h>

#include <limits>

namespace weir {
namespace detail {

template <>
struct word_table<acks> {
    static constexpr word<acks> all[] = {{"all", acks::all}, {"-1", acks::all}, {"1", acks::leader}, {"0", acks::none}};
};
template <>
struct word_table<compression> {
    static constexpr word<compression> all[] = {
        {"none", compression::none}, {"gzip", compression::gzip}, {"snappy", compression::snappy}, {"lz4", compression::lz4}, {"zstd", compression::zstd}};
};

namespace {

/// Kafka has a level per codec, which counts while that codec is chosen: these rows stand below compression.type. -1 is
/// gzip's own word for its default.
template <compression Codec>
setting level_row(std::string_view name, setting_range range, std::string_view doc) {
    return row_with<producer_config>(
        [](const setting& self, void* target, std::string_view text, std::int64_t factor) {
            auto& config = *static_cast<producer_config*>(target);
            std::optional<int> level;
            auto parsed = parse_text(self, text, factor, level);
            if (parsed && Codec == compression::gzip && level == 0) parsed = error{errc::invalid_setting, fmt::format("{}=0: allowed is a whole number from 1 to 9, or -1", self.name)};
            if (parsed && config.compression == Codec) config.compression_level = Codec == compression::gzip && level == -1 ? std::nullopt : level;
            return parsed;
        },
        [](const void* source) {
            const auto& config = *static_cast<const producer_config*>(source);
            return config.compression == Codec ? print_text(config.compression_level) : std::nullopt;
        },
        name, std::move(range), doc, setting_type::int32);
}

/// librdkafka has one level, of whatever codec is chosen; the row of that codec prints it. Stands below those.
setting level_row() {
    return row_with<producer_config>(
        [](const setting& self, void* target, std::string_view text, std::int64_t factor) {
            std::optional<int> level;
            auto parsed = parse_text(self, text, factor, level);
            if (parsed) static_cast<producer_config*>(target)->compression_level = level == -1 ? std::nullopt : level;
            return parsed;
        },
        [](const void*) -> std::optional<std::string> { return std::nullopt; }, "compression.level", any(),
        "librdkafka's name for the level of whatever compression.type says; -1: the codec's own default.", setting_type::int32);
}

}  // namespace
}  // namespace detail

std::span<const setting> producer_config::settings() {
    using detail::row;
    using config = producer_config;
    constexpr auto as_int = setting_type::int32;
    static const setting all[] = {
        row<&config::required_acks>("acks", any(), "How many replicas have a record before it counts as sent: all in sync (-1), the leader (1), or nobody asks (0).",
                                    synonym("request.required.acks")),
        row<&config::idempotence>("enable.idempotence", any(), "Neither duplicates nor gaps by retries; needs acks=all."),
        row<&config::linger>("linger.ms", at_least(0), "How long a batch may fill while its broker is busy; an idle broker gets it at once.", importance::high,
                             synonym("queue.buffering.max.ms")),
        row<&config::batch_size>("batch.size", at_least(0), "Bytes of a batch, before compression, at which it goes at once; while its broker is busy it grows further, up to max.request.size.", as_int),
        row<&config::max_request_size>("max.request.size", at_least(1), "Bytes of the largest record and of the largest request, a GiB at most.", as_int, synonym("message.max.bytes")),
        row<&config::compression>("compression.type", any(), "How batches are compressed.", importance::high, synonym("compression.codec")),
        detail::level_row<weir::compression::gzip>("compression.gzip.level", between(-1, 9), "The level where compression.type is gzip."),
        detail::level_row<weir::compression::lz4>("compression.lz4.level", between(1, 17), "The level where compression.type is lz4."),
        detail::level_row<weir::compression::zstd>("compression.zstd.level", between(-131072, 22), "The level where compression.type is zstd."),
        detail::level_row(),
        row<&config::buffer_memory>("buffer.memory", at_least(1), "Bytes of records that are not delivered yet; what happens then is when_full's and max.block.ms's.",
                                    importance::high, synonym("queue.buffering.max.kbytes", 1024)),
        row<&config::max_block>("max.block.ms", at_least(0), "How long a record waits for room in the buffer, or for its topic's partitions to be known, and a transaction to begin."),
        row<&config::delivery_timeout>("delivery.timeout.ms", at_least(1), "From send() to success or failure, retries included; more than linger.ms.",
                                       importance::high, synonym("message.timeout.ms")),
        row<&config::metadata_max_idle>("metadata.max.idle.ms", at_least(5000), "How long a topic that nothing is sent to stays known; it is looked up anew by the next record.", importance::low),
        row<&config::retries>("retries", at_least(0), "How often a batch is sent again; delivery.timeout.ms ends that otherwise.", synonym("message.send.max.retries")),
        row<&config::transactional_id>("transactional.id", any(), "Makes the producer transactional: one at a time has this id, and a new one fences the old.", importance::low),
        row<&config::transaction_timeout>("transaction.timeout.ms", between(1, std::numeric_limits<std::int32_t>::max()), "The coordinator aborts a transaction that is open for longer.", as_int),
        row<&config::partitioner_ignore_keys>("partitioner.ignore.keys", any(), "Records with a key go where there is room, too."),
        row<&config::partitioner_adaptive_partitioning>("partitioner.adaptive.partitioning.enable", any(), "Records without a key go the more often to a partition the shorter its queue is (KIP-794)."),
        row<&config::partitioner_availability_timeout>("partitioner.availability.timeout.ms", at_least(0), "Records without a key avoid a broker that took nothing for so long; 0: never."),
        row<&config::max_in_flight>("max.in.flight.requests.per.connection", at_least(1), "Requests under way to one broker; at most 5 with enable.idempotence.", synonym("max.in.flight")),
    };
    return all;
}

namespace detail {
namespace {

/// What no single setting shows.
error check(const producer_config& config) {
    const auto refuse = [](std::string text) { return error{errc::invalid_setting, std::move(text)}; };
    if (config.delivery_timeout <= config.linger) {
        return refuse(fmt::format("delivery.timeout.ms={}: allowed is more than linger.ms={}", config.delivery_timeout.count(), config.linger.count()));
    }
    if (config.idempotence && config.required_acks != acks::all) {
        return refuse(fmt::format("acks={}: allowed is -1 (all) with enable.idempotence=true", static_cast<int>(config.required_acks)));
    }
    if (config.idempotence && config.max_in_flight > 5) {
        return refuse(fmt::format("max.in.flight.requests.per.connection={}: allowed is 1 to 5 with enable.idempotence=true", config.max_in_flight));
    }
    if (config.idempotence && config.retries == 0) return refuse("retries=0: allowed is more with enable.idempotence=true");
    if (!config.transactional_id.empty() && !config.idempotence) return refuse("enable.idempotence=false: allowed is true with transactional.id");
    if (config.compression_level) {
        const auto range = protocol::levels_of(static_cast<protocol::codec>(config.compression));
        const auto name = protocol::codec_name(static_cast<protocol::codec>(config.compression));
        if (!range) return refuse(fmt::format("compression_level={}: {} has no levels", *config.compression_level, name));
        if (*config.compression_level < range->lowest || *config.compression_level > range->highest) {
            return refuse(fmt::format("compression.{}.level={}: allowed is {} to {}", name, *config.compression_level, range->lowest, range->highest));
        }
    }
    return {};
}

/// As Java's producer: idempotence that nobody asked for by name goes when other settings do not allow it.
void imply(producer_config& config, bool by_name) {
    if (!by_name && config.transactional_id.empty() && (config.required_acks != acks::all || config.retries == 0)) config.idempotence = false;
}

}  // namespace

producer_config settled(producer_config config, const client_settings& of_client) {
    const bool by_name = given_by_name(producer_config::settings(), "enable.idempotence", config.extra, of_client);
    if (auto why = resolve("producer", config, of_client)) throw exception{std::move(why)};
    imply(config, by_name);
    if (auto why = check(config)) throw exception{std::move(why)};
    return config;
}

}  // namespace detail
}  // namespace weir
