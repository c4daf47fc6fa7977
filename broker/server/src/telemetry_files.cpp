#include "telemetry_files.hpp"

#include <weir/base/log.hpp>

#include <algorithm>
#include <array>

namespace weir::server {
namespace {

log::logger telemetry_files_logs{"weir.server.telemetry"};
constexpr std::string_view ending = ".otlp";

}  // namespace

result<void> telemetry_files::open() {
    if (auto made = files_.create_directories(directory_); !made) return made.error();
    auto entries = files_.list(directory_);
    if (!entries) return entries.error();
    std::sort(entries->begin(), entries->end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    for (const auto& each : *entries)
        if (!each.is_directory && each.name.ends_with(ending)) touch(each.name.substr(0, each.name.size() - ending.size()));
    while (known_.size() > client_limit) drop_oldest();
    return {};
}

telemetry_files::entry& telemetry_files::touch(const std::string& client) {
    if (const auto at = known_.find(client); at != known_.end()) {
        turns_.splice(turns_.end(), turns_, at->second.turn);
        return at->second;
    }
    turns_.push_back(client);
    return known_.emplace(client, entry{std::prev(turns_.end()), std::nullopt}).first->second;
}

void telemetry_files::drop_oldest() {
    const auto oldest = path(turns_.front());
    for (const auto& each : {oldest, oldest + ".1"})
        if (auto gone = files_.remove(each); !gone && gone.code() != errc::not_found) telemetry_files_logs.warn("removing " + each + ": " + gone.error().message());
    known_.erase(turns_.front());
    turns_.pop_front();
}

// A file from a run that was killed may end in the middle of a message: what follows would not be readable.
result<std::uint64_t> telemetry_files::whole_messages(const file& from) const {
    auto size = from.size();
    if (!size) return size.error();
    std::uint64_t at = 0;
    while (at + 4 <= *size) {
        std::array<std::byte, 4> head{};
        auto got = from.read_at(at, head);
        if (!got) return got.error();
        const auto next = at + 4 + load_big_endian<std::uint32_t>(head.data());
        if (next > *size) break;
        at = next;
    }
    return at;
}

result<void> telemetry_files::append(const std::string& client, bytes_view message) {
    auto& where = touch(client);
    while (known_.size() > client_limit) drop_oldest();
    const auto name = path(client);
    auto opened = files_.open(name, open_mode::create);
    if (!opened) return opened.error();
    auto into = *std::move(opened);
    if (!where.size) {
        auto whole = whole_messages(*into);
        if (!whole) return whole.error();
        if (auto cut = into->truncate(*whole); !cut) return cut.error();
        where.size = *whole;
    }
    if (*where.size > 0 && *where.size + 4 + message.size() > file_limit) {
        if (auto aside = files_.rename(name, name + ".1"); !aside) return aside.error();
        where.size.reset();
        auto fresh = files_.open(name, open_mode::replace);
        if (!fresh) return fresh.error();
        into = *std::move(fresh);
        where.size = 0;
    }
    std::array<std::byte, 4> head{};
    store_big_endian(head.data(), static_cast<std::uint32_t>(message.size()));
    const bytes_view parts[] = {head, message};
    const auto start = *where.size;
    if (auto written = into->write_at(start, parts); !written) {
        where.size.reset();  // the next push finds out where the whole messages end
        return written.error();
    }
    where.size = start + 4 + message.size();
    return {};
}

}  // namespace weir::server
