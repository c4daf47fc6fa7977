#include "world_impl.hpp"

#include <algorithm>
#include <stdexcept>

namespace weir::sim {
namespace {

constexpr timestamp_ms wall_at_zero = 1'767'225'600'000 - 3'600'000;  // the hour that monotonic time begins with
// Within a machine nothing is slow or lost.
const link_config loopback{.least_delay = std::chrono::microseconds{10}, .most_delay = std::chrono::microseconds{50}, .slow_share = 0};
constexpr time_point for_ever = time_point::max();

}  // namespace

time_point sim_loop::now() const noexcept { return all_.now; }

timestamp_ms sim_loop::wall_now() const noexcept {
    return wall_at_zero + std::chrono::duration_cast<milliseconds>(all_.now.time_since_epoch() + home_.wall_offset).count();
}

void sim_loop::post(function<void()> step) {
    if (alive_) queue_.post(std::move(step));
}

timer_id sim_loop::call_at(time_point when, function<void()> step) {
    return alive_ ? queue_.call_at(when, std::move(step)) : timer_id::none;
}

void sim_loop::defer_to_turn_end(function<void()> step) {
    if (alive_) queue_.defer_to_turn_end(std::move(step));
}

// Outside of any step it is the test that acts, on behalf of whom it likes.
bool sim_loop::running_here() const noexcept { return all_.running == this || all_.running == nullptr; }

void sim_loop::end_life() noexcept {
    alive_ = false;
    queue_.clear();
}

world::impl::~impl() {
    for (auto& each : machines) each->present().alive = false;
    for (auto& each : machines) end_life(*each, [] { return false; });
    happenings.clear();
}

machine* world::impl::by_host(const std::string& host, machine& asking) {
    if (host == "localhost" || host == "127.0.0.1") return &asking;
    for (auto& each : machines) {
        if (each->host == host) return each.get();
    }
    return nullptr;
}

const link_config& world::impl::link(node_id from, node_id to) const {
    if (from == to) return loopback;
    const auto found = links.find({from, to});
    return found == links.end() ? default_link : found->second;
}

nanoseconds world::impl::draw_delay(const link_config& link) {
    const bool slow = link.slow_share > 0 && random.chance(link.slow_share);
    const auto most = std::max(slow ? link.slow_delay : link.most_delay, link.least_delay);
    const auto room = static_cast<std::uint64_t>((most - link.least_delay).count());
    return link.least_delay + nanoseconds{static_cast<std::int64_t>(random.below(room + 1))};
}

void world::impl::begin_life(machine& where) {
    auto begun = std::make_unique<life>();
    for (int i = 0; i < where.loop_count; ++i) begun->loops.push_back(std::make_unique<sim_loop>(*this, where));
    begun->net = std::make_unique<sim_network>(*this, where, *begun);
    where.lives.push_back(std::move(begun));
    where.powered = true;
    where.paused_until = {};
}

void world::impl::end_life(machine& where, function<bool()> tell) {
    auto& ended = where.present();
    ended.alive = false;  // what is dropped now has no last words
    abandon_sockets(*this, ended, std::move(tell));
    for (auto& loop : ended.loops) loop->end_life();
    const auto ports = std::exchange(ended.net->ports(), {});  // dropped last: closures may own anything
}

std::optional<time_point> world::impl::next_time() {
    std::optional<time_point> first = happenings.next();
    for (auto& each : machines) {
        for (auto& loop : each->present().loops) {
            const auto next = loop->queue().next(now);
            if (!next) continue;
            const auto when = std::max(*next, each->paused_until);
            if (!first || when < *first) first = when;
        }
    }
    return first;
}

bool world::impl::step_before(time_point limit) {
    const auto next = next_time();
    if (!next || *next > limit) return false;
    now = std::max(now, *next);
    // Everything that could be next; the seed decides. One entry stands for the happenings, which have an order of their own.
    std::vector<sim_loop*> ready;
    for (auto& each : machines) {
        if (each->paused_until > now) continue;
        for (auto& loop : each->present().loops) {
            const auto when = loop->queue().next(now);
            if (when && *when <= now) ready.push_back(loop.get());
        }
    }
    const auto happening = happenings.next();
    if (happening && *happening <= now) ready.push_back(nullptr);
    auto* const chosen = ready[static_cast<std::size_t>(ready.size() == 1 ? 0 : random.below(ready.size()))];
    ++events;
    inside = true;
    if (chosen) {
        running = chosen;
        chosen->queue().step(now);
        running = nullptr;
    } else if (auto happens = happenings.take(happenings.pop_due(now))) {
        happens();
    }
    inside = false;
    if (check) check();
    return true;
}

world::world(std::uint64_t seed) : impl_(std::make_unique<impl>(seed)) {}
world::~world() = default;

node_id world::add_node(std::string host, int loops) {
    const auto id = static_cast<node_id>(impl_->machines.size());
    impl_->machines.push_back(std::make_unique<machine>(id, std::move(host), loops, impl_->random()));
    impl_->begin_life(*impl_->machines.back());
    return id;
}

event_loop& world::loop(node_id node, int index) {
    return *impl_->at(node).present().loops.at(static_cast<std::size_t>(index));
}
network& world::net(node_id node) { return *impl_->at(node).present().net; }
memory_files& world::disk(node_id node) { return impl_->at(node).disk; }
random_source& world::random() noexcept { return impl_->random; }
std::uint64_t world::seed() const noexcept { return impl_->seed; }
time_point world::now() const noexcept { return impl_->now; }
std::uint64_t world::events() const noexcept { return impl_->events; }

bool world::inside_step() const noexcept { return impl_->inside; }
bool world::step() { return impl_->step_before(for_ever); }

void world::run_for(nanoseconds span) {
    static_cast<void>(run_until([] { return false; }, span));
}

bool world::run_until(function<bool()> reached, nanoseconds limit) {
    constexpr std::uint64_t most_at_once = 1'000'000;
    const auto until = impl_->now + limit;
    std::uint64_t at_once = 0;
    for (auto before = impl_->now; !reached(); before = impl_->now) {
        if (!impl_->step_before(until)) {
            impl_->now = until;
            return reached();
        }
        at_once = impl_->now == before ? at_once + 1 : 0;
        if (at_once > most_at_once) throw std::logic_error{"seed " + std::to_string(seed()) + ": time stands still"};
    }
    return true;
}

void world::after_each_event(function<void()> check) { impl_->check = std::move(check); }
void world::at(time_point when, function<void()> action) { impl_->happenings.add(when, std::move(action)); }

void world::set_links(const link_config& all) {
    impl_->default_link = all;
    impl_->links.clear();
}
void world::set_link(node_id from, node_id to, const link_config& one_way) {
    impl_->links.insert_or_assign({from, to}, one_way);
}
void world::cut(node_id from, node_id to) { impl_->cuts.insert({from, to}); }
void world::cut_both(node_id one, node_id other) {
    cut(one, other);
    cut(other, one);
}
void world::isolate(node_id node) {
    for (const auto& each : impl_->machines) {
        if (each->id != node) cut_both(node, each->id);
    }
}
void world::heal(node_id from, node_id to) { impl_->cuts.erase({from, to}); }
void world::heal_all() { impl_->cuts.clear(); }

void world::crash(node_id node, unsynced what) { power_cut({&node, 1}, what); }

void world::power_cut(std::span<const node_id> nodes, unsynced what) {
    // All disks first: nothing that a dropped step still does may reach one.
    for (const auto node : nodes) {
        impl_->at(node).disk.crash(what);
        impl_->at(node).powered = false;
    }
    for (const auto node : nodes) {
        auto& where = impl_->at(node);
        if (!where.present().alive) continue;
        impl_->end_life(where, [this] { return impl_->random.chance(0.5); });
    }
}

void world::kill(node_id node) {
    auto& where = impl_->at(node);
    if (!where.present().alive) return;
    where.disk.kill_process();
    impl_->end_life(where, [] { return true; });
}

void world::restart(node_id node) {
    if (is_up(node)) kill(node);
    impl_->begin_life(impl_->at(node));
}

bool world::is_up(node_id node) const { return impl_->at(node).present().alive; }
void world::pause(node_id node, nanoseconds span) { impl_->at(node).paused_until = impl_->now + span; }
void world::jump_wall(node_id node, milliseconds by) { impl_->at(node).wall_offset += by; }

}  // namespace weir::sim
