// Errors as values: what failed, where, and what to do about it.
#pragma once
#include <weir/base/errc.hpp>

#include <cstdint>
#include <exception>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace weir {

/// A failure: a code that programs act on, and a sentence that people act on. Cheap to move, shared when copied.
/// A default-made error, and one made of errc::none, means "no error". Never made on a path that succeeds.
class error {
public:
    error() noexcept = default;
    /// `what` names the thing that failed: the file, the topic and partition, the setting and its value.
    explicit error(errc code, std::string what = {});
    /// The same with the failure that led to it.
    error(errc code, std::string what, const error& cause);

    explicit operator bool() const noexcept { return info_ != nullptr; }
    errc code() const noexcept;
    std::string_view what() const noexcept;
    bool retriable() const noexcept { return describe(code()).retriable; }
    /// Trying again helps nobody until a setting, a permission or the cluster is another: a password, a certificate, an
    /// API that the cluster does not have. The client itself can go on, and its next call asks anew.
    bool permanent() const noexcept { return describe(code()).permanent; }
    /// The producer, consumer or transactor that gave it is over, such as one that was fenced: close it and make another.
    bool fatal() const noexcept;
    /// The same, from an object that is over with it.
    error as_fatal() const;
    /// The same, about records of this partition; the accessors below tell where.
    error located(std::string topic, std::int32_t partition, std::int64_t offset = -1) const;
    std::string_view topic() const noexcept;    ///< empty: not about one
    std::int32_t partition() const noexcept;    ///< -1: not about one
    std::int64_t offset() const noexcept;       ///< -1: not about one
    /// "NOT_LEADER_OR_FOLLOWER: orders-3 (caused by ...)": one line.
    std::string message() const;
    friend std::ostream& operator<<(std::ostream& out, const error& why);

private:
    struct info;
    std::shared_ptr<const info> info_;
};

/// What `*r` throws when the result holds an error; inside the libraries that is a bug.
class exception : public std::exception {
public:
    explicit exception(weir::error why);
    const char* what() const noexcept override { return text_.c_str(); }
    const weir::error& error() const noexcept { return error_; }

private:
    weir::error error_;
    std::string text_;
};

namespace detail {
[[noreturn]] void raise(const error& why);
/// For a failed result that is made of "no error".
error no_reason();
}

/// A value or an error. Ignoring one is a compile warning; reading the value of a failed one throws weir::exception. One that
/// is made of "no error" is a bug, and fails with errc::unknown_server_error.
template <class T = void>
class [[nodiscard]] result {
public:
    using value_type = T;
    result(T value) : value_(std::move(value)) {}  // NOLINT: returning a plain value is the point
    result(weir::error why) : error_(why ? std::move(why) : detail::no_reason()) {}
    result(errc code) : result(weir::error{code}) {}

    explicit operator bool() const noexcept { return value_.has_value(); }
    bool has_value() const noexcept { return value_.has_value(); }
    T& operator*() & { check(); return *value_; }
    const T& operator*() const& { check(); return *value_; }
    T operator*() && { check(); return std::move(*value_); }
    T* operator->() & { check(); return &*value_; }
    const T* operator->() const& { check(); return &*value_; }
    T* operator->() && = delete;  // a temporary would be gone before you look: name it, or use *
    const weir::error& error() const noexcept { return error_; }
    errc code() const noexcept { return value_ ? errc::none : error_.code(); }
    template <class U>
    T value_or(U&& other) && { return value_ ? std::move(*value_) : T(std::forward<U>(other)); }
    /// Makes the value where it stands.
    template <class... Args>
    T& emplace(Args&&... args) {
        error_ = {};
        return value_.emplace(std::forward<Args>(args)...);
    }

private:
    void check() const { if (!value_) detail::raise(error_); }
    std::optional<T> value_;
    weir::error error_;
};

template <>
class [[nodiscard]] result<void> {
public:
    using value_type = void;
    result() noexcept = default;
    result(weir::error why) : error_(std::move(why)) {}
    result(errc code) : error_(code) {}

    explicit operator bool() const noexcept { return !error_; }
    bool has_value() const noexcept { return !error_; }
    void operator*() const { if (error_) detail::raise(error_); }
    const weir::error& error() const noexcept { return error_; }
    errc code() const noexcept { return error_.code(); }

private:
    weir::error error_;
};

}  // namespace weir
