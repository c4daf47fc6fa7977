// Runs golden vectors: weir_golden FILE..., each .jsonl or .jsonl.gz. What a file holds is seen from its first line.
#include "batches.hpp"
#include "kinds.hpp"

#include <zlib.h>
#include <boost/json.hpp>

#include <iostream>
#include <optional>
#include <sstream>
#include <string>

namespace {

using runner = int (*)(std::istream&, std::ostream&, int&);

runner runner_for(const boost::json::object& line) {
    if (line.contains("frame_hex")) return weir::golden::run_frames;
    if (line.contains("assignor")) return weir::golden::run_assignors;
    if (line.contains("message") && line.contains("field")) return weir::golden::run_absent_fields;
    if (line.contains("message") && line.contains("json")) return weir::golden::run_messages;
    if (line.contains("what") && !line.contains("verdict")) return weir::golden::run_embedded;
    if (line.contains("batches") || line.contains("verdict")) return weir::golden::run_batches;
    return nullptr;
}

// Plain files too: zlib passes them through.
std::optional<std::string> read(const char* path) {
    gzFile file = gzopen(path, "rb");
    if (!file) return std::nullopt;
    std::string content;
    char part[65536];
    int got;
    while ((got = gzread(file, part, sizeof part)) > 0) content.append(part, static_cast<std::size_t>(got));
    gzclose(file);
    if (got < 0) return std::nullopt;
    return content;
}

bool run(const char* path) {
    const auto content = read(path);
    if (!content || content->empty()) {
        std::cout << path << ": cannot be read, or is empty\n";
        return false;
    }
    boost::system::error_code bad;
    const auto first = boost::json::parse(content->substr(0, content->find('\n')), bad);
    const auto run_kind = bad || !first.is_object() ? nullptr : runner_for(first.get_object());
    if (!run_kind) {
        std::cout << path << ": the first line is of no known kind\n";
        return false;
    }
    std::istringstream input{*content};
    int lines = 0;
    const int failed = run_kind(input, std::cout, lines);
    std::cout << path << ": " << lines - failed << " passed, " << failed << " failed\n";
    return failed == 0 && lines > 0;
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 2) {
        std::cout << "usage: weir_golden FILE...\n";
        return 2;
    }
    bool good = true;
    for (int place = 1; place < count; ++place) good = run(arguments[place]) && good;
    return good ? 0 : 1;
}
