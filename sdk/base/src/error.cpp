#include <weir/base/error.hpp>

#include <ostream>

namespace weir {

struct error::info {
    errc code;
    std::string what;
    error cause;
    std::string topic{};
    std::int32_t partition = -1;
    std::int64_t offset = -1;
};

error::error(errc code, std::string what) : info_(std::make_shared<const info>(info{code, std::move(what), error{}})) {}

error::error(errc code, std::string what, const error& cause)
    : info_(std::make_shared<const info>(info{code, std::move(what), cause})) {}

errc error::code() const noexcept { return info_ ? info_->code : errc::none; }

std::string_view error::what() const noexcept { return info_ ? std::string_view{info_->what} : std::string_view{}; }

bool error::fatal() const noexcept {
    switch (code()) {
        case errc::producer_fenced:
        case errc::fenced_instance_id:
        case errc::invalid_producer_id_mapping:
        case errc::invalid_txn_state:
        case errc::transactional_id_authorization_failed:
        case errc::cluster_authorization_failed:
        case errc::sasl_authentication_failed:
        case errc::unsupported_sasl_mechanism:
        case errc::unsupported_version:
        case errc::tls_failed:
        case errc::invalid_setting: return true;
        default: return false;
    }
}

error error::located(std::string topic, std::int32_t partition, std::int64_t offset) const {
    if (!info_) return {};
    error copy;
    copy.info_ = std::make_shared<const info>(info{info_->code, info_->what, info_->cause, std::move(topic), partition, offset});
    return copy;
}

std::string_view error::topic() const noexcept { return info_ ? std::string_view{info_->topic} : std::string_view{}; }
std::int32_t error::partition() const noexcept { return info_ ? info_->partition : -1; }
std::int64_t error::offset() const noexcept { return info_ ? info_->offset : -1; }

std::ostream& operator<<(std::ostream& out, const error& why) { return out << why.message(); }

std::string error::message() const {
    if (!info_) return "no error";
    std::string text{describe(info_->code).name};
    if (!info_->what.empty()) text.append(": ").append(info_->what);
    if (info_->cause) text.append(" (caused by ").append(info_->cause.message()).append(")");
    return text;
}

exception::exception(weir::error why) : error_(std::move(why)), text_(error_.message()) {}

void detail::raise(const error& why) { throw exception{why}; }

}  // namespace weir
