// What the copies of a producer share.
#pragma once
#include "../client_core.hpp"
#include "sender.hpp"
#include "transactions.hpp"

namespace weir::detail {

/// The sender and what is under way keep the accumulator alive, never the client.
class producer_handle : public std::enable_shared_from_this<producer_handle> {
public:
    /// The number that records outside transactions carry.
    static constexpr std::int64_t no_transaction = 0;

    producer_handle(const client& on, producer_config config);
    ~producer_handle();

    delivery send(std::string_view topic, const erased& key, const erased& value, const send_options* options, std::int64_t transaction);
    op<delivery> enqueue(std::string_view topic, const erased& key, const erased& value, const send_options* options, std::int64_t transaction);
    op<transaction> begin();
    op<> end(std::int64_t number, bool commit);
    void drop(std::int64_t number);
    op<> add_offsets(std::int64_t number, group_metadata group, std::vector<committed_offset> offsets);
    op<> flush();
    op<std::vector<partition_info>> partitions_for(std::string topic);
    op<> close(duration most);

private:
    struct outbound;
    /// What waits for its topic or for room, in order. On the loop.
    struct waiting_room {
        struct guest {
            std::shared_ptr<op_signal> done;
            function<bool()> attempt;  ///< false: not yet
        };
        std::deque<guest> records;
        std::vector<guest> questions;
        void retry();
    };

    void run_on_send(outbound& out, std::string_view topic);
    appended try_append(std::string_view topic, outbound& out);
    void wake();
    /// A record did not become part of a batch.
    void refused(const error& why, std::int64_t transaction);
    delivery failed(error why, std::int64_t transaction);
    error late(std::string_view topic, append_outcome what) const;

    client client_;
    producer_config config_;
    std::shared_ptr<callbacks> strand_;
    event_loop& loop_;
    std::shared_ptr<accumulator> records_;
    std::shared_ptr<transaction_manager> manager_;  // nullptr without a transactional id
    std::shared_ptr<sender> sender_;
    std::shared_ptr<transactions> transactions_;
    std::shared_ptr<waiting_room> waiting_ = std::make_shared<waiting_room>();
};

}  // namespace weir::detail
