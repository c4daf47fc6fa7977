#include "other_settings.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace weir::broker {

namespace {

constexpr std::string_view threads[] = {
    "background.threads", "group.coordinator.background.threads", "group.coordinator.threads",
    "log.cleaner.threads", "num.io.threads", "num.network.threads", "num.recovery.threads.per.data.dir",
    "num.replica.alter.log.dirs.threads",
};
constexpr std::string_view queues[] = {
    "queued.max.requests",
};
constexpr std::string_view purgatories[] = {
    "delete.records.purgatory.purge.interval.requests", "fetch.purgatory.purge.interval.requests",
    "producer.purgatory.purge.interval.requests",
};
constexpr std::string_view one_replica[] = {
    "auto.leader.rebalance.enable", "leader.imbalance.check.interval.seconds", "num.replica.fetchers",
    "replica.fetch.backoff.ms", "replica.fetch.max.bytes", "replica.fetch.min.bytes",
    "replica.fetch.response.max.bytes", "replica.fetch.wait.max.ms", "replica.lag.time.max.ms",
    "replica.socket.receive.buffer.bytes", "replica.socket.timeout.ms", "unclean.leader.election.interval.ms",
};
constexpr std::string_view high_watermarks[] = {
    "replica.high.watermark.checkpoint.interval.ms",
};
constexpr std::string_view one_voter[] = {
    "broker.heartbeat.interval.ms", "broker.session.timeout.ms", "controlled.shutdown.enable",
    "controller.quorum.append.linger.ms", "controller.quorum.auto.join.enable",
    "controller.quorum.bootstrap.servers", "controller.quorum.election.backoff.max.ms",
    "controller.quorum.election.timeout.ms", "controller.quorum.fetch.max.bytes",
    "controller.quorum.fetch.snapshot.max.bytes", "controller.quorum.fetch.timeout.ms",
    "controller.quorum.request.timeout.ms", "controller.quorum.retry.backoff.ms", "controller.socket.timeout.ms",
    "initial.broker.registration.timeout.ms", "metadata.max.idle.interval.ms",
    "socket.connection.setup.timeout.max.ms", "socket.connection.setup.timeout.ms",
};
constexpr std::string_view quotas[] = {
    "alter.log.dirs.replication.quota.window.num", "alter.log.dirs.replication.quota.window.size.seconds",
    "controller.quota.window.num", "controller.quota.window.size.seconds", "quota.window.num",
    "quota.window.size.seconds", "replication.quota.window.num", "replication.quota.window.size.seconds",
};
constexpr std::string_view no_login[] = {
    "connection.failed.authentication.delay.ms", "connections.max.reauth.ms",
};
constexpr std::string_view transactions[] = {
    "add.partitions.to.txn.retry.backoff.max.ms", "add.partitions.to.txn.retry.backoff.ms",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms", "transaction.max.timeout.ms",
    "transaction.partition.verification.enable", "transaction.remove.expired.transaction.cleanup.interval.ms",
    "transaction.state.log.load.buffer.size", "transaction.state.log.min.isr",
    "transaction.state.log.num.partitions", "transaction.state.log.replication.factor",
    "transaction.state.log.segment.bytes", "transaction.two.phase.commit.enable", "transactional.id.expiration.ms",
};
constexpr std::string_view share_groups[] = {
    "group.share.assignment.interval.ms", "group.share.assignors", "group.share.delivery.count.limit",
    "group.share.heartbeat.interval.ms", "group.share.initialize.retry.interval.ms",
    "group.share.max.assignment.interval.ms", "group.share.max.delivery.count.limit",
    "group.share.max.heartbeat.interval.ms", "group.share.max.partition.max.record.locks",
    "group.share.max.record.lock.duration.ms", "group.share.max.session.timeout.ms",
    "group.share.max.share.sessions", "group.share.max.size", "group.share.min.assignment.interval.ms",
    "group.share.min.delivery.count.limit", "group.share.min.heartbeat.interval.ms",
    "group.share.min.partition.max.record.locks", "group.share.min.record.lock.duration.ms",
    "group.share.min.session.timeout.ms", "group.share.partition.max.record.locks",
    "group.share.persister.class.name", "group.share.record.lock.duration.ms", "group.share.session.timeout.ms",
    "share.coordinator.append.linger.ms", "share.coordinator.cached.buffer.max.bytes",
    "share.coordinator.cold.partition.snapshot.interval.ms", "share.coordinator.load.buffer.size",
    "share.coordinator.snapshot.update.records.per.snapshot", "share.coordinator.state.topic.compression.codec",
    "share.coordinator.state.topic.min.isr", "share.coordinator.state.topic.num.partitions",
    "share.coordinator.state.topic.prune.interval.ms", "share.coordinator.state.topic.replication.factor",
    "share.coordinator.state.topic.segment.bytes", "share.coordinator.threads",
    "share.coordinator.write.timeout.ms", "share.fetch.purgatory.purge.interval.requests",
};
constexpr std::string_view other_groups[] = {
    "group.consumer.assignment.interval.ms", "group.consumer.assignors", "group.consumer.heartbeat.interval.ms",
    "group.consumer.max.assignment.interval.ms", "group.consumer.max.heartbeat.interval.ms",
    "group.consumer.max.session.timeout.ms", "group.consumer.max.size", "group.consumer.migration.policy",
    "group.consumer.min.assignment.interval.ms", "group.consumer.min.heartbeat.interval.ms",
    "group.consumer.min.session.timeout.ms", "group.consumer.regex.refresh.interval.ms",
    "group.consumer.session.timeout.ms", "group.coordinator.rebalance.protocols",
    "group.streams.assignment.interval.ms", "group.streams.heartbeat.interval.ms",
    "group.streams.initial.rebalance.delay.ms", "group.streams.max.assignment.interval.ms",
    "group.streams.max.heartbeat.interval.ms", "group.streams.max.session.timeout.ms", "group.streams.max.size",
    "group.streams.max.standby.replicas", "group.streams.min.assignment.interval.ms",
    "group.streams.min.heartbeat.interval.ms", "group.streams.min.session.timeout.ms",
    "group.streams.num.standby.replicas", "group.streams.session.timeout.ms",
};
constexpr std::string_view tiers[] = {
    "follower.fetch.last.tiered.offset.enable", "log.local.retention.bytes", "log.local.retention.ms",
    "remote.fetch.max.wait.ms", "remote.list.offsets.request.timeout.ms",
};
constexpr std::string_view buffers[] = {
    "group.coordinator.cached.buffer.max.bytes", "log.cleaner.io.buffer.load.factor", "log.cleaner.io.buffer.size",
    "offsets.topic.compression.codec",
};
constexpr std::string_view measures[] = {
    "kafka.metrics.polling.interval.secs", "metrics.num.samples", "metrics.recording.level",
    "metrics.sample.window.ms",
};
constexpr std::string_view inner[] = {
    "controller.performance.always.log.threshold.ms", "controller.performance.sample.period.ms",
    "internal.metadata.delete.delay.millis", "internal.metadata.log.segment.bytes",
    "internal.metadata.max.batch.size.in.bytes", "log.dir.failure.timeout.ms",
    "log.flush.start.offset.checkpoint.interval.ms", "log.initial.task.delay.ms",
    "producer.id.expiration.check.interval.ms", "server.max.startup.time.ms",
};

}  // namespace

std::span<const unheeded_settings> settings_without_effect() noexcept {
    static constexpr unheeded_settings all[] = {
        {"Event loops, one per core, do what Kafka has pools of threads for (`event.loops`); at a start each opens and checks the logs of its own partitions.", threads},
        {"No request waits in a queue between threads. What is in memory is bounded in bytes (`queued.max.request.bytes`).", queues},
        {"What waits is let go when it is done or its time is over; nothing is left behind to be purged.", purgatories},
        {"Partitions have one replica, on this broker: nothing is fetched from others, and no other can lead.", one_replica},
        {"With one replica all that is durable is committed: a start finds high watermarks in the logs. They are written down with the recovery points (`log.flush.offset.checkpoint.interval.ms`).", high_watermarks},
        {"The node is the whole quorum, in one process with its broker: no elections, no heartbeats, no connections to other nodes.", one_voter},
        {"There are no quotas yet.", quotas},
        {"There is no authentication yet.", no_login},
        {"There are no transactions yet.", transactions},
        {"There are no share groups yet.", share_groups},
        {"Groups have the classic protocol yet, not those of KIP-848 and KIP-1071.", other_groups},
        {"There is no tiered storage yet.", tiers},
        {"Compaction reads and writes by blocks of its own size; coordinators take the memory that they need, and write offsets uncompressed.", buffers},
        {"Metrics are counters and quantiles that whoever scrapes `/metrics` makes rates of.", measures},
        {"Kafka's own inner workings, which this broker does not have in this form.", inner},
    };
    return all;
}

std::string_view why_without_effect(std::string_view name) noexcept {
    for (const auto& group : settings_without_effect())
        if (std::find(group.names.begin(), group.names.end(), name) != group.names.end()) return group.why;
    return {};
}

std::span<const std::string_view> settings_refused() noexcept {
    static constexpr std::string_view all[] = {
        "ssl.*", "sasl.*", "remote.log.*", "rlmm.*", "delegation.token.*", "allow.everyone.if.no.acl.found",
        "alter.config.policy.class.name", "authorizer.class.name", "client.quota.callback.class", "config.providers",
        "create.topic.policy.class.name", "early.start.listeners", "kafka.metrics.reporters", "metric.reporters",
        "principal.builder.class", "replica.selector.class", "security.inter.broker.protocol", "security.providers",
        "super.users", "unstable.api.versions.enable", "unstable.feature.versions.enable",
    };
    return all;
}

bool is_refused(std::string_view name) noexcept {
    const auto all = settings_refused();
    return std::any_of(all.begin(), all.end(), [name](std::string_view pattern) {
        return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1)) : name == pattern;
    });
}

bool asks_for_nothing(std::string_view name, std::string_view value) noexcept {
    static constexpr std::pair<std::string_view, std::string_view> as_it_is[] = {
        {"allow.everyone.if.no.acl.found", "true"},         {"remote.log.storage.system.enable", "false"},
        {"security.inter.broker.protocol", "PLAINTEXT"},    {"ssl.client.auth", "none"},
        {"unstable.api.versions.enable", "false"},          {"unstable.feature.versions.enable", "false"},
    };
    return value.empty() || std::find(std::begin(as_it_is), std::end(as_it_is), std::pair{name, value}) != std::end(as_it_is);
}

}  // namespace weir::broker
