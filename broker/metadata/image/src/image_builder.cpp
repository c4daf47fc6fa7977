#include <weir/metadata/image_builder.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace weir::metadata {

using namespace protocol;

namespace {

error misfit(std::string_view record, std::string what) {
    return error{errc::malformed, fmt::format("metadata log, {}: {}", record, what)};
}

/// Directories that are absent or all unknown read as unknown, one per replica.
std::vector<uuid> directories_or_migrating(std::vector<uuid> directories, std::size_t replicas) {
    const bool unknown =
        std::all_of(directories.begin(), directories.end(), [](const uuid& id) { return id.is_zero(); });
    if (unknown) directories.assign(replicas, directory_migrating);
    return directories;
}

partition partition_of(const partition_record& record) {
    partition made;
    made.replicas = record.replicas;
    made.directories = directories_or_migrating(record.directories, record.replicas.size());
    made.isr = record.isr;
    made.removing_replicas = record.removing_replicas;
    made.adding_replicas = record.adding_replicas;
    made.elr = record.eligible_leader_replicas.value_or(std::vector<std::int32_t>{});
    made.last_known_elr = record.last_known_elr.value_or(std::vector<std::int32_t>{});
    made.leader = record.leader;
    made.recovery = leader_recovery{record.leader_recovery_state};
    made.leader_epoch = record.leader_epoch;
    made.partition_epoch = record.partition_epoch;
    return made;
}

constexpr std::int32_t no_leader_change = -2;
constexpr std::int8_t no_recovery_change = -1;

}  // namespace

void apply_change(partition& into, const partition_change_record& change) {
    if (change.replicas) into.replicas = *change.replicas;
    if (change.directories) into.directories = *change.directories;
    into.directories = directories_or_migrating(std::move(into.directories), into.replicas.size());
    if (change.isr) into.isr = *change.isr;
    if (change.removing_replicas) into.removing_replicas = *change.removing_replicas;
    if (change.adding_replicas) into.adding_replicas = *change.adding_replicas;
    if (change.eligible_leader_replicas) into.elr = *change.eligible_leader_replicas;
    if (change.last_known_elr) into.last_known_elr = *change.last_known_elr;
    if (change.leader_recovery_state != no_recovery_change)
        into.recovery = leader_recovery{change.leader_recovery_state};
    if (change.leader != no_leader_change) {
        // Naming the present leader again is how a record asks for a new epoch.
        into.leader = change.leader;
        ++into.leader_epoch;
    }
    ++into.partition_epoch;
}

namespace {

template <class Features>
feature_ranges ranges_of(const Features& features) {
    feature_ranges made;
    for (const auto& each : features) made[each.name] = {each.min_supported_version, each.max_supported_version};
    return made;
}
template <class Endpoints>
std::vector<endpoint> endpoints_of(const Endpoints& endpoints) {
    std::vector<endpoint> made;
    made.reserve(endpoints.size());
    for (const auto& each : endpoints) made.push_back({each.name, each.host, each.port, each.security_protocol});
    return made;
}
std::vector<uuid> sorted(std::vector<uuid> ids) {
    std::sort(ids.begin(), ids.end());
    return ids;
}

quota_entity entity_of(const client_quota_record& record) {
    quota_entity made;
    for (const auto& each : record.entity) made[each.entity_type] = each.entity_name;
    return made;
}

}  // namespace

struct image_builder::state {
    image next;
    image_change changed;
    std::unordered_map<uuid, std::shared_ptr<topic>> edited;  // in `next` already, and nowhere else

    topic* edit_topic(const uuid& id) {
        if (const auto at = edited.find(id); at != edited.end()) return at->second.get();
        auto* slot = next.topics_by_id_.edit(id);
        if (!slot) return nullptr;
        auto mine = std::make_shared<topic>(**slot);
        changed.topics.try_emplace(id, topic_change{*slot, nullptr, {}});
        *slot = mine;
        next.topics_.set(mine->name, mine);
        return edited.emplace(id, std::move(mine)).first->second.get();
    }

    result<void> on(const topic_record& record) {
        if (const auto* known = next.find_topic(record.name))
            return misfit(record.message_name,
                          fmt::format("topic {} exists with id {}", record.name, to_string(known->id)));
        if (next.find_topic(record.topic_id))
            return misfit(record.message_name,
                          fmt::format("the id {} of {} is taken", to_string(record.topic_id), record.name));
        auto made = std::make_shared<topic>();
        made->name = record.name;
        made->id = record.topic_id;
        next.topics_.set(made->name, made);
        next.topics_by_id_.set(made->id, made);
        changed.topics.try_emplace(made->id);
        edited[record.topic_id] = std::move(made);
        return {};
    }

    result<void> on(const partition_record& record) {
        if (!record.directories.empty() && record.directories.size() != record.replicas.size())
            return misfit(
                record.message_name,
                fmt::format("partition {} of topic {} has {} replicas and {} directories", record.partition_id,
                            to_string(record.topic_id), record.replicas.size(), record.directories.size()));
        if (record.partition_id < 0)
            return misfit(record.message_name,
                          fmt::format("partition {} of topic {}", record.partition_id, to_string(record.topic_id)));
        auto* home = edit_topic(record.topic_id);
        if (!home) return unknown_topic(record.message_name, record.topic_id);
        const auto before = home->partitions.size();
        home->partitions.set(record.partition_id, partition_of(record));
        next.partition_count_ += home->partitions.size() - before;
        changed.topics[home->id].partitions.push_back(record.partition_id);
        return {};
    }

    result<void> on(const partition_change_record& record) {
        const auto* known = next.find_partition(record.topic_id, record.partition_id);
        if (!known)
            return misfit(record.message_name, fmt::format("there is no partition {} of topic {}", record.partition_id,
                                                           to_string(record.topic_id)));
        const auto replicas = record.replicas ? record.replicas->size() : known->replicas.size();
        if (record.directories && !record.directories->empty() && record.directories->size() != replicas)
            return misfit(
                record.message_name,
                fmt::format("partition {} of topic {} has {} replicas and {} directories", record.partition_id,
                            to_string(record.topic_id), replicas, record.directories->size()));
        auto* home = edit_topic(record.topic_id);
        apply_change(*home->partitions.edit(record.partition_id), record);
        changed.topics[home->id].partitions.push_back(record.partition_id);
        return {};
    }

    result<void> on(const remove_topic_record& record) {
        const auto gone = next.share_topic(record.topic_id);
        if (!gone) return unknown_topic(record.message_name, record.topic_id);
        next.partition_count_ -= gone->partitions.size();
        next.topics_.erase(gone->name);
        next.topics_by_id_.erase(gone->id);
        edited.erase(gone->id);
        auto [change, added] = changed.topics.try_emplace(gone->id, topic_change{gone, nullptr, {}});
        change->second.partitions.clear();
        if (!added && !change->second.before) changed.topics.erase(change);  // it came and went in this round
        const config_resource settings{config_type::topic, gone->name};
        if (next.configs_.erase(settings)) changed.configs.insert(settings);
        return {};
    }

    result<void> on(const clear_elr_record& record) {
        std::vector<uuid> topics;
        if (record.topic_name.empty()) {
            for (const auto& [id, each] : next.topics_by_id_) topics.push_back(id);
        } else if (const auto* named = next.find_topic(record.topic_name)) {
            topics.push_back(named->id);
        } else {
            return misfit(record.message_name, fmt::format("there is no topic {}", record.topic_name));
        }
        for (const auto& id : topics) clear_elr(id);
        return {};
    }
    void clear_elr(const uuid& id) {
        std::vector<std::int32_t> affected;
        for (const auto& [index, each] : next.find_topic(id)->partitions)
            if (!each.elr.empty() || !each.last_known_elr.empty()) affected.push_back(index);
        if (affected.empty()) return;
        auto* home = edit_topic(id);
        for (const auto index : affected) {
            auto* cleared = home->partitions.edit(index);
            cleared->elr.clear();
            cleared->last_known_elr.clear();
            ++cleared->partition_epoch;
            changed.topics[id].partitions.push_back(index);
        }
    }

    result<void> on(const register_broker_record& record) {
        broker made;
        made.id = record.broker_id;
        made.epoch = record.broker_epoch;
        made.incarnation = record.incarnation_id;
        made.endpoints = endpoints_of(record.end_points);
        made.features = ranges_of(record.features);
        made.rack = record.rack;
        made.fenced = record.fenced;
        made.in_controlled_shutdown = record.in_controlled_shutdown;
        made.migrating_from_zk = record.is_migrating_zk_broker;
        made.log_dirs = sorted(record.log_dirs);
        if (record.cordoned_log_dirs) made.cordoned_log_dirs = sorted(*record.cordoned_log_dirs);
        next.brokers_.set(record.broker_id, std::move(made));
        changed.brokers.insert(record.broker_id);
        return {};
    }
    result<void> on(const unregister_broker_record& record) {
        if (next.brokers_.erase(record.broker_id)) changed.brokers.insert(record.broker_id);
        return {};
    }
    result<void> on(const fence_broker_record& record) {
        return set_fenced(record.message_name, record.id, record.epoch, true);
    }
    result<void> on(const unfence_broker_record& record) {
        return set_fenced(record.message_name, record.id, record.epoch, false);
    }
    result<void> set_fenced(std::string_view record, broker_id id, std::int64_t epoch, bool fenced) {
        auto known = registered(record, id, epoch);
        if (!known) return known.error();
        (*known)->fenced = fenced;
        return {};
    }
    result<void> on(const broker_registration_change_record& record) {
        auto known = registered(record.message_name, record.broker_id, record.broker_epoch);
        if (!known) return known.error();
        if (record.fenced != 0) (*known)->fenced = record.fenced > 0;
        if (record.in_controlled_shutdown > 0) (*known)->in_controlled_shutdown = true;
        if (!record.log_dirs.empty()) (*known)->log_dirs = sorted(record.log_dirs);
        if (record.cordoned_log_dirs) (*known)->cordoned_log_dirs = sorted(*record.cordoned_log_dirs);
        return {};
    }
    result<broker*> registered(std::string_view record, broker_id id, std::int64_t epoch) {
        const auto* known = next.brokers_.find(id);
        if (!known) return misfit(record, fmt::format("broker {} is not registered", id));
        if (known->epoch != epoch)
            return misfit(record, fmt::format("broker {} has epoch {}, not {}", id, known->epoch, epoch));
        changed.brokers.insert(id);
        return next.brokers_.edit(id);
    }
    result<void> on(const register_controller_record& record) {
        controller_registration made;
        made.id = record.controller_id;
        made.incarnation = record.incarnation_id;
        made.zk_migration_ready = record.zk_migration_ready;
        made.endpoints = endpoints_of(record.end_points);
        made.features = ranges_of(record.features);
        next.controllers_.set(record.controller_id, std::move(made));
        changed.controllers.insert(record.controller_id);
        return {};
    }

    result<void> on(const config_record& record) {
        const config_resource of{config_type{record.resource_type}, record.resource_name};
        const auto* known = next.configs_.find(of);
        auto entries = std::make_shared<config_entries>(known ? **known : config_entries{});
        if (record.value)
            (*entries)[record.name] = *record.value;
        else
            entries->erase(record.name);
        if (entries->empty())
            next.configs_.erase(of);
        else
            next.configs_.set(of, std::move(entries));
        changed.configs.insert(of);
        return {};
    }
    result<void> on(const feature_level_record& record) {
        if (record.name == "metadata.version")
            next.metadata_version_ = record.feature_level;
        else if (record.feature_level == 0)
            next.features_.erase(record.name);
        else
            next.features_[record.name] = record.feature_level;
        changed.features.insert(record.name);
        return {};
    }
    result<void> on(const client_quota_record& record) {
        const auto entity = entity_of(record);
        if (auto* values = next.quotas_.edit(entity)) {
            if (record.remove)
                values->erase(record.key);
            else
                (*values)[record.key] = record.value;
            if (values->empty()) next.quotas_.erase(entity);
        } else if (!record.remove) {
            next.quotas_.set(entity, quota_values{{record.key, record.value}});
        }
        changed.quotas.insert(entity);
        return {};
    }
    result<void> on(const producer_ids_record& record) {
        next.next_producer_id_ = record.next_producer_id;
        changed.producer_ids = true;
        return {};
    }

    result<void> on(const access_control_entry_record& record) {
        next.acls_.set(record.id, {record.resource_type, record.resource_name, record.pattern_type, record.principal,
                                   record.host, record.operation, record.permission_type});
        changed.acls.insert(record.id);
        return {};
    }
    result<void> on(const remove_access_control_entry_record& record) {
        if (!next.acls_.erase(record.id))
            return misfit(record.message_name, fmt::format("there is no entry {}", to_string(record.id)));
        changed.acls.insert(record.id);
        return {};
    }
    result<void> on(const user_scram_credential_record& record) {
        const scram_key of{record.mechanism, record.name};
        next.scram_.set(of, {record.salt, record.stored_key, record.server_key, record.iterations});
        changed.scram_credentials.insert(of);
        return {};
    }
    result<void> on(const remove_user_scram_credential_record& record) {
        const scram_key of{record.mechanism, record.name};
        if (!next.scram_.erase(of))
            return misfit(record.message_name,
                          fmt::format("user {} has no credential of mechanism {}", record.name, record.mechanism));
        changed.scram_credentials.insert(of);
        return {};
    }
    result<void> on(const delegation_token_record& record) {
        next.tokens_.set(record.token_id, {record.owner, record.requester, record.renewers, record.issue_timestamp,
                                           record.max_timestamp, record.expiration_timestamp});
        changed.delegation_tokens.insert(record.token_id);
        return {};
    }
    result<void> on(const remove_delegation_token_record& record) {
        if (next.tokens_.erase(record.token_id)) changed.delegation_tokens.insert(record.token_id);
        return {};
    }

    result<void> on(const no_op_record&) { return {}; }
    result<void> on(const zk_migration_state_record&) { return {}; }  // ZooKeeper is gone; old logs still have it
    result<void> on(const begin_transaction_record&) { return {}; }
    result<void> on(const end_transaction_record&) { return {}; }
    result<void> on(const abort_transaction_record&) { return {}; }

    void freeze() noexcept {
        for (auto& [id, each] : edited) each->partitions.freeze();
        next.brokers_.freeze();
        next.controllers_.freeze();
        next.topics_.freeze();
        next.topics_by_id_.freeze();
        next.configs_.freeze();
        next.quotas_.freeze();
        next.acls_.freeze();
        next.scram_.freeze();
        next.tokens_.freeze();
    }

    static error unknown_topic(std::string_view record, const uuid& id) {
        return misfit(record, fmt::format("there is no topic with id {}", to_string(id)));
    }
};

image_builder::image_builder(image_ref base) : state_(std::make_unique<state>()) {
    if (base) state_->next = *base;
    state_->changed.before = std::move(base);
}
image_builder::image_builder(image_builder&&) noexcept = default;
image_builder& image_builder::operator=(image_builder&&) noexcept = default;
image_builder::~image_builder() = default;

result<void> image_builder::apply(const metadata_record& record) {
    return std::visit([this](const auto& each) { return state_->on(each); }, record);
}

result<void> image_builder::apply(std::span<const metadata_record> records) {
    for (const auto& each : records)
        if (auto done = apply(each); !done) return done;
    return {};
}

image_change image_builder::build(const provenance& position) {
    auto change = std::move(state_->changed);
    state_->next.position_ = position;
    for (auto& [id, each] : change.topics) {
        auto& indexes = each.partitions;
        std::sort(indexes.begin(), indexes.end());
        indexes.erase(std::unique(indexes.begin(), indexes.end()), indexes.end());
        each.after = state_->next.share_topic(id);
    }
    state_->freeze();
    change.after = std::make_shared<const image>(std::move(state_->next));
    *state_ = state{};
    return change;
}

result<image_ref> apply_records(image_ref base, std::span<const metadata_record> records, const provenance& position) {
    image_builder builder{std::move(base)};
    if (auto done = builder.apply(records); !done) return done.error();
    return builder.build(position).after;
}

}  // namespace weir::metadata
