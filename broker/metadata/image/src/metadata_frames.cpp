#include <weir/metadata/metadata_frames.hpp>

#include <weir/protocol/feature_levels.hpp>
#include <weir/protocol/metadata_record.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace weir::metadata {

namespace {

using namespace protocol;

/// The levels whose records are not those of the level before.
constexpr std::array<std::int16_t, 9> schema_changed_at{7, 8, 11, 13, 14, 15, 17, 23, 30};

/// The level that brought each record; 0 for those every supported level has.
constexpr std::int16_t brought_by(const auto&) { return 0; }
constexpr std::int16_t brought_by(const user_scram_credential_record&) { return 11; }
constexpr std::int16_t brought_by(const remove_user_scram_credential_record&) { return 11; }
constexpr std::int16_t brought_by(const begin_transaction_record&) { return 13; }
constexpr std::int16_t brought_by(const end_transaction_record&) { return 13; }
constexpr std::int16_t brought_by(const abort_transaction_record&) { return 13; }
constexpr std::int16_t brought_by(const delegation_token_record&) { return 14; }
constexpr std::int16_t brought_by(const remove_delegation_token_record&) { return 14; }
constexpr std::int16_t brought_by(const register_controller_record&) { return 15; }
constexpr std::int16_t brought_by(const clear_elr_record&) { return 23; }

std::int16_t version_at(const register_broker_record&, std::int16_t level) {
    return level >= 30 ? 4 : level >= 17 ? 3 : level >= 8 ? 2 : 1;
}
std::int16_t partition_version(std::int16_t level) { return level >= 23 ? 2 : level >= 17 ? 1 : 0; }
std::int16_t version_at(const partition_record&, std::int16_t level) { return partition_version(level); }
std::int16_t version_at(const partition_change_record&, std::int16_t level) { return partition_version(level); }
std::int16_t version_at(const broker_registration_change_record&, std::int16_t level) {
    return level >= 30 ? 3 : level >= 17 ? 2 : 1;
}
std::int16_t version_at(const auto&, std::int16_t) { return 0; }

// Fields of facilities a version does not have. Without the facility their content means nothing.
template <class Record>
void trim_partition(Record& record, std::int16_t version) {
    if (version < 1) record.directories = {};
    if (version < 2) record.eligible_leader_replicas = record.last_known_elr = std::nullopt;
}
void trim(partition_record& record, std::int16_t version) { trim_partition(record, version); }
void trim(partition_change_record& record, std::int16_t version) { trim_partition(record, version); }
void trim(register_broker_record& record, std::int16_t version) {
    if (version < 2) record.is_migrating_zk_broker = false;
    if (version < 3) record.log_dirs.clear();
    if (version < 4) record.cordoned_log_dirs = std::nullopt;
}
void trim(broker_registration_change_record& record, std::int16_t version) {
    if (version < 2) record.log_dirs.clear();
    if (version < 3) record.cordoned_log_dirs = std::nullopt;
}

template <class Record>
constexpr bool has_newer_fields = Record::max_version > 0;

}  // namespace

bool metadata_schema_changed(std::int16_t low, std::int16_t high) noexcept {
    return std::any_of(schema_changed_at.begin(), schema_changed_at.end(), [&](auto level) { return level > low && level <= high; });
}

std::int16_t record_version(const metadata_record& record, std::int16_t level) noexcept {
    return std::visit([&](const auto& each) { return version_at(each, level); }, record);
}

bool record_supported(const metadata_record& record, std::int16_t level) noexcept {
    return std::visit([&](const auto& each) { return brought_by(each) <= level; }, record);
}

result<bytes> encode_frame(const metadata_record& record, std::int16_t level) {
    return std::visit(
        [&](const auto& each) -> result<bytes> {
            if (brought_by(each) > level)
                return error{
                    errc::unsupported_version,
                    fmt::format("{} needs metadata.version {} ({}); the cluster is at {}: raise it with UpdateFeatures",
                                each.message_name, brought_by(each), metadata_version_name(brought_by(each)), level)};
            const auto version = version_at(each, level);
            writer out;
            if constexpr (has_newer_fields<std::remove_cvref_t<decltype(each)>>) {
                if (version < each.max_version) {
                    auto trimmed = each;
                    trim(trimmed, version);
                    if (auto done = encode_metadata_record(trimmed, version, out); !done) return done.error();
                    return out.take_bytes();
                }
            }
            if (auto done = encode_metadata_record(each, version, out); !done) return done.error();
            return out.take_bytes();
        },
        record);
}

result<std::vector<bytes>> encode_frames(std::span<const metadata_record> records, std::int16_t level) {
    std::vector<bytes> frames;
    frames.reserve(records.size());
    for (const auto& each : records) {
        auto frame = encode_frame(each, level);
        if (!frame) return frame.error();
        frames.push_back(std::move(*frame));
    }
    return frames;
}

result<metadata_record> decode_frame(bytes_view frame) {
    auto decoded = decode_metadata_record(frame);
    if (!decoded) return decoded.error();
    return std::move(decoded->record);
}

}  // namespace weir::metadata
