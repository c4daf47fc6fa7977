#include "sync_worker.hpp"

#include <fcntl.h>

namespace weir::detail {
namespace {

// All files begin to be written before the first is waited for: the device gets them together, and one commit of the file
// system's journal serves them all. Only a hint: a failure comes back from the sync that follows.
void begin_writing(const std::vector<file_ptr>& files) {
    if (files.size() < 2) return;
    for (const auto& each : files) {
        if (each->native_handle() >= 0) ::sync_file_range(each->native_handle(), 0, 0, SYNC_FILE_RANGE_WRITE);
    }
}

}  // namespace

void sync_worker::add(std::vector<file_ptr> files, event_loop& loop, function<void(std::vector<result<void>>)> done) {
    const std::lock_guard held{mutex_};
    if (waiting_.empty()) thread_.add([this] { serve_all(); });
    waiting_.push_back({std::move(files), &loop, std::move(done)});
}

void sync_worker::serve_all() {
    std::vector<request> batch;
    {
        const std::lock_guard held{mutex_};
        batch.swap(waiting_);
    }
    // All of them were asked before any of these syncs began, so that one sync of a file serves every request.
    std::map<const file*, result<void>> synced;
    std::vector<file_ptr> kept;  // an address must not come back as another file within the batch
    for (const auto& asked : batch) kept.insert(kept.end(), asked.files.begin(), asked.files.end());
    begin_writing(kept);
    for (auto& asked : batch) serve(std::move(asked), synced);
}

void sync_worker::serve(request asked, std::map<const file*, result<void>>& synced) {
    std::vector<result<void>> results;
    results.reserve(asked.files.size());
    for (const auto& each : asked.files) {
        auto found = synced.find(each.get());
        if (found == synced.end()) found = synced.emplace(each.get(), each->sync()).first;
        results.push_back(found->second);
    }
    asked.loop->post([done = std::move(asked.done), results = std::move(results)]() mutable { done(std::move(results)); });
}

}  // namespace weir::detail
