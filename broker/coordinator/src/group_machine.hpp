// A group shard as the runtime's state machine, with the answers that JoinGroup and SyncGroup wait for.
#pragma once
#include <weir/coordinator/runtime.hpp>
#include <weir/group/group_shard.hpp>

#include <unordered_map>

namespace weir::coordinator {

class group_machine final : public state_machine {
public:
    using join_response = protocol::join_group_response;
    using sync_response = protocol::sync_group_response;

    group_machine(const group::group_config& config, const group::topic_directory& topics, std::uint64_t seed)
        : shard(config, topics, seed) {}

    /// Decides, and sees to it that `deliver` gets the response, now or later.
    outcome join(const group::request_context& context, protocol::join_group_request request, instant now,
                 function<void(join_response)> deliver);
    outcome sync(const group::request_context& context, protocol::sync_group_request request, instant now,
                 function<void(sync_response)> deliver);

    void replay(std::int64_t offset, std::int64_t producer_id, bytes_view key,
                std::optional<bytes_view> value) override {
        shard.replay(offset, producer_id, key, value);
    }
    void replay_marker(std::int64_t producer_id, bool committed) override {
        shard.replay_marker(producer_id, committed);
    }
    void loaded(instant now) override { shard.loaded(now); }
    std::optional<time_point> next_deadline() const override { return shard.next_deadline(); }
    std::vector<record> tick(instant now) override { return shard.tick(now); }
    std::vector<answer> take_answers() override;
    void shut_down(errc why) override {
        shard.shut_down(why);
        closed_ = why;
    }

    group::group_shard shard;

private:
    template <class Response>
    using waiters = std::unordered_map<std::uint64_t, function<void(Response)>>;
    template <class Response, class Decide>
    outcome park(waiters<Response>& where, function<void(Response)> deliver, Decide decide);
    template <class Response>
    void wake(waiters<Response>& where, group::reply_token token, Response response, std::vector<answer>& out);

    std::uint64_t last_token_ = 0;
    waiters<join_response> joins_;
    waiters<sync_response> syncs_;
    std::vector<group::reply> immediate_;
    errc closed_ = errc::none;
};

}  // namespace weir::coordinator
