#include <weir/base/files.hpp>

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
    if (*size > limit) {
        return error{errc::malformed, path + " has " + std::to_string(*size) + " bytes; at most " +
                                          std::to_string(limit) + " are expected there"};
    }
    bytes content(static_cast<std::size_t>(*size));
    const auto got = source->read_at(0, content);
    if (!got) return got.error();
    content.resize(*got);
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
