// One frame as it came in; whoever holds it keeps its bytes.
#pragma once
#include <weir/base/bytes.hpp>

#include <memory>

namespace weir::net {

struct frame {
    std::shared_ptr<const std::byte[]> data;
    std::size_t size = 0;
    bytes_view view() const noexcept { return {data.get(), size}; }
};

}  // namespace weir::net
