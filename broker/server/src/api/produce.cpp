// Produce (key 0), v3-v13. v7: zstd. v8: errors per record. v9: flexible. v10: leader hints. v13: topics by id.
#include "../api.hpp"
#include "handlers.hpp"
#include "named_twice.hpp"
#include "refusals.hpp"

#include <weir/metadata/image.hpp>
#include <weir/protocol/internal_topics.hpp>
#include <weir/protocol/messages/produce.hpp>
#include <weir/protocol/records/batch.hpp>
#include <weir/protocol/records/produced.hpp>
#include <weir/replica/replicas.hpp>

#include <algorithm>
#include <map>

namespace weir::server {
namespace {

using protocol::produce_request;
using protocol::produce_response;

// One partition of the request, on its way through its core.
struct produced {
    std::shared_ptr<replica::partition> where;
    mutable_bytes records;
    result<storage::append_outcome> outcome{errc::unknown_server_error};
    std::vector<storage::record_refusal> refused;
};

constexpr std::int16_t first_version_with_zstd = 7;
constexpr const char* admin_client = "__admin_client";  // who calls itself so may write everything, as in Kafka

bool belongs_to_coordinators(const request_context& context, const metadata::topic& topic) {
    return protocol::is_internal_topic(topic.name) && context.client_id() != admin_client;
}

// One whole batch, in a form that the version may send: what is looked at before anything is done. The log looks at the rest.
error check_form(const request_context& context, const protocol::record_data& records) {
    if (records.is_null()) return error{errc::invalid_request};
    const auto all = records.memory();
    const auto batch = protocol::batch_view::open(all);
    const bool alone = batch && (batch->size() == all.size() || protocol::batch_view::open(all.subspan(batch->size())).code() == errc::incomplete);
    if (!alone) return protocol::check_produced(all).error();  // which says what is wrong
    if (batch->codec_bits() == static_cast<std::uint8_t>(protocol::codec::zstd) &&
        context.version() < first_version_with_zstd)
        return error{errc::unsupported_compression_type};
    return {};
}

// What fails a request before its rows are told apart: each first batch is looked into for a transaction.
error check_whole(const produce_request& request) {
    for (const auto& topic : request.topic_data)
        for (const auto& part : topic.partition_data) {
            const auto batch = protocol::batch_view::open(part.records.memory());
            // Nobody would ever end the transaction, and readers of committed records would wait at it.
            if (batch && batch->transactional()) return error{errc::transactional_id_authorization_failed, "this broker does not serve transactions"};
            if (batch || batch.code() == errc::incomplete) continue;
            auto why = protocol::check_produced(part.records.memory()).error();  // older formats are not broken ones
            if (why.code() == errc::corrupt_message) return why;
        }
    return {};
}

produce_response refuse_whole(request_context& context, const produce_request& request, const error& why) {
    if (context.no_answer) context.disconnect = "acks=0 and " + why.message();
    auto answer = refusal(request, wire_code(why.code()));
    if (context.version() >= 8)
        for (auto& topic : answer.responses)
            for (auto& row : topic.partition_responses) row.error_message = std::string{why.what()};
    return answer;
}

using malformed_rows = std::map<std::pair<std::size_t, std::int32_t>, error>;  // by topic's place and partition

// Of rows for the same partition the last one counts, and of malformed ones too: such a row is answered with its error, and
// keeps no other from being appended.
malformed_rows read_as_map(const request_context& context, produce_request& request) {
    using topic_row = produce_request::topic_produce_data;
    using partition_row = produce_request::partition_produce_data;
    unite_topics(
        request.topic_data,
        [](const topic_row& topic) { return std::pair{std::string_view{topic.name}, topic.topic_id}; },
        &topic_row::partition_data);
    malformed_rows malformed;
    for (std::size_t at = 0; at < request.topic_data.size(); ++at) {
        const auto form_of = [&](const partition_row& row) {
            auto why = check_form(context, row.records);
            const bool fine = !why;
            if (!fine) malformed[{at, row.index}] = std::move(why);
            return fine;
        };
        unite(request.topic_data[at].partition_data, &partition_row::index,
              [&](partition_row& first, partition_row& later) {
                  const bool fine = form_of(first);
                  if (form_of(later) || !fine) first = std::move(later);
              });
        for (const auto& row : request.topic_data[at].partition_data)
            if (!malformed.contains({at, row.index})) form_of(row);
    }
    return malformed;
}

// Appends in order, then waits for all of them; begins and ends where the connection lives. The appends happen before
// the first wait: requests of one connection reach each core in their order.
task<void> append_on(event_loop& here, event_loop& core, std::vector<produced*> batches, bool wait_for_commit, time_point deadline) {
    co_await switch_to{core};
    for (auto* each : batches)
        each->outcome = each->where->append(each->records, storage::append_origin::client, &each->refused);
    if (wait_for_commit)
        for (auto* each : batches) {
            if (!each->outcome) continue;
            auto committing = completion<result<void>>([&](function<void(result<void>)> done) {
                each->where->when_committed(each->outcome->last_offset + 1, deadline, std::move(done));
            });
            auto committed = co_await committing;
            if (!committed) each->outcome = committed.error();
        }
    co_await switch_to{here};
}

task<void> append_all(request_context& context, std::vector<produced>& batches, bool wait_for_commit, time_point deadline) {
    std::vector<task<void>> parts;
    std::vector<bool> taken(batches.size());
    for (std::size_t first = 0; first < batches.size(); ++first) {
        if (taken[first]) continue;
        auto& core = batches[first].where->home();
        std::vector<produced*> on_core;
        for (auto at = first; at < batches.size(); ++at)
            if (&batches[at].where->home() == &core) {
                taken[at] = true;
                on_core.push_back(&batches[at]);
            }
        parts.push_back(append_on(context.core.loop, core, std::move(on_core), wait_for_commit, deadline));
    }
    co_await when_all(std::move(parts));
}

// Beside errors about what records say, and those of producers' sequences, Kafka tells where the log begins.
bool shows_log_start(errc code) noexcept {
    switch (code) {
        case errc::not_leader_or_follower:
        case errc::message_too_large:
        case errc::record_list_too_large:
        case errc::corrupt_message:
        case errc::kafka_storage_error: return false;
        default: return true;
    }
}

void count(traffic_counters& traffic, const produced& batch) {
    traffic.produce_requests->add();
    if (batch.outcome) {
        traffic.bytes_in->add(batch.records.size());
        traffic.messages_in->add(static_cast<std::uint64_t>(batch.outcome->last_offset - batch.outcome->first_offset + 1));
        return;
    }
    traffic.failed_produce->add();
    if (batch.outcome.code() == errc::corrupt_message) traffic.corrupt->add();
    if (batch.outcome.code() == errc::out_of_order_sequence_number) traffic.out_of_sequence->add();
    const auto keyless = std::count_if(batch.refused.begin(), batch.refused.end(), [](const auto& record) { return record.code == errc::invalid_record; });
    traffic.keyless->add(static_cast<std::uint64_t>(keyless));
    if (batch.outcome.code() == errc::message_too_large) traffic.bytes_rejected->add(batch.records.size());
}

}  // namespace

task<produce_response> handle_produce(request_context& context, produce_request request) {
    produce_response response;
    const auto image = context.image();
    context.no_answer = request.acks == 0;
    const auto whole = check_whole(request);
    const auto malformed = read_as_map(context, request);
    if (whole) co_return refuse_whole(context, request, whole);
    const bool acks_known = request.acks >= -1 && request.acks <= 1;
    std::vector<produced> batches;
    std::vector<produce_response::partition_produce_response*> answers;

    // Filled in a first round, so that pointers into the response stay valid in the second.
    for (const auto& topic : request.topic_data) {
        auto& answered = response.responses.emplace_back();
        answered.name = topic.name;
        answered.topic_id = topic.topic_id;
        answered.partition_responses.resize(topic.partition_data.size());
    }
    for (std::size_t t = 0; t < request.topic_data.size(); ++t) {
        const auto& topic = request.topic_data[t];
        const auto found = find_topic(*image, context.version() >= 13, topic.name, topic.topic_id);
        for (std::size_t p = 0; p < topic.partition_data.size(); ++p) {
            const auto& part = topic.partition_data[p];
            auto& answer = response.responses[t].partition_responses[p];
            answer.index = part.index;
            answer.base_offset = -1;
            std::shared_ptr<replica::partition> where;
            const auto code = locate(context, found, part.index, where);
            const bool exists = code != errc::unknown_topic_or_partition && code != errc::unknown_topic_id;
            const auto refused = [&] {
                if (exists && !acks_known) return error{errc::invalid_required_acks};
                if (exists && belongs_to_coordinators(context, *found.topic))
                    return error{errc::invalid_topic, found.topic->name + " is written by coordinators alone"};
                return code == errc::none ? error{} : error{code};
            }();
            const auto bad = exists ? malformed.find({t, part.index}) : malformed.end();
            if (const auto& why = bad != malformed.end() ? bad->second : refused) {
                answer.error_code = wire_code(why.code());
                if (context.version() >= 8 && !why.what().empty()) answer.error_message = std::string{why.what()};
                context.core.metrics.all_topics().produce_requests->add();
                context.core.metrics.all_topics().failed_produce->add();
                if (context.version() >= 10)
                    hint_leader(*image, found, part.index, why.code(), answer.current_leader, response.node_endpoints,
                                *context.connection.listener);
                // What is left of a partition that was named twice is appended all the same.
                if (refused || check_form(context, part.records)) continue;
            }
            // The request's buffer is ours alone: offsets and epochs are patched where the bytes arrived.
            const auto memory = part.records.memory();
            produced batch;
            batch.where = std::move(where);
            batch.records = {const_cast<std::byte*>(memory.data()), memory.size()};
            batches.push_back(std::move(batch));
            answers.push_back(bad == malformed.end() ? &answer : nullptr);
        }
    }
    const auto deadline = context.core.loop.now() + milliseconds{std::max(request.timeout_ms, 0)};
    co_await append_all(context, batches, request.acks == -1, deadline);

    for (std::size_t i = 0; i < batches.size(); ++i) {
        const auto& batch = batches[i];
        count(context.core.metrics.all_topics(), batch);
        count(context.core.metrics.topic(batch.where->topic()), batch);
        if (!answers[i]) continue;
        auto& answer = *answers[i];
        if (batch.outcome) {
            answer.base_offset = batch.outcome->first_offset;
            answer.log_append_time_ms = batch.outcome->append_time;
            answer.log_start_offset = batch.outcome->log_start_offset;
            continue;
        }
        answer.error_code = wire_code(batch.outcome.code());
        if (shows_log_start(batch.outcome.code())) answer.log_start_offset = batch.where->log_start_offset();
        if (context.version() >= 8)
            for (const auto& record : batch.refused) {
                auto& told = answer.record_errors.emplace_back();
                told.batch_index = record.index;
                told.batch_index_error_message = record.what;
            }
        if (context.version() >= 8 && !batch.outcome.error().what().empty()) answer.error_message = std::string{batch.outcome.error().what()};
    }
    // Who wants no answer learns of a failure by the end of the connection.
    if (context.no_answer)
        for (const auto& topic : response.responses)
            for (const auto& part : topic.partition_responses)
                if (part.error_code != 0)
                    context.disconnect = "acks=0 and partition " + std::to_string(part.index) + " of " + topic.name + " failed: " + std::string{describe(errc_from_wire(part.error_code)).name};
    co_return response;
}

}  // namespace weir::server
