// What is to be done when an operation has ended.
#pragma once
#include <weir/base/error.hpp>

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace weir::detail {

class op_core;

/// Move-only; runs once. As small as it can be with room for a few pointers: thousands of them wait in one batch of records.
class continuation {
    static constexpr std::size_t inline_bytes = 24;

public:
    template <class F>
        requires std::invocable<F&, op_core&, std::uint32_t>
    continuation(std::uint32_t index, F f) : index_(index) {
        if constexpr (sizeof(F) <= inline_bytes && alignof(F) <= alignof(void*) && std::is_nothrow_move_constructible_v<F>) {
            ::new (storage_) F(std::move(f));
            table_ = &inline_table<F>;
        } else {
            auto* const kept = new F(std::move(f));
            std::memcpy(storage_, &kept, sizeof kept);  // NOLINT(bugprone-sizeof-expression): the pointer is what is kept
            table_ = &heap_table<F>;
        }
    }
    continuation(continuation&& other) noexcept : table_(std::exchange(other.table_, nullptr)), index_(other.index_) { take_from(other); }
    continuation& operator=(continuation&& other) noexcept {
        if (this == &other) return *this;
        reset();
        table_ = std::exchange(other.table_, nullptr);
        index_ = other.index_;
        take_from(other);
        return *this;
    }
    ~continuation() { reset(); }

    std::uint32_t index() const noexcept { return index_; }
    void run(op_core& ended) { table_->call(storage_, ended, index_); }

private:
    struct table {
        void (*call)(void*, op_core&, std::uint32_t);
        void (*move)(void* from, void* to) noexcept;  // nullptr: its bytes can be copied
        void (*drop)(void*) noexcept;                 // nullptr: there is nothing to destroy
    };
    template <class F>
    static F* kept(void* storage) noexcept {
        F* at = nullptr;
        std::memcpy(&at, storage, sizeof at);  // NOLINT(bugprone-sizeof-expression)
        return at;
    }
    // What has no bytes leaves the storage as it was: not to be read.
    template <class F>
    static constexpr bool plain = std::is_trivially_copyable_v<F> && !std::is_empty_v<F>;
    template <class F>
    static constexpr table inline_table{
        [](void* self, op_core& ended, std::uint32_t index) { (*static_cast<F*>(self))(ended, index); },
        plain<F> ? nullptr : +[](void* from, void* to) noexcept {
            ::new (to) F(std::move(*static_cast<F*>(from)));
            static_cast<F*>(from)->~F();
        },
        plain<F> ? nullptr : +[](void* self) noexcept { static_cast<F*>(self)->~F(); }};
    template <class F>
    static constexpr table heap_table{
        [](void* self, op_core& ended, std::uint32_t index) { (*kept<F>(self))(ended, index); },
        nullptr,
        [](void* self) noexcept { delete kept<F>(self); }};

    void take_from(continuation& other) noexcept {
        if (!table_) return;
        if (table_->move) table_->move(other.storage_, storage_);
        else std::memcpy(storage_, other.storage_, inline_bytes);
    }
    void reset() noexcept {
        const auto* const was = std::exchange(table_, nullptr);
        if (was && was->drop) was->drop(storage_);
    }

    const table* table_;
    alignas(void*) std::byte storage_[inline_bytes];
    std::uint32_t index_;
};

}  // namespace weir::detail
