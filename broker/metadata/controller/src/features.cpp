// UpdateFeatures, and the first records of an empty log.
#include "cluster_view.hpp"

#include <weir/metadata/metadata_frames.hpp>
#include <weir/protocol/feature_levels.hpp>

#include <fmt/format.h>

#include <map>
#include <set>

namespace weir::metadata {

namespace {

using namespace protocol;
using feature_update = update_features_request::feature_update_key;

constexpr std::string_view metadata_version_feature = "metadata.version";
constexpr std::string_view elr_feature = "eligible.leader.replicas.version";
constexpr std::int16_t elr_needs = 23;  // metadata.version

enum class upgrade : std::int8_t { upgrade = 1, safe_downgrade = 2, unsafe_downgrade = 3 };

error refuse(const feature_update& update, std::string why) {
    return error{errc::invalid_update_version, fmt::format("Invalid update version {} for feature {}. {}",
                                                           update.max_version_level, update.feature, why)};
}

/// A node that does not mention a feature has it off: level 0 suits it.
bool supports(const feature_ranges& ranges, const std::string& feature, std::int16_t level) {
    const auto at = ranges.find(feature);
    if (at == ranges.end()) return level == 0;
    return level == 0 ? at->second.min <= 0 || feature != metadata_version_feature
                      : level >= at->second.min && level <= at->second.max;
}

result<void> check_support(const cluster_view& view, const feature_update& update) {
    const auto known = view.config.supported_features.find(update.feature);
    if (known == view.config.supported_features.end())
        return refuse(update, "This controller does not know the feature.");
    if (!supports(view.config.supported_features, update.feature, update.max_version_level))
        return refuse(update,
                      fmt::format("This controller supports versions {} to {}.", known->second.min, known->second.max));
    for (const auto& [id, each] : view.cluster.brokers())
        if (!supports(each.features, update.feature, update.max_version_level))
            return refuse(update, fmt::format("Broker {} does not support it.", id));
    for (const auto& [id, each] : view.cluster.controllers())
        if (id != view.config.node_id && !supports(each.features, update.feature, update.max_version_level))
            return refuse(update, fmt::format("Controller {} does not support it.", id));
    return {};
}

result<void> check_metadata_version(const cluster_view& view, const feature_update& update) {
    const auto level = update.max_version_level;
    if (protocol::metadata_version_name(level).empty())
        return refuse(update, fmt::format("metadata.version is between {} and {}.", protocol::oldest_metadata_level,
                                          protocol::latest_metadata_level));
    if (level < view.cluster.metadata_version() && metadata_schema_changed(level, view.cluster.metadata_version()))
        return refuse(
            update, fmt::format("Refusing the downgrade from {}: metadata that {} cannot express would be lost.",
                                protocol::metadata_version_name(view.cluster.metadata_version()), protocol::metadata_version_name(level)));
    return {};
}

result<void> check_update(const cluster_view& view, const feature_update& update, upgrade how,
                          const std::map<std::string, std::int16_t>& proposed) {
    const auto current = view.cluster.feature(update.feature);
    const auto wanted = update.max_version_level;
    if (wanted < 0) return refuse(update, "A feature version cannot be less than 0.");
    if (how < upgrade::upgrade || how > upgrade::unsafe_downgrade)
        return refuse(update, "The upgrade type is not known.");
    if (update.feature == "kraft.version")
        return refuse(update, "It is changed by the quorum, not by the metadata log.");
    if (auto supported = check_support(view, update); !supported) return supported;
    if (wanted < current && how == upgrade::upgrade)
        return refuse(update,
                      "Can't downgrade the version of this feature without setting the upgrade type to either safe or "
                      "unsafe downgrade.");
    if (wanted > current && how != upgrade::upgrade) return refuse(update, "Can't downgrade to a newer version.");
    if (update.feature == metadata_version_feature) {
        if (auto valid = check_metadata_version(view, update); !valid) return valid;
    }
    // What depends on what, after all updates of the request.
    if (proposed.at(std::string{elr_feature}) > 0 && proposed.at(std::string{metadata_version_feature}) < elr_needs &&
        (update.feature == elr_feature || update.feature == metadata_version_feature))
        return refuse(update, fmt::format("{} needs metadata.version {} ({}) or later.", elr_feature, elr_needs,
                                          protocol::metadata_version_name(elr_needs)));
    return {};
}

feature_level_record level_record(const std::string& name, std::int16_t level) {
    feature_level_record record;
    record.name = name;
    record.feature_level = level;
    return record;
}

/// With eligible replicas, min.insync.replicas must mean the same to every controller: it becomes a setting of the
/// cluster.
std::optional<config_record> cluster_min_isr(const cluster_view& view) {
    if (view.cluster.config(config_type::broker, "", "min.insync.replicas")) return std::nullopt;
    config_record record;
    record.resource_type = static_cast<std::int8_t>(config_type::broker);
    record.resource_name = "";
    record.name = "min.insync.replicas";
    record.value = view.topic_setting({}, "min.insync.replicas").value.value_or("1");
    return record;
}

}  // namespace

const feature_ranges& supported_features() {
    static const feature_ranges all{{"eligible.leader.replicas.version", {0, 1}},
                                    {"group.version", {0, 1}},
                                    {"kraft.version", {0, 1}},
                                    {"metadata.version", {protocol::oldest_metadata_level, protocol::latest_metadata_level}},
                                    {"share.version", {0, 1}},
                                    {"streams.version", {0, 1}},
                                    {"transaction.version", {0, 2}}};
    return all;
}

decision<update_features_response> controller::update_features(const decision_context& context,
                                                               const update_features_request& request,
                                                               std::int16_t version) {
    const cluster_view view{context.cluster, config_, schema_};
    decision<update_features_response> decided;
    decided.response.error_message = std::nullopt;

    std::map<std::string, std::int16_t> proposed;
    for (const auto name : {metadata_version_feature, elr_feature})
        proposed[std::string{name}] = context.cluster.feature(name);
    for (const auto& each : request.feature_updates) proposed[each.feature] = each.max_version_level;

    std::vector<metadata_record> records;
    std::set<std::string_view> seen;
    result<void> all;
    for (const auto& each : request.feature_updates) {
        const auto how = version == 0 ? (each.allow_downgrade ? upgrade::safe_downgrade : upgrade::upgrade)
                                      : upgrade{each.upgrade_type};
        if (!seen.insert(each.feature).second) {
            all = error{errc::invalid_request, fmt::format("The feature {} was given more than once.", each.feature)};
            break;
        }
        all = check_update(view, each, how, proposed);
        if (!all) break;
        records.push_back(level_record(each.feature, each.max_version_level));
        if (each.feature == elr_feature && each.max_version_level > 0 && !view.elr_enabled())
            if (auto setting = cluster_min_isr(view)) records.push_back(std::move(*setting));
    }
    // The request succeeds or fails as a whole: only of success there is a result for each feature, up to version 1.
    if (!all) {
        fail(decided.response, error{all.code(), "no feature was updated: " + std::string{all.error().what()}});
        return decided;
    }
    if (!request.validate_only) decided.records = std::move(records);
    if (version < 2)
        for (const auto& each : request.feature_updates) {
            auto& answer = decided.response.results.emplace_back();
            answer.feature = each.feature;
            answer.error_message = "NONE";  // which Kafka says, too
        }
    return decided;
}

std::vector<metadata_record> controller::bootstrap(std::vector<metadata_record> from_file) const {
    std::int16_t level = 0;
    bool elr = false;
    for (const auto& each : from_file)
        if (const auto* feature = std::get_if<feature_level_record>(&each)) {
            if (feature->name == metadata_version_feature) level = feature->feature_level;
            if (feature->name == elr_feature) elr = feature->feature_level > 0;
        }
    if (level == 0) {
        level = protocol::latest_metadata_level;
        from_file.insert(from_file.begin(), level_record(std::string{metadata_version_feature}, level));
    }
    std::vector<metadata_record> records;
    begin_transaction_record begin;
    begin.name = "Bootstrap records";
    const bool transactional = record_supported(begin, level);
    if (transactional) records.push_back(begin);
    std::move(from_file.begin(), from_file.end(), std::back_inserter(records));
    if (elr) {
        const image nothing;
        if (auto setting = cluster_min_isr({nothing, config_, schema_})) records.push_back(std::move(*setting));
    }
    if (transactional) records.push_back(end_transaction_record{});
    return records;
}

}  // namespace weir::metadata
