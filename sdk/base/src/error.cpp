#include <weir/base/error.hpp>

#include <array>
#include <atomic>
#include <ostream>

namespace weir {

struct error::info {
    errc code;
    std::string what;
    error cause;
    std::string topic{};
    std::int32_t partition = -1;
    std::int64_t offset = -1;
    bool fatal = false;
};

// What is a code and no more is made once for each code: such an error allocates nothing, and its copies count nothing.
error::error(errc code, std::string what) {
    constexpr int lowest = -256;
    static std::array<std::atomic<const info*>, 512> bare{};
    if (code == errc::none) return;
    const auto at = static_cast<std::size_t>(static_cast<int>(code) - lowest);
    if (!what.empty() || at >= bare.size()) {
        info_ = std::make_shared<const info>(info{code, std::move(what), {}});
        return;
    }
    const auto* made = bare[at].load(std::memory_order_acquire);
    if (!made) {
        auto fresh = std::make_unique<const info>(info{code, {}, {}});
        if (bare[at].compare_exchange_strong(made, fresh.get())) made = fresh.release();  // for good
    }
    info_ = {std::shared_ptr<const info>{}, made};
}

error::error(errc code, std::string what, const error& cause)
    : info_(code == errc::none ? nullptr : std::make_shared<const info>(info{code, std::move(what), cause})) {}

errc error::code() const noexcept { return info_ ? info_->code : errc::none; }

std::string_view error::what() const noexcept { return info_ ? std::string_view{info_->what} : std::string_view{}; }

bool error::fatal() const noexcept { return info_ && (info_->fatal || describe(info_->code).fatal); }

error error::as_fatal() const {
    if (!info_ || fatal()) return *this;
    auto changed = *info_;
    changed.fatal = true;
    error copy;
    copy.info_ = std::make_shared<const info>(std::move(changed));
    return copy;
}

error error::located(std::string topic, std::int32_t partition, std::int64_t offset) const {
    if (!info_) return {};
    auto changed = *info_;
    changed.topic = std::move(topic);
    changed.partition = partition;
    changed.offset = offset;
    error copy;
    copy.info_ = std::make_shared<const info>(std::move(changed));
    return copy;
}

std::string_view error::topic() const noexcept { return info_ ? std::string_view{info_->topic} : std::string_view{}; }
std::int32_t error::partition() const noexcept { return info_ ? info_->partition : -1; }
std::int64_t error::offset() const noexcept { return info_ ? info_->offset : -1; }

std::ostream& operator<<(std::ostream& out, const error& why) { return out << why.message(); }

std::string error::message() const {
    if (!info_) return "no error";
    std::string text{describe(info_->code).name};
    if (!info_->what.empty()) text.append(": ").append(info_->what);
    if (info_->cause) text.append(" (caused by ").append(info_->cause.message()).append(")");
    return text;
}

exception::exception(weir::error why) : error_(std::move(why)), text_(error_.message()) {}

void detail::raise(const error& why) { throw exception{why}; }

error detail::no_reason() { return error{errc::unknown_server_error, "a failed result was made of no error"}; }

}  // namespace weir
