#include "partition_change.hpp"

#include <weir/metadata/image_builder.hpp>

#include <algorithm>

namespace weir::metadata {

bool has(const std::vector<broker_id>& in, broker_id id) { return std::find(in.begin(), in.end(), id) != in.end(); }

namespace {

using ids = std::vector<broker_id>;
constexpr std::int32_t no_leader_change = -2;

bool has_all(const ids& in, const ids& these) {
    return std::all_of(these.begin(), these.end(), [&](broker_id id) { return has(in, id); });
}
ids without(const ids& from, const ids& these) {
    ids left;
    std::copy_if(from.begin(), from.end(), std::back_inserter(left), [&](broker_id id) { return !has(these, id); });
    return left;
}

struct elected {
    broker_id leader = no_broker;
    bool unclean = false;
};

/// One build(): the targets while they are being worked out.
class work {
public:
    work(partition_change& wanted, const uuid& topic, std::int32_t index, function<bool(broker_id)>& may_lead,
         function<uuid(broker_id)>& default_directory)
        : wanted_(wanted),
          now_(wanted.now),
          may_lead_(may_lead),
          default_directory_(default_directory),
          elr_(now_.elr) {
        record_.topic_id = topic;
        record_.partition_id = index;
    }

    std::optional<protocol::partition_change_record> build() {
        finish_reassignment();
        populate_elr();
        elect();
        bump_epoch_when_replicas_leave();
        record_elr();
        // Without eligible replicas an empty ISR would forget who had the data: then the last members stay named.
        if (!record_.isr && (!wanted_.isr.empty() || wanted_.rules.elr_enabled) && wanted_.isr != now_.isr)
            record_.isr = wanted_.isr;
        bump_epoch_when_isr_shrinks();
        record_last_known_leader();
        record_assignment();
        if (wanted_.recovery != now_.recovery && record_.leader_recovery_state == no_recovery_change)
            record_.leader_recovery_state = static_cast<std::int8_t>(wanted_.recovery);
        if (is_no_op()) return std::nullopt;
        return std::move(record_);
    }

private:
    static constexpr std::int8_t no_recovery_change = -1;

    /// All replicas that are being added are in the ISR: the ones being removed go.
    void finish_reassignment() {
        if (wanted_.adding.empty() && wanted_.removing.empty()) return;
        const auto kept_isr = without(wanted_.isr, wanted_.removing);
        const auto kept = without(wanted_.replicas, wanted_.removing);
        if (kept_isr.empty() || kept.empty() || !has_all(kept_isr, wanted_.adding)) return;
        wanted_.isr = kept_isr;
        wanted_.replicas = kept;
        wanted_.removing.clear();
        wanted_.adding.clear();
    }

    /// KIP-966: members that leave the ISR while it is below min.insync.replicas still have everything committed.
    void populate_elr() {
        if (!wanted_.rules.elr_enabled) return;
        if (static_cast<std::int64_t>(wanted_.isr.size()) >= wanted_.rules.min_isr) {
            elr_.clear();
            return;
        }
        ids candidates = elr_;
        for (const auto id : now_.isr)
            if (!has(candidates, id)) candidates.push_back(id);
        elr_ = without(candidates, wanted_.isr);
        std::erase(elr_, wanted_.unclean_shutdown);
        std::sort(elr_.begin(), elr_.end());
    }

    bool fit(broker_id id) {
        if (id == no_broker) return false;
        const bool has_data = has(wanted_.isr, id) || (wanted_.isr.empty() && has(elr_, id));
        return has_data && may_lead_(id);
    }

    elected choose() {
        if (wanted_.how == election::preferred && !wanted_.replicas.empty() && fit(wanted_.replicas.front()))
            return {wanted_.replicas.front()};
        if (fit(now_.leader)) return {now_.leader};
        for (const auto id : wanted_.replicas)
            if (fit(id)) return {id};
        // Nobody has the data for certain, but one was the last to lead: most likely nothing is lost.
        if (wanted_.rules.elr_enabled && elr_.empty() && wanted_.isr.empty() && now_.last_known_elr.size() == 1 &&
            may_lead_(now_.last_known_elr.front()))
            return {now_.last_known_elr.front(), true};
        if (wanted_.how == election::unclean)
            for (const auto id : wanted_.replicas)
                if (may_lead_(id)) return {id, true};
        return {};
    }

    void elect() {
        const auto chosen = choose();
        if (chosen.leader == now_.leader) return;
        record_.leader = chosen.leader;
        if (has(elr_, chosen.leader)) {
            wanted_.isr = {chosen.leader};
            std::erase(elr_, chosen.leader);
        }
        if (chosen.unclean) {
            record_.isr = ids{chosen.leader};
            if (now_.recovery != leader_recovery::recovering)
                record_.leader_recovery_state = static_cast<std::int8_t>(leader_recovery::recovering);
        }
    }

    void bump_epoch_when_replicas_leave() {
        if (record_.leader == no_leader_change && !has_all(wanted_.replicas, now_.replicas))
            record_.leader = now_.leader;
    }
    /// Before 3.6 followers relied on it.
    void bump_epoch_when_isr_shrinks() {
        if (wanted_.rules.metadata_version < 12 && record_.leader == no_leader_change && record_.isr &&
            !has_all(*record_.isr, now_.isr))
            record_.leader = now_.leader;
    }

    void record_elr() {
        if (record_.isr || !wanted_.rules.elr_enabled) elr_.clear();  // an unclean election makes everybody ineligible
        if (elr_ != now_.elr) record_.eligible_leader_replicas = elr_;
    }

    void record_last_known_leader() {
        if (!wanted_.rules.elr_enabled) {
            if (!now_.last_known_elr.empty()) record_.last_known_elr = ids{};
            return;
        }
        const bool lost = record_.isr && record_.isr->empty();
        const bool had_leader = now_.leader != no_broker;
        if (lost && had_leader && now_.last_known_elr != ids{now_.leader}) {
            record_.last_known_elr = ids{now_.leader};
        } else if ((record_.leader >= 0 || (had_leader && record_.leader != no_broker)) &&
                   !now_.last_known_elr.empty()) {
            record_.last_known_elr = ids{};
        }
    }

    void record_assignment() {
        if (!wanted_.replicas.empty()) {
            if (wanted_.rules.metadata_version >= 17) {
                std::vector<uuid> directories;
                directories.reserve(wanted_.replicas.size());
                for (const auto id : wanted_.replicas)
                    directories.push_back(has(now_.replicas, id) ? now_.directory_of(id) : default_directory_(id));
                if (directories != now_.directories) record_.directories = std::move(directories);
            }
            if (wanted_.replicas != now_.replicas) record_.replicas = wanted_.replicas;
        }
        if (wanted_.removing != now_.removing_replicas) record_.removing_replicas = wanted_.removing;
        if (wanted_.adding != now_.adding_replicas) record_.adding_replicas = wanted_.adding;
    }

    bool is_no_op() const {
        protocol::partition_change_record nothing;
        nothing.topic_id = record_.topic_id;
        nothing.partition_id = record_.partition_id;
        return record_ == nothing;
    }

    partition_change& wanted_;
    const partition& now_;
    function<bool(broker_id)>& may_lead_;
    function<uuid(broker_id)>& default_directory_;
    ids elr_;
    protocol::partition_change_record record_;
};

}  // namespace

partition_change::partition_change(const partition& now, partition_rules rules)
    : now(now),
      rules(rules),
      isr(now.isr),
      replicas(now.replicas),
      removing(now.removing_replicas),
      adding(now.adding_replicas),
      recovery(now.recovery) {}

std::optional<protocol::partition_change_record> partition_change::build(const uuid& topic, std::int32_t index,
                                                                         function<bool(broker_id)> may_lead,
                                                                         function<uuid(broker_id)> default_directory) {
    return work{*this, topic, index, may_lead, default_directory}.build();
}

partition after(const partition& now, const protocol::partition_change_record& change) {
    partition next = now;
    apply_change(next, change);
    return next;
}

}  // namespace weir::metadata
