#include <weir/base/files.hpp>

#include <algorithm>

namespace weir {
namespace {

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

result<bytes> read_file(file_system& files, const std::string& path, std::uint64_t limit) {
    auto opened = files.open(path, open_mode::read);
    if (!opened) return opened.error();
    const auto& source = *opened;
    const auto size = source->size();
    if (!size) return size.error();
    const auto too_large = [&](std::string_view found) {
        return error{errc::malformed, path + " has " + std::string{found} + " bytes; at most " + std::to_string(limit) + " are expected there"};
    };
    if (*size > limit) return too_large(std::to_string(*size));
    // The size is a hint: pipes and /proc have none. One byte more than it tells the end.
    bytes content(static_cast<std::size_t>(*size) + 1);
    std::size_t count = 0;
    for (;;) {
        const auto got = source->read_at(count, std::span{content}.subspan(count));
        if (!got) return got.error();
        count += *got;
        if (count > limit) return too_large("more than " + std::to_string(limit));
        if (count < content.size()) break;
        content.resize(std::max<std::size_t>(2 * content.size(), 4096));
    }
    content.resize(count);
    return content;
}

result<void> replace_file(file_system& files, const std::string& path, bytes_view content) {
    const auto fresh = path + ".tmp";
    auto opened = files.open(fresh, open_mode::replace);
    if (!opened) return opened.error();
    const auto& target = *opened;
    if (auto written = target->write_at(0, content); !written) return written;
    if (auto synced = target->sync(); !synced) return synced;
    if (auto renamed = files.rename(fresh, path); !renamed) return renamed;
    return files.sync_directory(folder_of(path));
}

}  // namespace weir
