#include <weir/coordinator/partition_store.hpp>

namespace weir::coordinator {

task<result<void>> partition_store::committed(std::int64_t) { co_return result<void>{}; }

}  // namespace weir::coordinator
