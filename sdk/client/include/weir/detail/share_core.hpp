// The part of a share consumer that does not depend on its types: compiled once, in the library.
#pragma once
#include <weir/client.hpp>
#include <weir/record.hpp>
#include <weir/share_config.hpp>

#include <initializer_list>
#include <optional>

namespace weir {
namespace detail {

class share_handle;
class lease_part;

/// One record, borrowed. Copies are the same loan. Thread-safe.
class lease {
public:
    lease() noexcept = default;
    lease(std::shared_ptr<lease_part> of, std::uint32_t index) noexcept : of_(std::move(of)), index_(index) {}
    int delivery_count() const noexcept;
    weir::duration time_left() const noexcept;
    void decide(acknowledgement what) const;
    explicit operator bool() const noexcept { return of_ != nullptr; }

private:
    std::shared_ptr<lease_part> of_;
    std::uint32_t index_ = 0;
};

/// A record before it is decoded.
struct lent_record {
    const raw_record* raw = nullptr;
    record_info where{};
    lease loan{};
};

/// What a poll brought. Lives for one call of a builder.
class share_source {
public:
    virtual ~share_source() = default;
    virtual bool next(lent_record& found) = 0;  ///< false at the end
    /// True: go on with the next record. False: this is the end of the batch.
    virtual bool undecodable(const lent_record& which, const error& why) = 0;
    virtual const error& failure() const = 0;   ///< why there are none, when there are none
};
/// What a share consumer's types do for a poll.
struct share_types {
    void (*build)(void* types, share_source& from, void* into);  ///< makes a result<T> at `into` of what was found
    error (*check)(void* types, const raw_record& which);        ///< why it cannot be decoded
};

class share_core {
public:
    share_core(share_core&&) noexcept;
    share_core& operator=(share_core&&) = delete;
    ~share_core();  ///< as close(close_timeout), and waits for it where waiting is possible

    /// These topics from now on; the constructor's before.
    void subscribe(std::vector<std::string> topics);
    /// Leaves the group; what is on loan stays so, and verdicts count. Nothing more comes before the next subscribe().
    void unsubscribe();
    /// As it was said last, or by the constructor.
    std::vector<std::string> subscription() const;
    /// How long brokers lend records for, as they last said (KIP-1222); nullopt before anything was asked for.
    std::optional<weir::duration> acquisition_lock_timeout() const;
    /// Accepts what was handed out and has no verdict, the record or batch in hand included (explicit_ack: leaves it), and
    /// ends when the brokers have answered for every verdict given before. An error: errc::timed_out.
    op<std::vector<acknowledged>> commit();
    /// Ends the loop or poll() with errc::closed, without a word in status(). From any thread, and from a signal handler.
    void stop() noexcept;
    /// Calls stop() at these signals, for as long as the client lives.
    void stop_on(std::initializer_list<int> signals);
    /// Tells the verdicts, gives back what has none, leaves the group.
    op<> close(weir::duration most = weir::duration::max());
    /// Why the loop ended; no error after stop().
    error status() const;

protected:
    share_core(const client& on, share_consumer_config config, std::vector<std::string> topics);
    /// The one in hand is done with. Blocks for the next; false at the end: status() says why.
    bool take_next(lent_record& into);
    /// True: pass over it. False: the loop ends.
    bool undecodable(const lent_record& which, const error& why);
    std::shared_ptr<op_core> start_poll(weir::duration most, std::shared_ptr<void> types, share_types how);

private:
    std::shared_ptr<share_handle> handle_;
};

}  // namespace detail
}  // namespace weir
