#include <weir/detail/transactor_core.hpp>

#include "../client_core.hpp"
#include "../op_state.hpp"
#include "../producer/producer_handle.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger transactor_core_logs{"weir.client.transactor"};

producer_config writing(const std::string& group_id, std::string transactional_id, duration transaction_timeout) {
    if (group_id.empty()) throw exception{error{errc::invalid_setting, "group.id=: a transactor reads as a member of a group"}};
    if (transactional_id.empty()) transactional_id = fmt::format("{}-{:016x}", group_id, random_source::from_system()());
    producer_config config;
    config.transactional_id = std::move(transactional_id);
    config.transaction_timeout = transaction_timeout;
    return config;
}

/// Whether the same transaction would be aborted again.
bool lasting(const error& why) noexcept {
    if (why.fatal() || why.permanent()) return true;
    switch (why.code()) {
        case errc::message_too_large:
        case errc::record_list_too_large:
        case errc::invalid_record:
        case errc::invalid_timestamp:
        case errc::invalid_topic:
        case errc::policy_violation:
        case errc::unsupported_for_message_format:
        case errc::unsupported_compression_type:
        case errc::topic_authorization_failed:
        case errc::group_authorization_failed:
        case errc::invalid_group_id:
        case errc::closed: return true;
        default: return false;
    }
}

bool same_member(const group_metadata& a, const group_metadata& b) { return a.generation == b.generation && a.member_id == b.member_id && !a.member_id.empty(); }

bool stopped(const error& why) { return why.code() == errc::closed; }

}  // namespace

transactor_core::transactor_core(const client& on, const std::string& group_id, std::string transactional_id, duration transaction_timeout)
    : client_(on), out_(on, writing(group_id, std::move(transactional_id), transaction_timeout)) {}

consumer_config transactor_core::reading(const std::string& group_id, at::position start, int max_poll_records) {
    consumer_config config;
    config.group_id = group_id;
    config.start = start;
    config.max_poll_records = max_poll_records;
    config.auto_commit = false;
    config.isolation = isolation::read_committed;
    return config;
}

result<> transactor_core::run(consumer_base& in, function<result<std::vector<read_span>>()> poll, function<void(transaction&)> work) {
    for (int failures = 0;;) {
        const auto before = in.metadata().get();
        const auto spans = poll();
        if (!spans) return stopped(spans.error()) ? in.status() : spans.error();
        if (spans->empty()) continue;
        // The positions are committed in the name of who read the batch. A rebalance meanwhile leaves open who that was.
        const auto reader = in.metadata().get();
        error why;
        if (before && reader && same_member(*before, *reader)) {
            auto begun = out_.begin().get();
            if (!begun && lasting(begun.error())) return begun.error();
            if (begun) {
                auto open = *std::move(begun);
                try {
                    work(open);
                } catch (...) {
                    (void)open.abort().get();
                    (void)rewind(in, *spans);
                    throw;
                }
                std::vector<partition_offset> positions;
                for (const auto& each : *spans) positions.push_back({each.where, each.end, each.leader_epoch, {}});
                (void)open.add_offsets(*reader, std::move(positions));  // commit() waits for it, and fails with it
                const auto end = open.commit().get();
                if (end) {
                    failures = 0;
                    continue;
                }
                if (lasting(end.error())) return end.error();
                why = end.error();
                if (const auto cause = (*open.handle_)->abort_cause(); lasting(cause)) {
                    (void)rewind(in, *spans);
                    return cause;
                }
            } else {
                why = begun.error();
            }
            transactor_core_logs.info(fmt::format("again: {}", why.message()));
            if (auto over = pause(++failures); !over) return over;
        }
        if (auto back = rewind(in, *spans); !back) return back;
    }
}

// To what is committed, since a transaction that was thought to be aborted, or another member, may have moved that; to the
// batch where nothing is.
result<> transactor_core::rewind(consumer_base& in, const std::vector<read_span>& spans) {
    std::vector<topic_partition> parts;
    for (const auto& each : spans) parts.push_back(each.where);
    for (int failures = 0;;) {
        const auto committed = in.committed(parts).get();
        if (committed) {
            for (const auto& each : spans) {
                const auto found = std::find_if(committed->begin(), committed->end(), [&](const partition_offset& at) { return at.where == each.where; });
                in.seek(each.where, at::offset(found != committed->end() && found->offset >= 0 ? found->offset : each.first));
            }
            return {};
        }
        if (lasting(committed.error())) return committed.error();
        if (auto over = pause(++failures); !over) return over;
    }
}

result<> transactor_core::pause(int failures) {
    auto& core = client_.core();
    auto done = std::make_shared<op_state<void>>(core.strand());
    core.loop().post([view = core.view(), done, failures] {
        if (view->closed()) return done->complete(error{errc::closed, "the client is closed"});
        view->loop().call_after(view->retry().after(failures, view->random()), [done] { done->complete({}); });
    });
    return op<>{std::move(done)}.get();
}

}  // namespace weir::detail
