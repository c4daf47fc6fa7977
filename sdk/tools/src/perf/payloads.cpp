#include "payloads.hpp"

namespace weir::tools {

payloads payloads::of_size(std::size_t bytes) {
    payloads made;
    made.now_.resize(bytes);
    return made;
}

payloads payloads::counting() {
    payloads made;
    made.count_ = 0;
    return made;
}

result<payloads> payloads::of_file(file_system& files, const std::string& path, std::string_view delimiter) {
    if (delimiter.empty()) return error{errc::invalid_setting, "--payload-delimiter is empty: what stands between the values?"};
    auto content = read_file(files, path, std::uint64_t{4} << 30);
    if (!content) return content.error();
    payloads made;
    for (auto rest = as_text(*content); !rest.empty();) {
        const auto end = std::min(rest.find(delimiter), rest.size());
        made.parts_.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + delimiter.size(), rest.size()));
    }
    if (made.parts_.empty()) return error{errc::malformed, path + " is empty: there is nothing to send"};
    return made;
}

bytes_view payloads::next() {
    if (count_ >= 0) now_ = std::to_string(count_++);
    else if (!parts_.empty()) now_ = parts_[random_.below(parts_.size())];
    else {
        // Capital letters, eight for each draw.
        std::uint64_t bits = 0;
        for (std::size_t at = 0; at < now_.size(); ++at) {
            if (at % 8 == 0) bits = random_();
            now_[at] = static_cast<char>('A' + (bits & 0xff) * 26 / 256);
            bits >>= 8;
        }
    }
    return as_bytes(now_);
}

}  // namespace weir::tools
