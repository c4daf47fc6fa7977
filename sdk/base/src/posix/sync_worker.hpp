// The thread that waits for one disk, so that loops need not.
#pragma once
#include <weir/base/files.hpp>

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace weir::detail {

class sync_worker {
public:
    sync_worker() = default;
    /// Finishes what was asked for.
    ~sync_worker();
    void add(std::vector<file_ptr> files, event_loop& loop, function<void(std::vector<result<void>>)> done);

private:
    struct request {
        std::vector<file_ptr> files;
        event_loop* loop;
        function<void(std::vector<result<void>>)> done;
    };
    void work();
    static void serve(request asked, std::map<const file*, result<void>>& synced);

    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<request> waiting_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace weir::detail
