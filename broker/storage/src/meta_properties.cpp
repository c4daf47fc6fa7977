#include <weir/storage/meta_properties.hpp>

#include "text_lines.hpp"

#include <weir/base/properties.hpp>

namespace weir::storage {

result<meta_properties> read_meta_properties(file_system& files, const std::string& directory) {
    const auto path = directory + "/" + std::string{meta_properties_file};
    const auto content = read_file(files, path, 1 << 20);
    if (!content) return content.error();
    const auto entries = parse_properties(as_text(*content));
    if (!entries) return error{errc::malformed, path + ", " + std::string{entries.error().what()}};
    meta_properties found;
    std::string version = "0";
    bool node_known = false;
    for (const auto& [name, value, line] : *entries) {
        if (name == "version")
            version = value;
        else if (name == "cluster.id")
            found.cluster_id = value;
        else if (name == "node.id") {
            const auto id = parse_number<std::int32_t>(value);
            if (!id || *id < 0)
                return error{errc::malformed,
                             path + ", line " + std::to_string(line) + ": node.id=" + value + " is no node id"};
            found.node_id = *id;
            node_known = true;
        } else if (name == "directory.id") {
            const auto id = parse_uuid(value);
            if (!id)
                return error{errc::malformed,
                             path + ", line " + std::to_string(line) + ": directory.id=" + value + " is no uuid"};
            found.directory_id = *id;
        }
    }
    if (version != "1")
        return error{errc::unsupported_version, path + " has version " + version + ", this broker reads version 1: " +
                                                    (version == "0" ? "the directory was written in ZooKeeper mode"
                                                                    : "the directory was written by a newer broker")};
    if (found.cluster_id.empty()) return error{errc::malformed, path + " lacks cluster.id"};
    if (!node_known) return error{errc::malformed, path + " lacks node.id"};
    return found;
}

result<void> write_meta_properties(file_system& files, const std::string& directory, const meta_properties& whose) {
    if (auto made = files.create_directories(directory); !made) return made;
    std::vector<property> entries{{"cluster.id", whose.cluster_id}};
    if (!whose.directory_id.is_zero()) entries.push_back({"directory.id", to_string(whose.directory_id)});
    entries.push_back({"node.id", std::to_string(whose.node_id)});
    entries.push_back({"version", "1"});
    const auto text = "#\n#Written when the directory was formatted\n" + print_properties(entries);
    return replace_file(files, directory + "/" + std::string{meta_properties_file}, as_bytes(text));
}

result<void> check_meta_properties(const meta_properties& found, const std::string& directory,
                                   std::string_view cluster_id, std::int32_t node_id) {
    if (found.cluster_id != cluster_id)
        return error{errc::inconsistent_cluster_id,
                     directory + " belongs to cluster " + found.cluster_id + ", not " + std::string{cluster_id} +
                         "; choose another log.dirs, or empty the directory if its data may go"};
    if (found.node_id != node_id)
        return error{errc::invalid_setting, directory + " belongs to node.id=" + std::to_string(found.node_id) +
                                                ", the configuration says node.id=" + std::to_string(node_id)};
    return {};
}

}  // namespace weir::storage
