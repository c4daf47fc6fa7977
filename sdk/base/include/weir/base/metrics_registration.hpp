// What metrics are told apart by, and what keeps one registered: all that users of the client see of <weir/base/metrics.hpp>.
#pragma once
#include <weir/base/function.hpp>

#include <string>
#include <utility>
#include <vector>

namespace weir::metrics {

using labels = std::vector<std::pair<std::string, std::string>>;

/// Keeps a collector registered; dropping it waits for a reading under way on another thread.
class registration {
public:
    registration() noexcept = default;
    explicit registration(function<void()> undo) noexcept : undo_(std::move(undo)) {}
    registration(registration&& other) noexcept : undo_(std::move(other.undo_)) {}
    registration& operator=(registration&& other) noexcept {
        if (undo_) undo_();
        undo_ = std::move(other.undo_);
        return *this;
    }
    ~registration() { if (undo_) undo_(); }

private:
    function<void()> undo_;
};

}  // namespace weir::metrics
