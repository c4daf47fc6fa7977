#include "consumer_membership.hpp"

#include "topic_lookup.hpp"

namespace weir::detail {

consumer_membership::consumer_membership(std::shared_ptr<cluster> view, const membership_config& config, membership_events& events, std::uint64_t seed)
    : membership_driver(std::move(view), config, events), member_(config, this->view().retry(), seed) {}

void consumer_membership::subscribe(subscription to) {
    member_.subscribe(std::move(to));
    wake();
}

void consumer_membership::polled() {
    member_.polled();
    wake();
}

void consumer_membership::rejected(const group_identity& who, errc code) {
    member_.rejected(who, code);
    if (code == errc::not_coordinator || code == errc::coordinator_not_available) view().forget_coordinator(coordinator_kind::group, group());
    wake();
}

void consumer_membership::advance() {
    member_.tick(loop().now(), last_polled());
    for (auto effects = member_.take_effects(); !effects.empty(); effects = member_.take_effects()) {
        for (auto& each : effects) {
            if (closed()) return;
            std::visit([this](auto& next) { carry_out(next); }, each);
        }
    }
}

void consumer_membership::carry_out(consumer_effect::heartbeat& next) { spawn(heartbeat(self_as<consumer_membership>(), std::move(next))); }
void consumer_membership::carry_out(consumer_effect::find_names& next) {
    if (!std::exchange(finding_, true)) spawn(find_names(self_as<consumer_membership>(), std::move(next.ids)));
}
void consumer_membership::carry_out(consumer_effect::forget_coordinator&) { view().forget_coordinator(coordinator_kind::group, group()); }
void consumer_membership::carry_out(consumer_effect::assigned& next) { events()->assigned(std::move(next.added)); }
void consumer_membership::carry_out(consumer_effect::revoke& next) {
    events()->revoke(std::move(next.going), [self = self_as<consumer_membership>(), of = next.of] {
        self->member_.revoked(of);
        self->wake();
    });
}
void consumer_membership::carry_out(consumer_effect::lost& next) { events()->lost(std::move(next.gone)); }
void consumer_membership::carry_out(consumer_effect::failed& next) { events()->failed(std::move(next.why)); }
void consumer_membership::carry_out(consumer_effect::left&) { has_left(); }

task<void> consumer_membership::heartbeat(self_ptr self, consumer_effect::heartbeat next) {
    self->counters().heartbeats.add();
    auto asking = ask(self->shared_view(), self->group(), std::move(next.request), lane::shared);
    auto answer = co_await asking;
    if (answer) self->member_.answered(next.of, *answer, self->loop().now());
    else self->member_.request_failed(next.of, answer.error(), self->loop().now());
    self->wake();
}

// A topic that was just made may be new to the broker that is asked: until all have names, or the coordinator changes its mind.
task<void> consumer_membership::find_names(self_ptr self, std::vector<uuid> ids) {
    for (int failures = 0; !ids.empty() && !self->closed(); ids = self->member_.nameless()) {
        auto asking = look_up_names(self->shared_view(), std::move(ids));
        auto names = co_await asking;
        if (names) self->member_.names_are(*names);
        self->wake();
        if (names && self->member_.nameless().empty()) break;
        pause_for pause{self->loop(), self->view().retry().after(++failures, self->view().random())};
        co_await pause;
    }
    self->finding_ = false;
}

}  // namespace weir::detail
