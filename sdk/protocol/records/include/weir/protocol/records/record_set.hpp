// A byte range of several batches: the content of a log file, or of a fetch answer.
#pragma once
#include <weir/protocol/records/legacy.hpp>
#include <weir/protocol/records/record_reader.hpp>

namespace weir::protocol {

enum class set_verdict : std::uint8_t {
    ok,
    incomplete,   ///< ends inside a batch: normal at the end of a fetch or after a crash; the batches before it count
    bad_framing,  ///< a length or magic that cannot be
    bad_crc,
    bad_records,  ///< the checksum is right, the content is not
};
/// "ok", "incomplete", "bad-framing", "bad-crc", "bad-records".
std::string_view verdict_name(set_verdict verdict) noexcept;

/// One batch of a set: of format 2, or an entry of the older ones.
class set_entry {
public:
    set_entry(const batch_view& batch, std::size_t position) noexcept : batch_(batch), position_(position) {}
    set_entry(const legacy_entry& entry, std::size_t position) noexcept : legacy_(entry), position_(position) {}

    std::size_t position() const noexcept { return position_; }
    bytes_view whole() const noexcept { return batch_ ? batch_->whole() : legacy_->whole(); }
    std::size_t size() const noexcept { return whole().size(); }
    std::int8_t magic() const noexcept { return batch_ ? std::int8_t{2} : legacy_->magic(); }
    /// nullptr for magic 0 and 1.
    const batch_view* batch() const noexcept { return batch_ ? &*batch_ : nullptr; }
    /// nullptr for magic 2.
    const legacy_entry* legacy() const noexcept { return legacy_ ? &*legacy_ : nullptr; }
    std::int64_t last_offset() const noexcept { return batch_ ? batch_->last_offset() : legacy_->offset(); }
    bool crc_matches() const noexcept { return batch_ ? batch_->crc_matches() : legacy_->crc_matches(); }

private:
    std::optional<batch_view> batch_;
    std::optional<legacy_entry> legacy_;
    std::size_t position_;
};

enum class crc_check : std::uint8_t { skip, verify };

/// Walks whole batches, oldest first. Stops for good at the first thing that is not one.
class record_set {
public:
    explicit record_set(bytes_view input, crc_check check = crc_check::verify) noexcept
        : input_(input),
          check_(check) {}

    /// The next batch; nullopt at the end: verdict() says which end. With crc_check::verify a batch with a wrong
    /// checksum is not delivered.
    std::optional<set_entry> next();
    set_verdict verdict() const noexcept { return verdict_; }
    /// Bytes of the batches delivered so far; where the next one begins.
    std::size_t position() const noexcept { return position_; }

private:
    bytes_view input_;
    crc_check check_;
    std::size_t position_ = 0;
    set_verdict verdict_ = set_verdict::ok;
};

struct set_report {
    set_verdict verdict = set_verdict::ok;
    std::int32_t batches = 0;  ///< whole ones, readable
    std::int64_t records = 0;
    std::size_t bytes = 0;  ///< of those batches
    error why;              ///< for the bad ones: what is wrong, with the position
};
/// Reads everything, records included, for tools and tests.
set_report examine(bytes_view input, std::size_t limit = default_decompressed_limit);

}  // namespace weir::protocol
