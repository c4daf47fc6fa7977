#include "outbound.hpp"

namespace weir::detail {
namespace {
thread_local std::unique_ptr<own_sinks::pair> spare;
}

own_sinks::own_sinks() : mine_(spare ? std::move(spare) : std::make_unique<pair>()) {}
own_sinks::~own_sinks() { spare = std::move(mine_); }

outbound::outbound(const own_sinks& sinks, const erased& key, const erased& value, const clock& time, const send_options* given, std::int64_t transaction) {
    encode(key, sinks->key, record.key);
    encode(value, sinks->value, record.value);
    record.transaction = transaction;
    if (given) take(*given);
    if (!given || !given->time) record.time = time.wall_now();
}

void outbound::take(const send_options& from) {
    record.partition = from.partition;
    if (from.time) record.time = from.time->time_since_epoch().count();
    views.clear();
    for (const auto& each : from.headers) views.push_back({each.name, each.value ? std::optional<bytes_view>{*each.value} : std::nullopt});
    record.headers = views;
}

kept_record::kept_record(outbound&& from, std::string_view of_topic) : out(std::move(from)), topic(of_topic) {
    auto& record = out.record;
    if (record.key) record.key = key_.emplace(to_bytes(*record.key));
    if (record.value) record.value = value_.emplace(to_bytes(*record.value));
    for (auto& each : out.views) {
        auto& own = headers_.emplace_back(header{std::string{each.key}, each.value ? std::optional<bytes>{to_bytes(*each.value)} : std::nullopt});
        each.value = own.value ? std::optional<bytes_view>{*own.value} : std::nullopt;
    }
    for (std::size_t i = 0; i < headers_.size(); ++i) out.views[i].key = headers_[i].name;
    record.headers = out.views;
}

}  // namespace weir::detail
