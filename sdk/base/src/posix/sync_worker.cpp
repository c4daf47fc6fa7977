#include "sync_worker.hpp"

namespace weir::detail {

sync_worker::~sync_worker() {
    {
        const std::lock_guard held{mutex_};
        stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void sync_worker::add(std::vector<file_ptr> files, event_loop& loop, function<void(std::vector<result<void>>)> done) {
    {
        const std::lock_guard held{mutex_};
        waiting_.push_back({std::move(files), &loop, std::move(done)});
        if (!thread_.joinable()) thread_ = std::thread{[this] { work(); }};
    }
    wake_.notify_one();
}

void sync_worker::work() {
    for (;;) {
        std::vector<request> batch;
        {
            std::unique_lock held{mutex_};
            wake_.wait(held, [this] { return stopping_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            batch.swap(waiting_);
        }
        // All of them were asked before any of these syncs began, so that one sync of a file serves every request.
        std::map<const file*, result<void>> synced;
        std::vector<file_ptr> kept;  // an address must not come back as another file within the batch
        for (const auto& asked : batch) kept.insert(kept.end(), asked.files.begin(), asked.files.end());
        for (auto& asked : batch) serve(std::move(asked), synced);
    }
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
