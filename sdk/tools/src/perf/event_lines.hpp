// The JSON lines of the verifiable tools: {"timestamp":..., "name":"...", ...}.
#pragma once
#include "../output.hpp"
#include "stopwatch.hpp"

#include <weir/topic.hpp>

#include <mutex>
#include <optional>

namespace weir::tools {

/// Thread-safe: each line leaves whole and at once, as those who watch these tools need it.
class event_lines {
public:
    explicit event_lines(output& out) : out_(out) {}
    template <class Fill>
    void print(std::string_view name, Fill fill) {
        const std::lock_guard lock{mutex_};
        json_writer line;
        line.begin_object();
        line.key("timestamp");
        line.number(time_.wall_now());
        line.key("name");
        line.string(name);
        fill(line);
        line.end_object();
        out_.line(std::move(line));
        out_.flush();
    }
    void print(std::string_view name) {
        print(name, [](json_writer&) {});
    }
    stopwatch& time() noexcept { return time_; }

private:
    output& out_;
    stopwatch time_;
    std::mutex mutex_;
};

inline void write_text(json_writer& into, std::string_view name, const std::optional<std::string>& value) {
    into.key(name);
    if (value) into.string(*value);
    else into.null();
}
inline void write_number(json_writer& into, std::string_view name, std::int64_t value) {
    into.key(name);
    into.number(value);
}

}  // namespace weir::tools
