// A move-only callable, cheaper to include and to move than std::function.
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace weir {

template <class Signature, std::size_t InlineBytes>
class basic_function;

/// Holds any callable that can be moved. Small ones (up to 56 bytes) live inside, so that posting a step allocates nothing.
template <class Signature>
using function = basic_function<Signature, 56>;

/// For those that wait in thousands, `InlineBytes` says how small it is to be: a multiple of a pointer's size, and room for one.
template <class R, class... Args, std::size_t InlineBytes>
class basic_function<R(Args...), InlineBytes> {
    static_assert(InlineBytes >= sizeof(void*) && InlineBytes % sizeof(void*) == 0);

public:
    basic_function() noexcept = default;
    basic_function(std::nullptr_t) noexcept {}
    template <class F>
        requires(!std::same_as<std::remove_cvref_t<F>, basic_function> && std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
    basic_function(F&& f) {  // NOLINT: conversion from a lambda is the point
        using callable = std::decay_t<F>;
        if constexpr (sizeof(callable) <= InlineBytes && alignof(callable) <= alignof(void*) && std::is_nothrow_move_constructible_v<callable>) {
            ::new (storage_) callable(std::forward<F>(f));
            table_ = &inline_table<callable>;
        } else {
            ::new (storage_) callable*(new callable(std::forward<F>(f)));
            table_ = &heap_table<callable>;
        }
    }
    basic_function(basic_function&& other) noexcept : table_(std::exchange(other.table_, nullptr)) { take_from(other); }
    basic_function& operator=(basic_function&& other) noexcept {
        if (this != &other) {
            reset();
            table_ = std::exchange(other.table_, nullptr);
            take_from(other);
        }
        return *this;
    }
    ~basic_function() { reset(); }

    explicit operator bool() const noexcept { return table_ != nullptr; }
    /// The same code and the same bytes, which double_of() can copy: one of them does for both. May miss some that are.
    bool same_as(const basic_function& other) const noexcept {
        if (!table_ || table_ != other.table_ || table_->words == 0) return false;
        for (std::size_t i = 0; i < table_->words; ++i) if (word(i) != other.word(i)) return false;
        return true;
    }
    /// Makes this a copy of one that is same_as() another.
    void double_of(const basic_function& other) noexcept {
        reset();
        table_ = other.table_;
        std::memcpy(storage_, other.storage_, InlineBytes);
    }
    // By value, as the signature says; large ones are moved on.
    R operator()(Args... args) {  // NOLINT(performance-unnecessary-value-param)
        return table_->call(storage_, std::forward<Args>(args)...);
    }

private:
    struct table {
        R (*call)(void*, Args&&...);
        void (*move)(void* from, void* to) noexcept;  // nullptr: its bytes can be copied,
        void (*drop)(void*) noexcept;                 // and there is nothing to destroy
        std::size_t words;                            // of those bytes, where they are whole words; else 0
    };
    static constexpr std::size_t word_bytes = sizeof(std::uintptr_t);
    // What has no bytes leaves the storage as it was: not to be read.
    template <class F>
    static constexpr bool plain = std::is_trivially_copyable_v<F> && !std::is_empty_v<F>;
    template <class F>
    static constexpr table inline_table{
        [](void* self, Args&&... args) -> R { return (*static_cast<F*>(self))(std::forward<Args>(args)...); },
        plain<F> ? nullptr : +[](void* from, void* to) noexcept {
            ::new (to) F(std::move(*static_cast<F*>(from)));
            static_cast<F*>(from)->~F();
        },
        plain<F> ? nullptr : +[](void* self) noexcept { static_cast<F*>(self)->~F(); },
        plain<F> && sizeof(F) % word_bytes == 0 ? sizeof(F) / word_bytes : 0};
    template <class F>
    static constexpr table heap_table{
        [](void* self, Args&&... args) -> R { return (**static_cast<F**>(self))(std::forward<Args>(args)...); },
        nullptr,  // the pointer to it is
        [](void* self) noexcept { delete *static_cast<F**>(self); },
        0};

    std::uintptr_t word(std::size_t index) const noexcept {
        std::uintptr_t value = 0;
        std::memcpy(&value, storage_ + index * word_bytes, word_bytes);
        return value;
    }
    void take_from(basic_function& other) noexcept {
        if (!table_) return;
        if (table_->move) table_->move(other.storage_, storage_);
        else std::memcpy(storage_, other.storage_, InlineBytes);
    }
    void reset() noexcept {
        const auto* const was = std::exchange(table_, nullptr);
        if (was && was->drop) was->drop(storage_);
    }

    const table* table_ = nullptr;
    alignas(void*) std::byte storage_[InlineBytes];
};

}  // namespace weir
