// Tagged fields that the schema does not know, kept so that a message can be written again as it came.
#pragma once
#include <weir/base/bytes.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace weir::protocol {

/// One pointer while empty, which is nearly always. Copies are deep. Sorted by tag, as the wire wants it.
class tagged_fields {
public:
    struct field {
        std::uint32_t tag = 0;
        bytes payload;
        bool operator==(const field&) const = default;
    };

    tagged_fields() noexcept = default;
    tagged_fields(const tagged_fields& other)
        : fields_(other.fields_ ? new std::vector<field>(*other.fields_) : nullptr) {}
    tagged_fields(tagged_fields&&) noexcept = default;
    tagged_fields& operator=(const tagged_fields& other);
    tagged_fields& operator=(tagged_fields&&) noexcept = default;
    ~tagged_fields() = default;

    bool empty() const noexcept { return !fields_ || fields_->empty(); }
    std::size_t size() const noexcept { return fields_ ? fields_->size() : 0; }
    const field* begin() const noexcept { return fields_ ? fields_->data() : nullptr; }
    const field* end() const noexcept { return fields_ ? fields_->data() + fields_->size() : nullptr; }
    /// Keeps `payload` under `tag`; a second one of the same tag replaces the first.
    void set(std::uint32_t tag, bytes_view payload);

    /// For readers, which meet tags in any order and in any number: append all of them, then sort once. False when a
    /// tag occurred twice.
    void append(std::uint32_t tag, bytes_view payload);
    bool sort();

    bool operator==(const tagged_fields& other) const;

private:
    std::unique_ptr<std::vector<field>> fields_;
};

}  // namespace weir::protocol
