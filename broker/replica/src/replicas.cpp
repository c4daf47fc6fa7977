#include <weir/replica/replicas.hpp>

#include <weir/base/log.hpp>
#include <weir/protocol/internal_topics.hpp>

#include <algorithm>

namespace weir::replica {
namespace {

log::logger replicas_logs{"weir.replica"};

}  // namespace

replicas::replicas(const std::vector<event_loop*>& cores, file_system& files, log_source& logs, const cleaner_config& cleaning) : logs_(logs) {
    for (auto* loop : cores) cores_.push_back(std::make_unique<core_state>(*loop, files, logs, cleaning));
}

replicas::core_state::core_state(event_loop& on, file_system& files, log_source& logs, const cleaner_config& cleaning)
    : loop(&on),
      flush(on, files),
      cleaning(on, flush, mine, cleaning, [&on, &logs](function<void()> done) { logs.checkpoint(on, std::move(done)); }) {}

replicas::~replicas() {
    abandon();
    // Partitions tell the flusher of their core that they go.
    for (auto& core : cores_) core->known.clear();
    for (auto& core : cores_) core->mine.clear();
}

void replicas::abandon() noexcept {
    for (auto& core : cores_)
        for (const auto& [id, each] : core->mine) each->abandon();
}

std::size_t replicas::home_of(const partition_spec& spec) const noexcept {
    return protocol::is_internal_topic(spec.topic) ? home_of_internal(spec.id.index) : std::hash<partition_id>{}(spec.id) % cores_.size();
}

const std::shared_ptr<partition>& replicas::find(std::size_t here, const partition_id& id) const noexcept {
    static const std::shared_ptr<partition> none;
    const auto& known = cores_[here]->known;
    const auto at = known.find(id);
    return at == known.end() ? none : at->second;
}

std::vector<std::shared_ptr<partition>> replicas::all(std::size_t here) const {
    partitions list;
    list.reserve(cores_[here]->known.size());
    for (const auto& [id, each] : cores_[here]->known) list.push_back(each);
    return list;
}

task<void> replicas::put_on(event_loop& here, core_state& core, const std::vector<partition_spec>& specs, partitions& opened, std::vector<partition_spec>& failed) {
    co_await switch_to{*core.loop};
    for (const auto& spec : specs) {
        if (cores_[home_of(spec)].get() != &core) continue;
        if (const auto at = core.known.find(spec.id); at != core.known.end()) {
            at->second->set_config(spec.config);
            at->second->lead(spec.leader_epoch);
            core.cleaning.notice(*at->second);
            continue;
        }
        auto log = logs_.open(spec);
        if (!log && log.code() == errc::cancelled) break;  // the broker stops: the rest is for its next start
        if (!log) {
            replicas_logs.error("cannot open " + spec.topic + "-" + std::to_string(spec.id.index) + ": " + log.error().message());
            failed.push_back(spec);
            continue;
        }
        auto made = std::make_shared<partition>(spec.id, spec.topic, *std::move(log), *core.loop, core.flush);
        if (auto copy = logs_.interrupted_copy(spec)) made->move_to(std::move(copy), logs_);
        made->lead(spec.leader_epoch);
        core.mine.emplace(spec.id, made);
        core.cleaning.notice(*made);
        opened.push_back(std::move(made));
        // A log that is checked takes its time, and there may be many: whatever else the loop has to do comes between.
        co_await pause_for(*core.loop, nanoseconds{1});
    }
    // After a crash the tail may not be durable yet, and what is not durable is not served: nobody is to find a log
    // that seems to end before what was acknowledged.
    for (const auto& each : opened) {
        if (each->high_watermark() >= each->log().log_end_offset()) continue;
        auto flushing = completion<result<void>>([&](function<void(result<void>)> done) {
            each->when_committed(each->log().log_end_offset(), time_point::max(), std::move(done));
        });
        const auto flushed = co_await flushing;
        if (!flushed) replicas_logs.error("making " + each->log().directory() + " durable: " + flushed.error().message());
    }
    co_await switch_to{here};
}

task<void> replicas::publish_on(event_loop& here, core_state& core, const partitions& added, const std::vector<partition_id>& removed) {
    co_await switch_to{*core.loop};
    for (const auto& id : removed) core.known.erase(id);
    for (const auto& each : added) core.known[each->id()] = each;
    co_await switch_to{here};
}

task<void> replicas::put(event_loop& here, std::vector<partition_spec> specs) {
    std::vector<partitions> opened(cores_.size());
    std::vector<std::vector<partition_spec>> failed(cores_.size());
    std::vector<task<void>> parts;
    for (std::size_t i = 0; i < cores_.size(); ++i) parts.push_back(put_on(here, *cores_[i], specs, opened[i], failed[i]));
    co_await when_all(std::move(parts));
    for (const auto& spec : specs) left_out_.erase(spec.id);
    for (const auto& list : failed)
        for (const auto& spec : list) left_out_.emplace(spec.id, spec);
    partitions added;
    for (auto& list : opened) added.insert(added.end(), list.begin(), list.end());
    if (added.empty()) co_return;
    const std::vector<partition_id> none;
    std::vector<task<void>> telling;
    for (auto& core : cores_) telling.push_back(publish_on(here, *core, added, none));
    co_await when_all(std::move(telling));
}

task<void> replicas::remove_on(event_loop& here, core_state& core, const std::vector<partition_id>& ids) {
    co_await switch_to{*core.loop};
    for (const auto& id : ids) {
        const auto at = core.mine.find(id);
        if (at == core.mine.end()) continue;
        const auto gone = std::move(at->second);
        core.mine.erase(at);
        gone->resign();
        if (auto removed = logs_.remove(gone->take_log()); !removed)
            replicas_logs.error("cannot remove " + gone->topic() + "-" + std::to_string(id.index) + ": " + removed.error().message());
    }
    co_await switch_to{here};
}

task<void> replicas::remove(event_loop& here, std::vector<partition_id> ids) {
    for (const auto& id : ids) left_out_.erase(id);
    // First out of sight, then off the disk. Requests that found it before see that it no longer leads.
    const partitions none;
    std::vector<task<void>> telling;
    for (auto& core : cores_) telling.push_back(publish_on(here, *core, none, ids));
    co_await when_all(std::move(telling));
    std::vector<task<void>> removing;
    for (auto& core : cores_) removing.push_back(remove_on(here, *core, ids));
    co_await when_all(std::move(removing));
}

task<void> replicas::resign_on(event_loop& here, core_state& core, const std::vector<partition_id>& ids) {
    co_await switch_to{*core.loop};
    for (const auto& id : ids)
        if (const auto at = core.mine.find(id); at != core.mine.end()) at->second->resign();
    co_await switch_to{here};
}

task<void> replicas::resign(event_loop& here, std::vector<partition_id> ids) {
    for (const auto& id : ids) left_out_.erase(id);
    std::vector<task<void>> parts;
    for (auto& core : cores_) parts.push_back(resign_on(here, *core, ids));
    co_await when_all(std::move(parts));
}

result<void> replicas::move_to(partition& which, const std::string& path) {
    const auto lies_in = [&](const storage::partition_log& log) { return log.directory().substr(0, log.directory().rfind('/')) == path; };
    if (!which.leads()) return error{errc::replica_not_available, which.topic() + "-" + std::to_string(which.id().index)};
    if (lies_in(which.log())) {
        which.cancel_move();
        return {};
    }
    if (const auto* future = which.future_log(); future != nullptr && lies_in(*future)) return {};
    which.cancel_move();
    auto future = logs_.open_future({which.id(), which.topic(), which.leader_epoch(), which.log().config()}, path);
    if (!future) return future.error();
    which.move_to(*std::move(future), logs_);
    return {};
}

task<void> replicas::set_cleaning_on(event_loop& here, core_state& core, const cleaner_config& config) {
    co_await switch_to{*core.loop};
    core.cleaning.set_config(config);
    co_await switch_to{here};
}

task<void> replicas::set_cleaning(event_loop& here, const cleaner_config& config) {
    std::vector<task<void>> parts;
    for (auto& core : cores_) parts.push_back(set_cleaning_on(here, *core, config));
    co_await when_all(std::move(parts));
}

task<void> replicas::figures_on(event_loop& here, const core_state& core, std::vector<partition_figures>& found) {
    co_await switch_to{*core.loop};
    std::vector<partition_figures> mine;
    mine.reserve(core.mine.size());
    for (const auto& [id, each] : core.mine) mine.push_back(each->figures());
    co_await switch_to{here};
    found.insert(found.end(), std::make_move_iterator(mine.begin()), std::make_move_iterator(mine.end()));
}

task<std::vector<partition_figures>> replicas::figures(event_loop& here) {
    std::vector<partition_figures> found;
    std::vector<task<void>> parts;
    for (const auto& core : cores_) parts.push_back(figures_on(here, *core, found));
    co_await when_all(std::move(parts));
    co_return found;
}

cleaner_figures replicas::cleaning() const noexcept {
    cleaner_figures all;
    for (const auto& core : cores_) {
        const auto each = core->cleaning.figures();
        all.last_run = std::max(all.last_run, each.last_run);
        all.longest = std::max(all.longest, each.longest);
        all.read += each.read;
        all.written += each.written;
        all.overdue = std::max(all.overdue, each.overdue);
    }
    return all;
}

void replicas::measure_flushes(metrics::registry& registry) {
    for (auto& core : cores_)
        core->flush.measure(registry.histogram("kafka_log_logflushstats_logflushrateandtimems", "Milliseconds a flush of logs took.", {}, 0.001));
}

task<void> replicas::maintain_on(event_loop& here, core_state& core, bool closing) {
    co_await switch_to{*core.loop};
    if (closing) core.cleaning.stop();
    for (const auto& [id, each] : core.mine) {
        if (closing) {
            if (auto closed = each->close(); !closed) replicas_logs.error("closing " + each->log().directory() + ": " + closed.error().message());
        } else {
            each->maintain();
        }
    }
    co_await switch_to{here};
}

std::vector<std::string> replicas::left_out() const {
    std::vector<std::string> names;
    for (const auto& [id, spec] : left_out_) names.push_back(spec.topic + "-" + std::to_string(id.index));
    std::sort(names.begin(), names.end());
    return names;
}

task<std::vector<partition_spec>> replicas::put_left_out(event_loop& here) {
    std::vector<partition_spec> again;
    for (const auto& [id, spec] : left_out_) again.push_back(spec);
    if (again.empty()) co_return again;
    auto trying = put(here, again);
    co_await trying;
    std::erase_if(again, [&](const partition_spec& spec) { return left_out_.contains(spec.id); });
    co_return again;
}

task<void> replicas::maintain(event_loop& here) {
    std::vector<task<void>> parts;
    for (auto& core : cores_) parts.push_back(maintain_on(here, *core, false));
    co_await when_all(std::move(parts));
}

task<void> replicas::close(event_loop& here) {
    std::vector<task<void>> parts;
    for (auto& core : cores_) parts.push_back(maintain_on(here, *core, true));
    co_await when_all(std::move(parts));
}

}  // namespace weir::replica
