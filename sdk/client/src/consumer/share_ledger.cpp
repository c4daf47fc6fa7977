#include "share_ledger.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

// Brokers lock some thousand records of a partition (group.share.partition.max.record.locks) and the rest of the last batch,
// which may be compressed, or compacted to nothing.
constexpr std::size_t offsets_at_least = 1 << 20;

}  // namespace

// --- what was lent

result<std::vector<acquired_range>> acquired_ranges(const std::vector<protocol::share_fetch_response::acquired_records_data>& said, std::size_t bytes) {
    std::vector<acquired_range> ranges;
    for (const auto& each : said) ranges.push_back({each.first_offset, each.last_offset, each.delivery_count});
    std::ranges::sort(ranges, {}, &acquired_range::first);
    auto left = static_cast<std::uint64_t>(std::max(bytes, offsets_at_least));
    std::int64_t below = -1;
    for (const auto& [first, last, count] : ranges) {
        if (first <= below || last < first) return error{errc::malformed, fmt::format("offsets {} to {} after {} are lent", first, last, below)};
        const auto size = static_cast<std::uint64_t>(last - first) + 1;
        if (size > left) return error{errc::malformed, fmt::format("offsets {} to {} are lent with {} bytes of records", ranges.front().first, last, bytes)};
        left -= size;
        below = last;
    }
    return ranges;
}

lease_part::lease_part(std::shared_ptr<share_ledger> in, lender from, place where, std::string topic, chunk content, std::vector<acquired_range> acquired, time_point ends)
    : ledger_(std::move(in)), lender_(from), where_(where), topic_(std::move(topic)), content_(std::move(content)), acquired_(std::move(acquired)), ends_(ends) {}

lease_part::~lease_part() {
    const auto now = ledger_->now();
    std::map<std::int64_t, verdict> back;
    std::size_t over = 0;
    if (!opened_ && ends_ <= now) over = acquired_count();
    if (!opened_ && ends_ > now) {
        for (const auto& range : acquired_) {
            for (auto offset = range.first; offset <= range.last; ++offset) back.emplace(offset, verdict::release);
        }
    }
    for (std::size_t i = 0; i < records_.size(); ++i) {
        if (slots_[i].state.load(std::memory_order_acquire) != undecided) continue;
        if (ends(i) > now) back.emplace(records_[i].offset, verdict::release);
        else ++over;
    }
    if (now != time_point::max()) ledger_->expired(over);
    if (!back.empty()) ledger_->give_back(lender_, where_, topic_, back);
}

const error& lease_part::open() {
    if (std::exchange(opened_, true)) return broken_;
    std::vector<raw_record> room(256);
    auto range = acquired_.begin();
    auto next = range == acquired_.end() ? std::int64_t{0} : range->first;  // the first offset not accounted for
    const auto leave_full_range = [&] {
        if (next <= range->last) return;
        ++range;
        if (range != acquired_.end()) next = range->first;
    };
    const auto skip_to = [&](std::int64_t offset) {
        while (range != acquired_.end() && next < offset) {
            for (; next <= range->last && next < offset; ++next) missing_.push_back(next);
            leave_full_range();
        }
    };
    for (;;) {
        const auto got = content_.read(room);
        if (!got) broken_ = got.error();
        if (!got || *got == 0) break;
        content_.keep(keep_);
        for (const auto& each : std::span{room}.first(*got)) {
            skip_to(each.offset);
            if (range == acquired_.end() || each.offset < range->first) continue;  // of the same batch, and somebody else's
            records_.push_back(each);
            circumstances_.push_back({range->delivery_count, content_.append_time()});
            ++next;
            leave_full_range();
        }
    }
    const auto readable = missing_.size();
    skip_to(std::numeric_limits<std::int64_t>::max());
    slots_ = std::make_unique<slot[]>(records_.size());
    for (std::size_t i = 0; i < records_.size(); ++i) slots_[i].ends.store(ends_.time_since_epoch().count(), std::memory_order_relaxed);
    if (broken_) {
        std::map<std::int64_t, verdict> back;
        for (auto i = readable; i < missing_.size(); ++i) back.emplace(missing_[i], verdict::release);
        missing_.resize(readable);
        if (!back.empty()) ledger_->give_back(lender_, where_, topic_, back);
    }
    if (!missing_.empty()) ledger_->list(shared_from_this(), false);
    return broken_;
}

void lease_part::describe(std::size_t index, lent_record& into) {
    into.raw = &records_[index];
    into.where = record_info{};
    into.where.topic = topic_;
    into.where.partition = where_.second;
    into.where.append_time = circumstances_[index].append_time;
    records_[index].describe(into.where);
    into.loan = lease{shared_from_this(), static_cast<std::uint32_t>(index)};
}

bool lease_part::decide(std::size_t index, verdict what) {
    auto& state = slots_[index].state;
    auto before = state.load(std::memory_order_acquire);
    do {
        if (before != undecided && before != static_cast<std::uint8_t>(verdict::renew)) return false;
    } while (!state.compare_exchange_weak(before, static_cast<std::uint8_t>(what), std::memory_order_acq_rel));
    ledger_->list(shared_from_this(), what == verdict::renew);
    return true;
}

std::size_t lease_part::acquired_count() const noexcept {
    std::size_t count = 0;
    for (const auto& range : acquired_) count += static_cast<std::size_t>(range.last - range.first + 1);
    return count;
}

void lease_part::forget(std::size_t index) {
    if (slots_[index].state.exchange(told, std::memory_order_acq_rel) != told) ledger_->expired(1);
}

void lease_part::forget_all() {
    if (!opened_) {
        ledger_->expired(acquired_count());
        acquired_.clear();
    }
    for (std::size_t i = 0; i < records_.size(); ++i) forget(i);
    opened_ = true;
}

void lease_part::collect(share_news& into, time_point now) {
    if (ends_ > now) {
        for (const auto offset : missing_) into.decided[where_][offset] = verdict::gap;
    }
    missing_.clear();
    for (std::size_t i = 0; i < records_.size(); ++i) {
        auto& state = slots_[i].state;
        auto said = state.load(std::memory_order_acquire);
        const bool over = ends(i) <= now;
        if (said == static_cast<std::uint8_t>(verdict::renew)) {
            if (state.compare_exchange_strong(said, undecided)) (over ? into.late : into.renewals)[where_][records_[i].offset] = verdict::renew;
            said = state.load(std::memory_order_acquire);
        }
        if (said == undecided || said == told || said == static_cast<std::uint8_t>(verdict::renew)) continue;
        (over ? into.late : into.decided)[where_][records_[i].offset] = static_cast<verdict>(said);
        if (over) ledger_->expired(1);
        state.store(told, std::memory_order_release);
    }
}

void lease_part::renewed(const std::map<std::int64_t, verdict>& which, time_point until) {
    for (std::size_t i = 0; i < records_.size(); ++i) {
        if (which.contains(records_[i].offset)) slots_[i].ends.store(until.time_since_epoch().count(), std::memory_order_relaxed);
    }
}

// --- what is to be told

void share_ledger::changed(bool urgent) {
    if (tell_ && (!std::exchange(told_, true) || urgent)) tell_();
}

void share_ledger::list(const std::shared_ptr<lease_part>& part, bool urgent) {
    const std::lock_guard held{mutex_};
    if (closed_) return;
    if (urgent) urgent_.insert(part->from());
    const bool fresh = !std::exchange(part->listed, true);
    if (fresh) listed_[part->from()].push_back(part);
    if (fresh || urgent) changed(urgent);
}

void share_ledger::give_back(const lender& from, const place& where, const std::string& topic, const std::map<std::int64_t, verdict>& which) {
    const std::lock_guard held{mutex_};
    if (closed_) return;
    auto& news = returned_[from];
    news.topics[where] = topic;
    news.decided[where].insert(which.begin(), which.end());
    changed(false);
}

share_news share_ledger::take(const lender& from) {
    std::vector<std::shared_ptr<lease_part>> parts;  // dropped outside the lock: the last handle of a part gives back
    share_news all;
    const std::lock_guard held{mutex_};
    if (const auto at = returned_.find(from); at != returned_.end()) {
        all = std::move(at->second);
        returned_.erase(at);
    }
    if (const auto at = listed_.find(from); at != listed_.end()) {
        parts = std::move(at->second);
        listed_.erase(at);
    }
    urgent_.erase(from);
    for (const auto& part : parts) {
        part->listed = false;
        const auto renewing = all.renewals.size();
        part->collect(all, time_ ? time_->now() : time_point::max());
        if (all.renewals.size() > renewing || all.renewals.contains(part->where())) all.renewing.push_back(part);
        all.topics[part->where()] = part->topic();
    }
    told_ = false;
    return all;
}

std::map<lender, bool> share_ledger::waiting() {
    const std::lock_guard held{mutex_};
    told_ = false;
    std::map<lender, bool> all;
    for (const auto& [from, parts] : listed_) all[from] = urgent_.contains(from);
    for (const auto& [from, news] : returned_) all.emplace(from, false);
    return all;
}

void share_ledger::close() {
    std::map<lender, std::vector<std::shared_ptr<lease_part>>> dropped;
    const std::lock_guard held{mutex_};
    closed_ = true;
    tell_ = {};
    dropped = std::move(listed_);
    returned_.clear();
}

void share_ledger::stop_clock() {
    const std::lock_guard held{mutex_};
    time_ = nullptr;
    tell_ = {};
}

time_point share_ledger::now() const {
    const std::lock_guard held{mutex_};
    return time_ ? time_->now() : time_point::max();
}

// --- what the application holds

int lease::delivery_count() const noexcept { return of_ ? of_->delivery_count(index_) : 0; }

duration lease::time_left() const noexcept {
    if (!of_) return duration{0};
    const auto now = of_->ledger().now();
    const auto ends = of_->ends(index_);
    return now < ends ? std::chrono::duration_cast<duration>(ends - now) : duration{0};
}

void lease::decide(acknowledgement what) const {
    if (of_) of_->decide(index_, static_cast<verdict>(what));
}

}  // namespace weir::detail
