// The log of one coordinator partition in memory. Commits when told to, and fails on command.
#pragma once
#include <weir/coordinator/partition_store.hpp>
#include <weir/protocol/records/record_reader.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <vector>

namespace weir::coordinator::testing {

/// Outlives the stores that read and write it, as a partition outlives a leadership.
struct fake_log {
    std::vector<bytes> batches;
    std::int64_t start = 0;
    std::int64_t end = 0;
    bool commit_at_once = true;
    errc fail_append = errc::none;  ///< for the next appends, before they reach the log
    errc fail_read = errc::none;
    errc fail_commit = errc::none;                ///< after they reached the log
    std::optional<function<void(int)>> parked;    ///< the append that waits for commit()
    std::optional<function<void(int)>> settling;  ///< the load that waits for settle()
    bool settled = true;
    int reads = 0;

    void add(bytes batch) {
        const auto view = protocol::batch_view::open(batch);
        REQUIRE(view);
        protocol::patch_base_offset(batch, end);
        end += view->last_offset_delta() + 1;
        batches.push_back(std::move(batch));
    }
    void commit() {
        REQUIRE(parked);
        auto done = std::move(*parked);
        parked.reset();
        done(0);
    }
    void settle() {
        settled = true;
        if (!settling) return;
        auto done = std::move(*settling);
        settling.reset();
        done(0);
    }
    int records() const {
        int count = 0;
        for (const auto& each : batches) {
            const auto view = protocol::batch_view::open(each);
            count += view->record_count();
        }
        return count;
    }
};

class fake_store final : public partition_store {
public:
    explicit fake_store(fake_log& log) : log_(log) {}
    std::int64_t log_start_offset() const override { return log_.start; }
    std::int64_t log_end_offset() const override { return log_.end; }

    task<result<bytes>> read(std::int64_t offset, std::int32_t max_bytes) override {
        ++log_.reads;
        if (log_.fail_read != errc::none) co_return error{log_.fail_read, "read"};
        bytes out;
        for (const auto& each : log_.batches) {
            const auto view = protocol::batch_view::open(each);
            if (view->last_offset() < offset) continue;
            if (!out.empty() && out.size() + each.size() > static_cast<std::size_t>(max_bytes)) break;
            out.insert(out.end(), each.begin(), each.end());
        }
        co_return out;
    }
    task<result<std::int64_t>> append(bytes batch) override {
        if (log_.fail_append != errc::none) co_return error{log_.fail_append, "append"};
        const auto base = log_.end;
        log_.add(std::move(batch));
        if (!log_.commit_at_once) {
            REQUIRE_MESSAGE(!log_.parked, "two appends at a time");
            const auto park = [this](function<void(int)> done) { log_.parked = std::move(done); };
            co_await completion<int>(park);
        }
        if (log_.fail_commit != errc::none) co_return error{log_.fail_commit, "commit"};
        co_return base;
    }
    task<result<void>> committed(std::int64_t) override {
        if (!log_.settled) {
            const auto park = [this](function<void(int)> done) { log_.settling = std::move(done); };
            co_await completion<int>(park);
        }
        co_return result<void>{};
    }

private:
    fake_log& log_;
};

}  // namespace weir::coordinator::testing

namespace doctest {
template <>
struct StringMaker<weir::errc> {
    static String convert(weir::errc code) {
        const auto name = weir::describe(code).name;
        return String(name.data(), static_cast<unsigned>(name.size()));
    }
};
}  // namespace doctest
