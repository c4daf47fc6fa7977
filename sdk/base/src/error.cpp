#include <weir/base/error.hpp>

namespace weir {

struct error::info {
    errc code;
    std::string what;
    error cause;
};

error::error(errc code, std::string what) : info_(std::make_shared<const info>(info{code, std::move(what), error{}})) {}

error::error(errc code, std::string what, const error& cause)
    : info_(std::make_shared<const info>(info{code, std::move(what), cause})) {}

errc error::code() const noexcept { return info_ ? info_->code : errc::none; }

std::string_view error::what() const noexcept { return info_ ? std::string_view{info_->what} : std::string_view{}; }

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
