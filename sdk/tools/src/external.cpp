#include "external.hpp"

#include "names.hpp"
#include "tool.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace weir::tools {

namespace {

std::string link_target(const std::string& path) {
    char target[PATH_MAX];
    const auto size = ::readlink(path.c_str(), target, sizeof target);
    return size < 0 ? std::string{} : std::string(target, static_cast<std::size_t>(size));
}

std::string own_path() { return link_target("/proc/self/exe"); }

bool can_run(const std::string& path) {
    struct stat what {};
    return ::stat(path.c_str(), &what) == 0 && S_ISREG(what.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

std::string find_program(const std::string& name) {
    const auto own = own_path();
    if (const auto beside = own.substr(0, own.find_last_of('/') + 1) + name; can_run(beside)) return beside;
    const char* path = std::getenv("PATH");
    for (std::string_view rest = path ? path : ""; !rest.empty();) {
        const auto end = std::min(rest.find(':'), rest.size());
        if (end > 0)
            if (const auto found = std::string{rest.substr(0, end)} + "/" + name; can_run(found)) return found;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return {};
}

}  // namespace

std::optional<int> run_external(std::string_view name, std::span<const char* const> words) {
    if (name.empty() || name.find('/') != name.npos || name.starts_with('-')) return std::nullopt;
    const auto program = "weir-" + std::string{name};
    const auto path = find_program(program);
    if (path.empty()) return std::nullopt;
    std::vector<char*> arguments{const_cast<char*>(program.c_str())};
    for (const auto* each : words) arguments.push_back(const_cast<char*>(each));
    arguments.push_back(nullptr);
    ::execv(path.c_str(), arguments.data());
    std::fprintf(stderr, "weir: %s cannot be started: %s\n", path.c_str(), std::strerror(errno));
    return 1;
}

int install_links(std::span<const char* const> words) {
    if (words.size() != 1 || words[0][0] == '-') {
        std::fputs("weir install-links: name the directory that gets the links, such as ~/.local/bin\n", stderr);
        return 1;
    }
    const std::string directory = words[0];
    const auto target = own_path();
    std::vector<std::string> names;
    for (const auto* each : all_tools()) names.push_back(kafka_name(each->name));
    for (const auto& each : companions) names.push_back(kafka_name(each.name));
    int made = 0;
    for (const auto& name : names)
        for (const auto& link : {directory + "/" + name, directory + "/" + name + ".sh"}) {
            if (link_target(link) == target) continue;
            if (::symlink(target.c_str(), link.c_str()) != 0) {
                std::fprintf(stderr, "weir install-links: %s: %s%s\n", link.c_str(), std::strerror(errno),
                             errno == EEXIST ? "; it stays as it is. Choose another directory, or remove it" : "");
                return 1;
            }
            ++made;
        }
    std::printf("%d links to %s in %s\n", made, target.c_str(), directory.c_str());
    return 0;
}

}  // namespace weir::tools
