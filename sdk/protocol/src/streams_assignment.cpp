#include <weir/protocol/streams_assignment.hpp>

#include <weir/protocol/codec.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace weir::protocol {

namespace {

using info = streams_assignment_info;
constexpr char message[] = "AssignmentInfo";

// First versions of what was added later.
constexpr std::int32_t with_hosts = 2, with_common_version = 3, with_error = 4, with_dictionary = 5,
                       with_standby_hosts = 6, with_rebalance_time = 7, with_named_topology = 10;

class assignment_reader {
public:
    explicit assignment_reader(bytes_view input) : in_(input) {}

    result<info> read() {
        info_.version = integer("used version");
        if (in_.ok() && (info_.version < info::min_version || info_.version > info::max_version))
            return detail::version_error(message, static_cast<std::int16_t>(std::min(info_.version, 32767)),
                                         info::min_version, info::max_version);
        if (from(with_common_version)) info_.commonly_supported_version = integer("commonly supported version");
        list(info_.active, 8, "active tasks", [&](info::task_id& task) { read_task(task); });
        list(info_.standby, 12, "standby tasks", [&](info::standby_task& standby) {
            read_task(standby.task);
            list(standby.partitions, 6, "standby partitions",
                 [&](info::topic_partition& partition) { read_named(partition); });
        });
        if (from(with_dictionary))
            list(info_.dictionary, 6, "topic dictionary", [&](info::dictionary_entry& entry) {
                entry.index = integer("topic index");
                in_.string(entry.topic, false, "topic");
            });
        for (const auto& entry : info_.dictionary) topics_.emplace(entry.index, entry.topic);
        if (from(with_hosts)) read_hosts(info_.by_host);
        if (from(with_standby_hosts)) read_hosts(info_.standby_by_host);
        if (from(with_error)) info_.error_code = integer("error code");
        if (from(with_rebalance_time)) info_.next_rebalance_ms = in_.number<std::int64_t>("next rebalance");
        if (!in_.ok()) return in_.failure(message, static_cast<std::int16_t>(info_.version));
        return std::move(info_);
    }

private:
    bool from(std::int32_t version) const { return info_.version >= version; }
    std::int32_t integer(const char* field) { return in_.number<std::int32_t>(field); }

    template <class T, class Read>
    void list(std::vector<T>& into, std::size_t element_bytes, const char* field, Read read) {
        for (auto left = in_.count(false, false, element_bytes, field); left > 0 && in_.ok(); --left)
            read(into.emplace_back());
    }
    void read_task(info::task_id& task) {
        task.subtopology = integer("task subtopology");
        task.partition = integer("task partition");
        if (from(with_named_topology))
            for (auto left = in_.count(false, false, 2, "named topology"); left > 0; --left)
                task.named_topology += static_cast<char16_t>(in_.number<std::uint16_t>("named topology"));
    }
    void read_named(info::topic_partition& partition) {
        in_.string(partition.topic, false, "topic");
        partition.partition = integer("partition");
    }
    void read_numbered(info::topic_partition& partition) {
        const auto topic = topics_.find(integer("topic index"));
        if (topic == topics_.end())
            in_.fail("topic index", "the dictionary has no such topic");
        else
            partition.topic = topic->second;
        partition.partition = integer("partition");
    }
    void read_hosts(std::vector<info::host_partitions>& into) {
        list(into, 10, "hosts", [&](info::host_partitions& host) {
            in_.string(host.host, false, "host");
            host.port = integer("port");
            list(host.partitions, 6, "host partitions", [&](info::topic_partition& partition) {
                if (from(with_dictionary))
                    read_numbered(partition);
                else
                    read_named(partition);
            });
        });
    }

    reader in_;
    info info_;
    std::unordered_map<std::int32_t, std::string> topics_;
};

class assignment_writer {
public:
    explicit assignment_writer(const info& from) : info_(from), dictionary_(from.dictionary) {
        for (const auto& entry : dictionary_) {
            indexes_.emplace(entry.topic, entry.index);
            next_index_ = std::max(next_index_, entry.index + 1);
        }
    }

    result<bytes> write() {
        if (info_.version < info::min_version || info_.version > info::max_version)
            return detail::version_error(message, static_cast<std::int16_t>(std::min(info_.version, 32767)),
                                         info::min_version, info::max_version);
        out_.number(info_.version);
        if (from(with_common_version)) out_.number(info_.commonly_supported_version);
        list(info_.active, [&](const info::task_id& task) { write_task(task); });
        list(info_.standby, [&](const info::standby_task& standby) {
            write_task(standby.task);
            list(standby.partitions, [&](const info::topic_partition& partition) { write_named(partition); });
        });
        if (from(with_dictionary)) write_dictionary();
        if (from(with_hosts)) write_hosts(info_.by_host);
        if (from(with_standby_hosts)) write_hosts(info_.standby_by_host);
        if (from(with_error)) out_.number(info_.error_code);
        if (from(with_rebalance_time)) out_.number(info_.next_rebalance_ms);
        if (!out_.ok()) return out_.failure(message, static_cast<std::int16_t>(info_.version));
        return out_.take_bytes();
    }

private:
    bool from(std::int32_t version) const { return info_.version >= version; }

    template <class T, class Write>
    void list(const std::vector<T>& from, Write write) {
        out_.count(from.size(), false, "list");
        for (const auto& element : from) write(element);
    }
    void write_task(const info::task_id& task) {
        out_.number(task.subtopology);
        out_.number(task.partition);
        if (!from(with_named_topology)) return;
        out_.count(task.named_topology.size(), false, "named topology");
        for (const auto unit : task.named_topology) out_.number(static_cast<std::uint16_t>(unit));
    }
    void write_named(const info::topic_partition& partition) {
        out_.string(partition.topic, false, "topic");
        out_.number(partition.partition);
    }
    std::int32_t index_of(const std::string& topic) {
        const auto [known, added] = indexes_.emplace(topic, next_index_);
        if (added) dictionary_.push_back({next_index_++, topic});
        return known->second;
    }
    void write_dictionary() {
        for (const auto* hosts : {&info_.by_host, &info_.standby_by_host})
            for (const auto& host : *hosts)
                for (const auto& partition : host.partitions) index_of(partition.topic);
        list(dictionary_, [&](const info::dictionary_entry& entry) {
            out_.number(entry.index);
            out_.string(entry.topic, false, "topic");
        });
    }
    void write_hosts(const std::vector<info::host_partitions>& hosts) {
        list(hosts, [&](const info::host_partitions& host) {
            out_.string(host.host, false, "host");
            out_.number(host.port);
            list(host.partitions, [&](const info::topic_partition& partition) {
                if (!from(with_dictionary)) return write_named(partition);
                out_.number(index_of(partition.topic));
                out_.number(partition.partition);
            });
        });
    }

    const info& info_;
    std::vector<info::dictionary_entry> dictionary_;
    std::unordered_map<std::string, std::int32_t> indexes_;
    std::int32_t next_index_ = 0;
    writer out_;
};

}  // namespace

result<streams_assignment_info> decode_streams_assignment(bytes_view input) { return assignment_reader{input}.read(); }
result<bytes> encode_streams_assignment(const streams_assignment_info& from) { return assignment_writer{from}.write(); }

}  // namespace weir::protocol
