#include <weir/base/network.hpp>

#include <weir/base/detail/flatten.hpp>

namespace weir {

std::string to_string(const endpoint& where) {
    const auto port = std::to_string(where.port);
    if (where.host.find(':') != std::string::npos) return "[" + where.host + "]:" + port;
    return where.host + ":" + port;
}

result<bytes> detail::flatten(const std::vector<write_piece>& pieces) {
    std::size_t total = 0;
    for (const auto& piece : pieces) total += piece.size();
    bytes all;
    all.reserve(total);
    for (const auto& piece : pieces) {
        if (!piece.source) {
            all.insert(all.end(), piece.memory.begin(), piece.memory.end());
            continue;
        }
        const auto at = all.size();
        all.resize(at + piece.size());
        const auto got = piece.source->read_at(piece.source_offset, mutable_bytes{all}.subspan(at));
        if (!got) return got.error();
        if (*got != piece.size())
            return error{errc::io_error, piece.source->path() + " ends before byte " + std::to_string(piece.source_offset + piece.source_bytes) + ", which was to be sent"};
    }
    return all;
}

}  // namespace weir
