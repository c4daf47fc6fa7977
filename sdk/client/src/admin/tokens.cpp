// Delegation tokens: Create 38, Renew 39, Expire 40, Describe 41 (KIP-48).
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/create_delegation_token.hpp>
#include <weir/protocol/messages/describe_delegation_token.hpp>
#include <weir/protocol/messages/expire_delegation_token.hpp>
#include <weir/protocol/messages/renew_delegation_token.hpp>

namespace weir::detail {

task<result<delegation_token>> create_delegation_token(call_ptr call, create_token_options options) {
    protocol::create_delegation_token_request request;
    request.owner_principal_type.reset();
    request.owner_principal_name.reset();
    if (options.owner) {
        request.owner_principal_type = options.owner->kind;
        request.owner_principal_name = options.owner->name;
    }
    for (const auto& each : options.renewers) {
        auto& renewer = request.renewers.emplace_back();
        renewer.principal_type = each.kind;
        renewer.principal_name = each.name;
    }
    request.max_lifetime_ms = options.max_lifetime ? options.max_lifetime->count() : -1;
    auto asking = ask(std::move(call), any_broker(), std::move(request),
                      [](const protocol::create_delegation_token_response& answer) { return refusal(answer.error_code, {}, "create_delegation_token"); });
    auto got = co_await asking;
    if (!got) co_return got.error();
    delegation_token made{std::move(got->token_id), std::move(got->hmac), {std::move(got->principal_type), std::move(got->principal_name)}};
    made.requester = {std::move(got->token_requester_principal_type), std::move(got->token_requester_principal_name)};
    made.renewers = std::move(options.renewers);
    made.issued = time_of(got->issue_timestamp_ms);
    made.expires = time_of(got->expiry_timestamp_ms);
    made.latest = time_of(got->max_timestamp_ms);
    co_return made;
}

task<result<timestamp>> renew_delegation_token(call_ptr call, bytes hmac, std::optional<duration> longer) {
    protocol::renew_delegation_token_request request;
    request.hmac = std::move(hmac);
    request.renew_period_ms = longer ? longer->count() : -1;
    auto asking = ask(std::move(call), any_broker(), std::move(request),
                      [](const protocol::renew_delegation_token_response& answer) { return refusal(answer.error_code, {}, "renew_delegation_token"); });
    auto got = co_await asking;
    if (!got) co_return got.error();
    co_return time_of(got->expiry_timestamp_ms);
}

task<result<timestamp>> expire_delegation_token(call_ptr call, bytes hmac, std::optional<duration> after) {
    protocol::expire_delegation_token_request request;
    request.hmac = std::move(hmac);
    request.expiry_time_period_ms = after ? after->count() : -1;
    auto asking = ask(std::move(call), any_broker(), std::move(request),
                      [](const protocol::expire_delegation_token_response& answer) { return refusal(answer.error_code, {}, "expire_delegation_token"); });
    auto got = co_await asking;
    if (!got) co_return got.error();
    co_return time_of(got->expiry_timestamp_ms);
}

task<result<std::vector<delegation_token>>> describe_delegation_token(call_ptr call, std::vector<principal> owners) {
    protocol::describe_delegation_token_request request;
    if (owners.empty()) request.owners.reset();
    for (const auto& each : owners) {
        auto& owner = request.owners->emplace_back();
        owner.principal_type = each.kind;
        owner.principal_name = each.name;
    }
    auto asking = ask(std::move(call), any_broker(), std::move(request),
                      [](const protocol::describe_delegation_token_response& answer) { return refusal(answer.error_code, {}, "describe_delegation_token"); });
    auto got = co_await asking;
    if (!got) co_return got.error();
    std::vector<delegation_token> all;
    for (auto& each : got->tokens) {
        auto& token = all.emplace_back(delegation_token{std::move(each.token_id), std::move(each.hmac), {std::move(each.principal_type), std::move(each.principal_name)}});
        token.requester = {std::move(each.token_requester_principal_type), std::move(each.token_requester_principal_name)};
        for (auto& renewer : each.renewers) token.renewers.push_back({std::move(renewer.principal_type), std::move(renewer.principal_name)});
        token.issued = time_of(each.issue_timestamp);
        token.expires = time_of(each.expiry_timestamp);
        token.latest = time_of(each.max_timestamp);
    }
    co_return all;
}

}  // namespace weir::detail
