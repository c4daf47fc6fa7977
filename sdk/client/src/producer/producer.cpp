#include "producer_handle.hpp"
#include "producer_settings.hpp"

namespace weir {

producer::producer(const client& on, producer_config config)
    : handle_(std::make_shared<detail::producer_handle>(on, detail::settled(std::move(config), on.core().settings()))) {}
delivery producer::send_erased(std::string_view to, const detail::erased& key, const detail::erased& value, const send_options* options) {
    return (*handle_)->send(to, key, value, options, detail::producer_core::no_transaction);
}
op<delivery> producer::enqueue_erased(std::string_view to, const detail::erased& key, const detail::erased& value, const send_options* options) {
    return (*handle_)->enqueue(to, key, value, options, detail::producer_core::no_transaction);
}
op<transaction> producer::begin() { return handle_->begin(); }
op<> producer::flush() { return (*handle_)->flush(); }
op<std::vector<partition_info>> producer::partitions_for(std::string topic) { return (*handle_)->partitions_for(std::move(topic)); }
op<> producer::close(duration most) { return (*handle_)->close(most); }

transaction& transaction::operator=(transaction&& other) noexcept {
    if (this != &other) {
        drop();
        handle_ = std::move(other.handle_);
        number_ = other.number_;
    }
    return *this;
}
transaction::~transaction() { drop(); }
void transaction::drop() noexcept {
    if (const auto handle = std::exchange(handle_, nullptr)) (*handle)->drop(number_);
}
delivery transaction::send_erased(std::string_view to, const detail::erased& key, const detail::erased& value, const send_options* options) {
    return (*handle_)->send(to, key, value, options, number_);
}
op<delivery> transaction::enqueue_erased(std::string_view to, const detail::erased& key, const detail::erased& value, const send_options* options) {
    return (*handle_)->enqueue(to, key, value, options, number_);
}
op<> transaction::add_offsets(group_metadata of, std::vector<partition_offset> offsets) { return (*handle_)->add_offsets(number_, std::move(of), std::move(offsets)); }
op<> transaction::commit() { return (*handle_)->end(number_, true); }
op<> transaction::abort() { return (*handle_)->end(number_, false); }

}  // namespace weir
