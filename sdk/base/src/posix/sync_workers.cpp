#include "sync_workers.hpp"

#include "posix_file.hpp"

namespace weir::detail {
namespace {

dev_t device_of(const file_ptr& of) {
    const auto* real = dynamic_cast<const posix_file*>(of.get());
    return real ? real->device() : dev_t{0};
}

/// One call whose files lie on several devices. Lives on its loop.
struct gathering {
    std::vector<result<void>> results;
    std::size_t missing;  // devices
    function<void(std::vector<result<void>>)> done;
};

}  // namespace

sync_worker& sync_workers::worker_of(dev_t device) {
    const std::lock_guard held{mutex_};
    return workers_[device];
}

void sync_workers::add(std::vector<file_ptr> files, event_loop& loop, function<void(std::vector<result<void>>)> done) {
    std::map<dev_t, std::vector<std::size_t>> places;
    for (std::size_t i = 0; i < files.size(); ++i) places[device_of(files[i])].push_back(i);
    if (places.size() < 2) {
        worker_of(places.empty() ? dev_t{0} : places.begin()->first).add(std::move(files), loop, std::move(done));
        return;
    }
    auto all = std::make_shared<gathering>(gathering{std::vector<result<void>>(files.size()), places.size(), std::move(done)});
    for (auto& [device, here] : places) {
        std::vector<file_ptr> share;
        for (const auto place : here) share.push_back(files[place]);
        worker_of(device).add(std::move(share), loop, [all, here = std::move(here)](std::vector<result<void>> synced) {
            for (std::size_t i = 0; i < here.size(); ++i) all->results[here[i]] = std::move(synced[i]);
            if (--all->missing == 0) all->done(std::move(all->results));
        });
    }
}

}  // namespace weir::detail
