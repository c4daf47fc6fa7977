#include <weir/storage/directory_health.hpp>

#include <weir/base/log.hpp>
#include <weir/storage/meta_properties.hpp>

#include <algorithm>

namespace weir::storage {
namespace {

log::logger directory_health_logs{"weir.storage"};

}  // namespace

void directory_health::fail(const error& why) {
    function<void()> tell;
    {
        const std::lock_guard lock{mutex_};
        if (failed()) return;
        failure_ = why;
        failed_.store(true, std::memory_order_release);
        tell = std::move(tell_);
    }
    directory_health_logs.error("log directory " + path_ + " has failed: " + why.message() + "; its partitions refuse writes with KAFKA_STORAGE_ERROR until the broker is restarted");
    if (tell) tell();
}

void directory_health::when_failed(function<void()> tell) {
    {
        const std::lock_guard lock{mutex_};
        if (!failed()) {
            tell_ = std::move(tell);
            return;
        }
    }
    tell();
}

error directory_health::failure() const {
    const std::lock_guard lock{mutex_};
    return failure_;
}

void directory_health::refused(std::uint64_t bytes, const error& why) {
    if (failed()) return;
    auto wanted = wanted_.load();
    while (wanted < bytes && !wanted_.compare_exchange_weak(wanted, bytes)) {}
    if (wanted == 0) directory_health_logs.error("log directory " + path_ + ": " + why.message() + "; producers are refused with KAFKA_STORAGE_ERROR until there is room");
}

void directory_health::room_again() {
    if (wanted_.exchange(0) != 0) directory_health_logs.warn("log directory " + path_ + ": there is room on the disk again, records are taken");
}

error directory_health::trouble(std::uint64_t bytes) {
    if (failed()) return failure();
    const auto mark = path_ + "/" + std::string{meta_properties_file};
    if (!files_.exists(mark)) return error{errc::not_found, mark + " is gone: was the directory removed, or its disk unmounted?"};
    const auto needed = std::max(bytes, wanted_.load());
    const auto space = files_.disk_space(path_);
    if (space && space->usable >= needed && wanted_.load() == 0) return {};
    if (auto tried = try_to_write(needed); !tried)
        return error{tried.code(), "a batch of " + std::to_string(needed) + " bytes cannot be written" + (space ? ", " + std::to_string(space->usable) + " bytes are left" : std::string{}), tried.error()};
    room_again();
    return {};
}

// What a file system says it has left is not what it gives: there are quotas, and blocks kept for root.
result<void> directory_health::try_to_write(std::uint64_t bytes) {
    const auto path = path_ + "/.room";
    const auto opened = files_.open(path, open_mode::replace);
    if (!opened) return opened.error();
    const weir::bytes content(static_cast<std::size_t>(bytes));
    const auto written = (*opened)->write_at(0, bytes_view{content});
    const auto removed = files_.remove(path);
    return written ? removed : written;
}

}  // namespace weir::storage
