// The loop over a consumer: one record at a time, in a place of the consumer's.
#pragma once
#include <cstddef>
#include <iterator>

namespace weir::detail {

/// `Of` has advance(), which blocks for the next record and says whether there is one, and current_.
template <class Of, class Record>
class record_iterator {
public:
    using value_type = Record;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;
    record_iterator() noexcept = default;
    explicit record_iterator(Of* of) : of_(of) { ++*this; }
    Record& operator*() const noexcept { return of_->current_; }
    Record* operator->() const noexcept { return &of_->current_; }
    record_iterator& operator++() {
        if (!of_->advance()) of_ = nullptr;
        return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const record_iterator& i, std::default_sentinel_t) noexcept { return i.of_ == nullptr; }

private:
    Of* of_ = nullptr;
};

}  // namespace weir::detail
