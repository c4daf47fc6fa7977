#include "heartbeat_session.hpp"

#include <fmt/format.h>

#include <utility>

namespace weir::detail {

void heartbeat_session::join(time_point now) {
    phase_ = phase::joining;
    epoch_ = 0;
    due_at_ = now;
}

void heartbeat_session::hurry(time_point now) {
    if (member()) due_at_ = now;
}

time_point heartbeat_session::deadline() const noexcept { return awaited_ == 0 && (joining() || member()) ? due_at_ : time_point::max(); }

std::uint64_t heartbeat_session::send() {
    due_at_ = time_point::max();
    return awaited_ = ++last_sent_;
}

std::uint64_t heartbeat_session::send_last() {
    phase_ = phase::leaving;
    return send();
}

void heartbeat_session::drop() {
    phase_ = phase::out;
    epoch_ = -1;
    awaited_ = 0;
}

bool heartbeat_session::take(std::uint64_t of) {
    if (of != awaited_) return false;
    awaited_ = 0;
    return true;
}

heartbeat_outcome heartbeat_session::end(heartbeat_outcome how) {
    drop();
    return how;
}

heartbeat_outcome heartbeat_session::again(heartbeat_outcome how, time_point now) {
    due_at_ = now + retry_.after(++failures_, random_);
    return how;
}

heartbeat_outcome heartbeat_session::answered(std::uint64_t of, errc code, std::int32_t epoch, milliseconds interval, time_point now) {
    if (!take(of)) return heartbeat_outcome::outdated;
    if (leaving()) return end(heartbeat_outcome::left);
    if (code == errc::fenced_member_epoch || code == errc::unknown_member_id) return end(heartbeat_outcome::fenced);
    if (code == errc::not_coordinator || code == errc::coordinator_not_available) return again(heartbeat_outcome::retry_elsewhere, now);
    if (code != errc::none) return describe(code).retriable ? again(heartbeat_outcome::retry, now) : end(heartbeat_outcome::refused);
    failures_ = 0;
    phase_ = phase::member;
    epoch_ = epoch;
    if (interval > milliseconds::zero()) interval_ = interval;
    due_at_ = now + interval_;
    return heartbeat_outcome::accepted;
}

heartbeat_outcome heartbeat_session::failed(std::uint64_t of, const error& why, time_point now) {
    if (!take(of)) return heartbeat_outcome::outdated;
    if (leaving()) return end(heartbeat_outcome::left);
    if (why.code() == errc::unsupported_version || why.permanent()) return end(heartbeat_outcome::refused);
    return again(heartbeat_outcome::retry_elsewhere, now);
}

error heartbeat_error(std::string_view request, std::string_view group, errc code, std::string_view advice, std::string_view coordinator_says) {
    if (advice.empty()) advice = code == errc::group_authorization_failed ? "the principal may not read it; it needs READ on the group" : describe(code).condition;
    return error{code, fmt::format("{} of group {}: {}{}{}", request, group, advice, coordinator_says.empty() ? "" : "; the coordinator says: ", coordinator_says)};
}

}  // namespace weir::detail
