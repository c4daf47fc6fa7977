#include "partition_metadata.hpp"

namespace weir::storage {

result<uuid> read_partition_metadata(file_system& files, const std::string& folder) {
    const auto path = folder + "/" + std::string{partition_metadata_file};
    const auto content = read_file(files, path, 4096);
    if (!content) return content.error();
    auto text = as_text(*content);
    bool version_known = false;
    while (!text.empty()) {
        const auto end = text.find('\n');
        auto line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        auto value = line.substr(colon + 1);
        while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
        const auto name = line.substr(0, colon);
        if (name == "version") {
            if (value != "0")
                return error{errc::malformed, path + ": version " + std::string{value} + " is not known, 0 is"};
            version_known = true;
        } else if (name == "topic_id" && version_known) {
            const auto id = parse_uuid(value);
            if (!id || id->is_zero())
                return error{errc::malformed, path + ": \"" + std::string{value} + "\" is no topic id"};
            return *id;
        }
    }
    return error{errc::malformed, path + " lacks its " + (version_known ? "topic_id" : "version") + " line"};
}

result<void> write_partition_metadata(file_system& files, const std::string& folder, const uuid& topic_id) {
    const auto path = folder + "/" + std::string{partition_metadata_file};
    const auto opened = files.open(path + ".tmp", open_mode::replace);
    if (!opened) return opened.error();
    const auto text = "version: 0\ntopic_id: " + to_string(topic_id);
    if (auto written = (*opened)->write_at(0, as_bytes(text)); !written) return written;
    return files.rename(path + ".tmp", path);
}

}  // namespace weir::storage
