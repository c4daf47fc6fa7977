// The thread that waits for one disk, so that loops need not.
#pragma once
#include "work_thread.hpp"

#include <weir/base/files.hpp>

#include <map>
#include <mutex>
#include <vector>

namespace weir::detail {

/// Thread-safe. Its end waits for what was asked for.
class sync_worker {
public:
    void add(std::vector<file_ptr> files, event_loop& loop, function<void(std::vector<result<void>>)> done);

private:
    struct request {
        std::vector<file_ptr> files;
        event_loop* loop;
        function<void(std::vector<result<void>>)> done;
    };
    void serve_all();
    static void serve(request asked, std::map<const file*, result<void>>& synced);

    std::mutex mutex_;
    std::vector<request> waiting_;
    work_thread thread_;  // the last member, so that its end comes first
};

}  // namespace weir::detail
