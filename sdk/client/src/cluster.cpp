#include "cluster.hpp"

#include "metrics/counters.hpp"

#include <weir/base/log.hpp>
#include <weir/protocol/messages/find_coordinator.hpp>
#include <weir/protocol/messages/metadata.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace weir::detail {
namespace {
log::logger cluster_logs{"weir.client.cluster"};
constexpr std::int32_t first_bootstrap_id = -2;
constexpr milliseconds least_metadata_age{100};  // metadata.max.age.ms=0 is allowed, and no reason to ask without pause
// After attempts that came to nothing, while nobody misses anything.
constexpr milliseconds refresh_again_after{10'000};
error closed_error() { return error{errc::closed, "the client is closed"}; }
}  // namespace

cluster::cluster(event_loop& loop, network& net, cluster_config config, std::uint64_t seed)
    : loop_(loop), net_(net), config_(std::move(config)), random_(seed), counters_(std::make_shared<client_counters>()) {
    config_.connection.traffic = {counters_, &counters_->traffic};
    config_.metadata_max_age = std::max(config_.metadata_max_age, least_metadata_age);
}

const cluster::topic* cluster::find(const std::string& name) const {
    const auto at = topics_.find(name);
    return at == topics_.end() ? nullptr : &at->second;
}

void cluster::want(const void* owner, const std::string& name, bool may_be_made) {
    auto& wishes = wanted_[name];
    auto mine = std::ranges::find(wishes, owner, &wish::owner);
    if (mine == wishes.end()) mine = wishes.insert(mine, {owner, false});
    const auto* known = find(name);
    const bool make = may_be_made && !mine->may_be_made && !(known && known->code == errc::none);
    mine->may_be_made |= make;
    if (!known || make) refresh();
}

void cluster::unwant(const void* owner, const std::string& name) {
    const auto at = wanted_.find(name);
    if (at == wanted_.end()) return;
    std::erase_if(at->second, [&](const wish& each) { return each.owner == owner; });
    if (!at->second.empty()) return;
    topics_.erase(name);
    wanted_.erase(at);
}

void cluster::refresh() {
    if (closed_) return;
    if (refreshing_) {
        refresh_again_ = true;
        return;
    }
    refreshing_ = true;
    spawn(run_refresh(shared_from_this()));
}

void cluster::learn_leader(const std::string& name, std::int32_t index, std::int32_t leader, std::int32_t epoch) {
    const auto at = topics_.find(name);
    if (at == topics_.end() || index < 0 || static_cast<std::size_t>(index) >= at->second.partitions.size()) return;
    auto& known = at->second.partitions[static_cast<std::size_t>(index)];
    if (epoch > known.leader_epoch) known = {leader, epoch};
}

void cluster::learn_broker(std::int32_t id, const endpoint& where) { brokers_.try_emplace(id, where); }

void cluster::watch(const void* owner, function<void()> on_change) { watchers_.emplace_back(owner, std::move(on_change)); }

void cluster::forget(const void* owner) {
    std::erase_if(watchers_, [&](const auto& each) { return each.first == owner; });
    for (auto at = wanted_.begin(); at != wanted_.end();) unwant(owner, at++->first);
}

void cluster::tell_watchers() {
    for (std::size_t i = 0; i < watchers_.size(); ++i) watchers_[i].second();
}

void cluster::age_from_now() {
    loop_.cancel(std::exchange(age_, timer_id::none));
    if (wanted_.empty()) return;
    const bool again = last_failure_ && !last_failure_.permanent();
    age_ = loop_.call_after(again ? std::min(config_.metadata_max_age, refresh_again_after) : config_.metadata_max_age, [this] {
        age_ = timer_id::none;
        refresh();
    });
}

task<void> cluster::run_refresh(std::shared_ptr<cluster> self) {
    int failures = 0;
    for (;;) {
        self->refresh_again_ = false;
        if (!self->untold_since_) self->untold_since_ = self->loop_.now();
        auto asking = ask(self);
        auto asked = co_await asking;
        if (self->closed_) break;
        self->last_failure_ = asked.error();
        if (asked) self->untold_since_.reset();
        self->counters_->refreshed(asked.has_value(), self->loop_.now());
        if (asked.code() == errc::rebootstrap_required) {
            self->begin_again(asked.error());
            self->refresh_again_ = true;
        }
        if (!asked) cluster_logs.debug("metadata: " + asked.error().message());
        self->tell_watchers();
        // Who still misses something (a leader, a topic that is being made) has asked again, and gets it at growing distances.
        if (!self->refresh_again_) break;
        pause_for pause{self->loop_, self->config_.retry.after(++failures, self->random_)};
        co_await pause;
        if (self->closed_) break;
    }
    self->refreshing_ = false;
    if (!self->closed_) self->age_from_now();
}

task<result<void>> cluster::ask(std::shared_ptr<cluster> self) {
    const auto& config = self->config_;
    if (!self->brokers_.empty() && self->loop_.now() - *self->untold_since_ >= config.rebootstrap_trigger) {
        self->untold_since_ = self->loop_.now();
        self->begin_again(error{errc::network_exception, fmt::format("no broker told about the cluster for {} ms (metadata.recovery.rebootstrap.trigger.ms)", config.rebootstrap_trigger.count())});
    }
    auto finding = any(self);
    auto link = co_await finding;
    if (!link) co_return link.error();
    // What may be made by asking for it, then what may not: a request says it of all its topics.
    std::array<protocol::metadata_request, 2> requests;
    auto& making = requests[0];
    auto& looking = requests[1];
    making.allow_auto_topic_creation = true;
    looking.allow_auto_topic_creation = false;
    for (const auto& [name, wishes] : self->wanted_) {
        auto& request = std::ranges::any_of(wishes, &wish::may_be_made) ? making : looking;
        request.topics->emplace_back().name = name;
    }
    for (const auto& request : requests) {
        if (request.topics->empty() && (&request != requests.data() || !looking.topics->empty())) continue;
        auto asking = (*link)->call(request);
        auto got = co_await asking;
        if (!got) co_return got.error();
        if (const auto code = errc_from_wire(got->message.error_code); code != errc::none) {
            co_return error{code, fmt::format("{} gives no metadata: {}", to_string((*link)->remote()), describe(code).condition)};
        }
        self->learn(got->message);
    }
    co_return result<void>{};
}

void cluster::learn(protocol::metadata_response& answer) {
    brokers_.clear();
    for (auto& each : answer.brokers) brokers_[each.node_id] = {std::move(each.host), static_cast<std::uint16_t>(each.port)};
    for (auto& each : answer.topics) {
        const auto wanted = each.name ? wanted_.find(*each.name) : wanted_.end();
        if (wanted == wanted_.end()) continue;  // by now nobody does
        auto& known = topics_[wanted->first];
        const bool same = known.id == each.topic_id;
        known.code = errc_from_wire(each.error_code);
        known.id = each.topic_id;
        if (known.code != errc::none) {
            known.partitions.clear();
            continue;
        }
        for (auto& mine : wanted->second) mine.may_be_made = false;
        const auto before = std::exchange(known.partitions, {});
        known.partitions.resize(each.partitions.size());
        for (const auto& part : each.partitions) {
            const auto index = static_cast<std::size_t>(part.partition_index);
            if (part.partition_index < 0 || index >= known.partitions.size()) continue;
            known.partitions[index] = {part.leader_id, part.leader_epoch};
            // A broker that lags behind may tell of an older leader (KIP-320).
            if (same && index < before.size() && before[index].leader_epoch > part.leader_epoch && part.leader_epoch >= 0) known.partitions[index] = before[index];
        }
    }
}

task<result<connection_ptr>> cluster::broker(std::shared_ptr<cluster> self, std::int32_t id, lane on) {
    const auto at = self->brokers_.find(id);
    if (at == self->brokers_.end()) co_return error{errc::broker_not_available, fmt::format("the cluster has no broker {}", id)};
    auto reaching = reach(self, {on, id}, at->second);
    co_return co_await reaching;
}

// Before version 4 the question and the answer are about a single key.
task<result<connection_ptr>> cluster::coordinator(std::shared_ptr<cluster> self, coordinator_kind kind, std::string key, lane on) {
    if (const auto known = self->coordinators_.find({kind, key}); known != self->coordinators_.end()) {
        if (self->brokers_.contains(known->second)) {
            auto reaching = broker(self, known->second, on);
            co_return co_await reaching;
        }
        self->coordinators_.erase(known);  // it has left the cluster
    }
    auto finding = any(self);
    auto link = co_await finding;
    if (!link) co_return link.error();
    protocol::find_coordinator_request request;
    request.key_type = static_cast<std::int8_t>(kind);
    request.key = key;
    if ((*link)->version_of(protocol::api_key::find_coordinator, 0, protocol::find_coordinator_request::max_version) >= 4) {
        request.key.clear();
        request.coordinator_keys.push_back(key);
    }
    auto asking = (*link)->call(request);
    auto got = co_await asking;
    if (!got) co_return got.error();
    auto& answer = got->message;
    auto code = errc_from_wire(answer.error_code);
    auto text = answer.error_message;
    auto id = answer.node_id;
    endpoint where{answer.host, static_cast<std::uint16_t>(answer.port)};
    if (!answer.coordinators.empty()) {
        auto& found = answer.coordinators.front();
        code = errc_from_wire(found.error_code);
        text = found.error_message;
        id = found.node_id;
        where = {found.host, static_cast<std::uint16_t>(found.port)};
    }
    if (code != errc::none) co_return error{code, fmt::format("coordinator of '{}'{}{}", key, text ? ": " : "", text.value_or(""))};
    self->coordinators_[{kind, key}] = id;
    self->learn_broker(id, where);
    auto reaching = broker(self, id, on);
    co_return co_await reaching;
}

std::int32_t cluster::known_coordinator(coordinator_kind kind, const std::string& key) const {
    const auto at = coordinators_.find({kind, key});
    return at == coordinators_.end() ? -1 : at->second;
}

void cluster::forget_coordinator(coordinator_kind kind, const std::string& key) { coordinators_.erase({kind, key}); }

void cluster::drop_lane(lane of) {
    for (auto at = peers_.begin(); at != peers_.end();) {
        if (at->first.first != of) {
            ++at;
            continue;
        }
        const auto entry = at->second;
        at = peers_.erase(at);
        entry->dropped = error{errc::closed, "nobody needs the connection any more"};
        shut(*entry, entry->dropped);
    }
}

std::string cluster::name_of(std::int32_t id) const {
    const auto at = brokers_.find(id);
    return at == brokers_.end() ? fmt::format("broker {}", id) : fmt::format("broker {} ({})", id, to_string(at->second));
}

std::vector<std::string> cluster::unreached() const {
    std::vector<std::string> addresses;
    for (const auto& [key, each] : peers_) {
        const bool connected = each->link && !each->link->closed();
        if (!connected && (each->opening || each->failures > 0)) addresses.push_back(to_string(each->where));
    }
    std::ranges::sort(addresses);
    const auto again = std::ranges::unique(addresses);
    addresses.erase(again.begin(), again.end());
    return addresses;
}

// Known brokers in turn, those connected first; then the bootstrap list.
task<result<connection_ptr>> cluster::any(std::shared_ptr<cluster> self) {
    for (auto& [key, each] : self->peers_) {
        if (each->link && !each->link->closed() && key.first == lane::shared && key.second >= 0) co_return each->link;
    }
    std::vector<std::pair<std::int32_t, endpoint>> candidates{self->brokers_.begin(), self->brokers_.end()};
    const auto known = candidates.size();
    const bool over_again = candidates.empty() || self->config_.recovery == metadata_recovery_strategy::rebootstrap;
    for (std::size_t i = 0; over_again && i < self->config_.bootstrap.size(); ++i) {
        candidates.emplace_back(first_bootstrap_id - static_cast<std::int32_t>(i), self->config_.bootstrap[i]);
    }
    const auto turn = self->next_any_++;
    error last, permanent;
    std::vector<std::string> unknown_hosts;
    for (std::size_t i = 0; i < candidates.size() && !self->closed_; ++i) {
        const auto group = i < known ? known : candidates.size() - known;
        const auto base = i < known ? 0 : known;
        const auto& [id, where] = candidates[base + (i - base + turn) % group];
        auto reaching = reach(self, {lane::shared, id}, where);
        auto link = co_await reaching;
        if (link) co_return link;
        last = link.error();
        if (last.permanent()) permanent = last;
        if (last.code() == errc::not_found) unknown_hosts.push_back(where.host);
    }
    if (self->closed_) co_return closed_error();
    if (!self->reached_ && unknown_hosts.size() == candidates.size()) {
        permanent = error{errc::invalid_setting, fmt::format("No resolvable bootstrap urls given in bootstrap.servers: there is no host {}", fmt::join(unknown_hosts, ", "))};
    }
    if (permanent) co_return permanent;  // trying again helps nobody: the user has to hear of it
    co_return error{errc::broker_not_available, fmt::format("none of {} brokers can be reached", candidates.size()), last};
}

// By value: a coroutine outlives its caller's temporaries.
task<result<connection_ptr>> cluster::reach(std::shared_ptr<cluster> self, peer_key key, endpoint where) {  // NOLINT(performance-unnecessary-value-param)
    if (self->closed_) co_return closed_error();
    auto& kept = self->peers_[key];
    if (!kept) kept = std::make_shared<peer>();
    const auto entry = kept;
    entry->where = where;
    if (entry->link && !entry->link->closed() && entry->link->remote() == where) co_return entry->link;
    // Whoever came first goes on first: requests leave in the order in which they were made.
    auto waiting = completion<result<connection_ptr>>([&](function<void(result<connection_ptr>)> done) {
        entry->waiting.push_back(std::move(done));
        if (!std::exchange(entry->opening, true)) spawn(open(self, entry, where));
    });
    auto reached = co_await waiting;
    if ((reached.code() == errc::io_error || reached.code() == errc::not_found) && key.second >= 0) {  // no way there, or no such name
        co_return error{errc::io_error, fmt::format("{}; broker {} says that it is there: correct its advertised.listeners, or make the name known here", reached.error().what(), key.second)};
    }
    co_return reached;
}

task<void> cluster::open(std::shared_ptr<cluster> self, std::shared_ptr<peer> entry, endpoint where) {  // NOLINT(performance-unnecessary-value-param)
    /// A loop that has ended drops this unfinished: nobody is told any more. Who waits owns the cluster, and that the waiting.
    struct ending {
        peer& of;
        bool finished = false;
        ~ending() {
            if (finished) return;
            const auto dropped = std::exchange(of.waiting, {});
        }
    } end{*entry};
    if (entry->failures > 0) {
        pause_for pause{self->loop_, entry->not_before - self->loop_.now()};
        co_await pause;
    }
    const auto unwanted = [&] { return self->closed_ ? closed_error() : entry->dropped; };
    result<connection_ptr> opened = closed_error();
    if (auto why = unwanted()) {
        opened = std::move(why);
    } else {
        auto how = self->config_.connection;
        how.connect_timeout = self->connect_timeout(entry->failures);
        auto opening = net::connection::open(self->loop_, self->net_, where, std::move(how), [self, entry](const connection_ptr& begun) {
            entry->negotiating = begun;
            // While it connected there was nothing to shut.
            if (const auto why = self->closed_ ? closed_error() : entry->dropped) begun->close(why);
        });
        opened = co_await opening;
    }
    entry->negotiating.reset();
    entry->opening = false;
    if (const auto why = unwanted(); opened && why) {
        (*opened)->close(why);
        opened = why;
    }
    if (opened) {
        if (entry->link) entry->link->close(error{errc::closed, "replaced by a newer connection"});
        entry->link = *opened;
        entry->failures = 0;
        self->reached_ = true;
        self->watch_idle(self->loop_.now() + self->config_.connections_max_idle);
        if (self->connected_) self->connected_(*opened);
    } else {
        ++entry->failures;
        if (!unwanted()) self->counters_->unreachable(opened.error());
        if (!unwanted() && entry->failures == 1 && !opened.error().permanent()) {
            const bool hopeless = opened.code() == errc::not_found && !self->reached_;  // any() tells what that comes to
            cluster_logs.warn(fmt::format("{}{}", opened.error().message(), hopeless ? "" : "; trying again"));
        }
        const auto pause = opened.error().permanent() ? nanoseconds{self->config_.reconnect.most} : self->config_.reconnect.after(entry->failures, self->random_);
        entry->not_before = self->loop_.now() + pause;
    }
    end.finished = true;
    for (auto told = std::exchange(entry->waiting, {}); auto& each : told) each(opened);
}

void cluster::shut(peer& of, const error& why) {
    if (of.link) of.link->close(why);
    if (const auto begun = of.negotiating) begun->close(why);
}

void cluster::close() {
    if (std::exchange(closed_, true)) return;
    loop_.cancel(std::exchange(age_, timer_id::none));
    loop_.cancel(std::exchange(idle_, timer_id::none));
    connected_ = {};
    for (auto& [key, each] : peers_) shut(*each, closed_error());
    if (config_.connection.security) config_.connection.security->close();
    for (auto told = std::exchange(watchers_, {}); auto& [owner, hear] : told) hear();
}

}  // namespace weir::detail
