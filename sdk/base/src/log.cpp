#include <weir/base/log.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

namespace weir::log {

struct detail::logger_entry {
    std::string name;
    std::atomic<level> in_force{level::info};
};

namespace {

struct registry {
    std::mutex mutex;  // guards all below but `line`; a level in force is read without it
    std::map<std::string, detail::logger_entry, std::less<>> entries;
    std::map<std::string, level, std::less<>> own{{"root", level::info}};
    std::shared_ptr<const sink> where;
    std::atomic<bool> has_sink{false};
    std::mutex line;  // one line at a time

    level level_for(std::string_view name) const {
        for (auto part = name;;) {
            if (const auto found = own.find(part); found != own.end()) return found->second;
            const auto dot = part.rfind('.');
            if (dot == std::string_view::npos) return own.find("root")->second;
            part = part.substr(0, dot);
        }
    }
    void apply_levels() {
        for (auto& [name, entry] : entries) entry.in_force = level_for(name);
    }
};

// Never destroyed: loggers are statics that may speak until the very end.
registry& all() {
    static auto* const only = new registry;
    return *only;
}

}  // namespace

std::string_view to_string(level severity) noexcept {
    constexpr std::string_view names[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "OFF"};
    return names[static_cast<std::size_t>(severity)];
}

logger::logger(std::string_view name) {
    auto& known = all();
    const std::lock_guard held{known.mutex};
    auto found = known.entries.find(name);
    if (found == known.entries.end()) {
        found = known.entries.try_emplace(std::string{name}).first;
        found->second.name = name;
        found->second.in_force = known.level_for(name);
    }
    entry_ = &found->second;  // nodes of a map stay where they are
}

bool logger::enabled(level severity) const noexcept {
    return severity >= entry_->in_force.load(std::memory_order_relaxed) && severity != level::off &&
           all().has_sink.load(std::memory_order_relaxed);
}

void logger::write(level severity, std::string_view message) const {
    if (!enabled(severity)) return;
    auto& known = all();
    std::shared_ptr<const sink> where;
    {
        const std::lock_guard held{known.mutex};
        where = known.where;
    }
    if (!where) return;
    const std::lock_guard held{known.line};
    (*where)(severity, entry_->name, message);
}

void set_sink(sink where) {
    auto& known = all();
    const std::lock_guard held{known.mutex};
    known.has_sink = static_cast<bool>(where);
    known.where = where ? std::make_shared<const sink>(std::move(where)) : nullptr;
}

void set_level(std::string_view name, level severity) {
    auto& known = all();
    const std::lock_guard held{known.mutex};
    known.own.insert_or_assign(std::string{name}, severity);
    known.apply_levels();
}

bool clear_level(std::string_view name) {
    auto& known = all();
    const std::lock_guard held{known.mutex};
    const auto found = known.own.find(name);
    if (found == known.own.end() || name == "root") return false;
    known.own.erase(found);
    known.apply_levels();
    return true;
}

std::vector<logger_level> levels() {
    auto& known = all();
    const std::lock_guard held{known.mutex};
    std::vector<logger_level> listed{{"root", known.level_for("root")}};
    for (const auto& [name, entry] : known.entries) {
        if (name != "root") listed.push_back({name, entry.in_force});
    }
    return listed;
}

}  // namespace weir::log
