#include "partition_questions.hpp"

#include "offset_queries.hpp"

#include <weir/protocol/messages/metadata.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

error not_assigned(const topic_partition& where) {
    return error{errc::unknown_topic_or_partition, fmt::format("{}-{}: not assigned to this consumer", where.topic, where.partition)}.located(where.topic, where.partition);
}
error closed_error() { return error{errc::closed, "the consumer is closed"}; }

}  // namespace

error partition_questions::no_position(const topic_partition& where) const {
    const auto& why = view_->last_failure();
    if (why.permanent()) return why;
    if (ended_) return closed_error();
    return out_of_time(fmt::format("{}: its position was not found", to_string(where)), patience_, leader_named(*view_, where), why).located(where.topic, where.partition);
}

task<bool> partition_questions::wait_positions(shared self, std::vector<topic_partition> of) {
    auto& loop = self->view_->loop();
    const auto until = loop.now() + self->patience_;
    for (int failures = 1;; ++failures) {
        bool all = true;
        for (const auto& each : of) {
            const auto at = self->fetcher_->position(each);
            if (!at) co_return false;
            all &= *at >= 0;
        }
        if (all) co_return true;
        if (loop.now() >= until || self->ended_ || self->view_->last_failure().permanent()) co_return false;
        pause_for pause{loop, self->view_->retry().after(failures, self->view_->random())};
        co_await pause;
    }
}

void partition_questions::position(const topic_partition& where, std::shared_ptr<op_state<std::int64_t>> done) { spawn(run_position(shared_from_this(), where, std::move(done))); }

task<void> partition_questions::run_position(shared self, topic_partition where, std::shared_ptr<op_state<std::int64_t>> done) {
    std::vector<topic_partition> one(1, where);
    auto waiting = wait_positions(self, std::move(one));
    const bool known = co_await waiting;
    const auto at = self->fetcher_->position(where);
    if (known) done->complete(*at);
    else if (!at) done->complete(not_assigned(where));
    else done->complete(self->no_position(where));
}

void partition_questions::lag(std::optional<topic_partition> of, std::shared_ptr<op_state<std::int64_t>> done) {
    std::vector<topic_partition> which;
    if (!of) which = fetcher_->assigned();
    else if (!fetcher_->position(*of)) return done->complete(not_assigned(*of));
    else which.push_back(*std::move(of));
    spawn(run_lag(shared_from_this(), std::move(which), std::move(done)));
}

task<void> partition_questions::run_lag(shared self, std::vector<topic_partition> of, std::shared_ptr<op_state<std::int64_t>> done) {
    auto waiting = wait_positions(self, of);
    if (!co_await waiting) {
        const auto missing = std::ranges::find_if(of, [&](const auto& each) { return self->fetcher_->position(each).value_or(-1) < 0; });
        done->complete(self->no_position(missing == of.end() ? of.front() : *missing));
        co_return;
    }
    std::vector<offset_query> asked;
    for (const auto& each : of) asked.push_back({each, latest_offset});
    auto finding = weir::detail::find_offsets(self->view_, std::move(asked), self->level_, self->patience_);
    auto ends = co_await finding;
    if (!ends) {
        done->complete(ends.error());
        co_return;
    }
    std::int64_t total = 0;
    for (std::size_t i = 0; i < of.size(); ++i) {
        const auto at = self->fetcher_->position(of[i]);
        if (at && *at >= 0) total += std::max<std::int64_t>((*ends)[i].offset - *at, 0);
    }
    done->complete(total);
}

void partition_questions::find_offsets(std::vector<std::pair<topic_partition, std::int64_t>> asked, std::shared_ptr<op_state<std::vector<offset_and_time>>> done) {
    spawn(run_find(shared_from_this(), std::move(asked), std::move(done)));
}

task<void> partition_questions::run_find(shared self, std::vector<std::pair<topic_partition, std::int64_t>> asked, std::shared_ptr<op_state<std::vector<offset_and_time>>> done) {
    std::vector<offset_query> queries;
    for (const auto& [where, when] : asked) queries.push_back({where, when});
    auto finding = weir::detail::find_offsets(self->view_, std::move(queries), self->level_, self->patience_);
    auto found = co_await finding;
    if (!found) {
        done->complete(found.error());
        co_return;
    }
    std::vector<offset_and_time> all;
    for (std::size_t i = 0; i < asked.size(); ++i) all.push_back({asked[i].first, (*found)[i].offset, timestamp{duration{std::max<std::int64_t>((*found)[i].time, 0)}}});
    done->complete(std::move(all));
}

void partition_questions::partitions_for(std::string topic, std::shared_ptr<op_state<std::vector<partition_info>>> done) {
    spawn(run_partitions_for(shared_from_this(), std::move(topic), std::move(done)));
}

task<void> partition_questions::run_partitions_for(shared self, std::string topic, std::shared_ptr<op_state<std::vector<partition_info>>> done) {
    auto& loop = self->view_->loop();
    const auto until = loop.now() + self->patience_;
    wanted_topics wanted{self->view_};
    wanted.add(topic, self->may_make_topics_);
    for (int failures = 1;; ++failures) {
        const auto* known = self->view_->find(topic);
        if (known && known->code == errc::none) {
            std::vector<partition_info> all;
            for (std::size_t i = 0; i < known->partitions.size(); ++i) all.push_back({static_cast<std::int32_t>(i), known->partitions[i].leader, known->partitions[i].leader_epoch});
            done->complete(std::move(all));
            co_return;
        }
        if (self->view_->last_failure().permanent()) {
            done->complete(self->view_->last_failure());
            co_return;
        }
        const auto code = known ? known->code : errc::unknown_topic_or_partition;
        const bool late = loop.now() >= until;
        if (late || self->ended_ || !describe(code).retriable) {
            if (late && !known) done->complete(out_of_time(fmt::format("{}: its partitions were not told", topic), self->patience_, "", self->view_->last_failure()));
            else if (late) done->complete(error{code, fmt::format("{}: {}, for {} ms (default.api.timeout.ms)", topic, describe(code).condition, self->patience_.count()), self->view_->last_failure()});
            else done->complete(error{code, fmt::format("{}: {}", topic, describe(code).condition), self->view_->last_failure()});
            co_return;
        }
        self->view_->refresh();
        pause_for pause{loop, self->view_->retry().after(failures, self->view_->random())};
        co_await pause;
    }
}

void partition_questions::list_topics(std::shared_ptr<op_state<topic_map>> done) { spawn(run_list_topics(shared_from_this(), std::move(done))); }

task<void> partition_questions::run_list_topics(shared self, std::shared_ptr<op_state<topic_map>> done) {
    auto& loop = self->view_->loop();
    const auto until = loop.now() + self->patience_;
    for (int failures = 1;; ++failures) {
        auto asking = ask_for_topics(self);
        auto got = co_await asking;
        if (got || self->ended_ || !transient(got.error())) {
            done->complete(std::move(got));
            co_return;
        }
        if (loop.now() >= until) {
            done->complete(out_of_time("the topics were not told", self->patience_, "", got.error()));
            co_return;
        }
        pause_for pause{loop, self->view_->retry().after(failures, self->view_->random())};
        co_await pause;
    }
}

// A topic that has gone since the broker began to answer is none; one that is in trouble is worth another try.
task<result<partition_questions::topic_map>> partition_questions::ask_for_topics(shared self) {
    auto finding = cluster::any(self->view_);
    auto link = co_await finding;
    if (!link) co_return link.error();
    protocol::metadata_request request;
    request.topics.reset();
    request.allow_auto_topic_creation = false;
    auto calling = (*link)->call(request);
    auto got = co_await calling;
    if (!got) co_return got.error();
    topic_map all;
    for (const auto& topic : got->message.topics) {
        const auto code = errc_from_wire(topic.error_code);
        const auto name = topic.name.value_or("");
        if (code == errc::unknown_topic_or_partition) continue;
        if (code != errc::none) co_return error{code, fmt::format("{}: {}", name, describe(code).condition)}.located(name, -1);
        auto& parts = all[name];
        for (const auto& each : topic.partitions) parts.push_back({each.partition_index, each.leader_id, each.leader_epoch});
        std::ranges::sort(parts, {}, &partition_info::partition);
    }
    co_return all;
}

}  // namespace weir::detail
