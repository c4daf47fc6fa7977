#include <weir/protocol/tagged_fields.hpp>

#include <algorithm>

namespace weir::protocol {

tagged_fields& tagged_fields::operator=(const tagged_fields& other) {
    if (this != &other) *this = tagged_fields(other);
    return *this;
}

void tagged_fields::set(std::uint32_t tag, bytes_view payload) {
    if (!fields_) fields_ = std::make_unique<std::vector<field>>();
    const auto at = std::lower_bound(fields_->begin(), fields_->end(), tag,
                                     [](const field& known, std::uint32_t wanted) { return known.tag < wanted; });
    if (at != fields_->end() && at->tag == tag)
        at->payload = to_bytes(payload);
    else
        fields_->insert(at, field{tag, to_bytes(payload)});
}

void tagged_fields::append(std::uint32_t tag, bytes_view payload) {
    if (!fields_) fields_ = std::make_unique<std::vector<field>>();
    fields_->push_back({tag, to_bytes(payload)});
}

bool tagged_fields::sort() {
    if (!fields_) return true;
    if (!std::ranges::is_sorted(*fields_, {}, &field::tag)) std::ranges::sort(*fields_, {}, &field::tag);
    return std::ranges::adjacent_find(*fields_, {}, &field::tag) == fields_->end();
}

bool tagged_fields::operator==(const tagged_fields& other) const {
    return std::equal(begin(), end(), other.begin(), other.end());
}

}  // namespace weir::protocol
