// Who may do what: CreateAcls 30, DescribeAcls 29, DeleteAcls 31.
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/create_acls.hpp>
#include <weir/protocol/messages/delete_acls.hpp>
#include <weir/protocol/messages/describe_acls.hpp>

#include <fmt/format.h>

namespace weir::detail {
namespace {

std::string named(const acl& of) { return fmt::format("{} of {} {} for {}", to_string(of.operation), to_string(of.on), of.name, of.principal); }

// Answers come in the order of the request, without names.
struct create_acls_plan : plan_of<protocol::create_acls_request, acl, void> {
    std::vector<acl> acls;

    std::vector<acl> keys() const { return acls; }
    request ask(std::span<const std::size_t> which, const ask_context&) const {
        request asked;
        for (const auto i : which) {
            const auto& from = acls[i];
            auto& to = asked.creations.emplace_back();
            to.resource_type = static_cast<std::int8_t>(from.on);
            to.resource_name = from.name;
            to.resource_pattern_type = static_cast<std::int8_t>(from.pattern);
            to.principal = from.principal;
            to.host = from.host;
            to.operation = static_cast<std::int8_t>(from.operation);
            to.permission_type = static_cast<std::int8_t>(from.permission);
        }
        return asked;
    }
    static error read(const response& answer, std::span<const std::size_t> which, answers& into) {
        for (std::size_t n = 0; n < std::min(which.size(), answer.results.size()); ++n) {
            const auto& each = answer.results[n];
            into.settle(which[n], refusal(each.error_code, each.error_message, named(into.key(which[n]))));
        }
        return {};
    }
};

template <class Filter>
void fill(Filter& to, const acl_filter& from) {
    to.resource_type_filter = static_cast<std::int8_t>(from.on);
    to.resource_name_filter = from.name;
    to.pattern_type_filter = static_cast<std::int8_t>(from.pattern);
    to.principal_filter = from.principal;
    to.host_filter = from.host;
    to.operation = static_cast<std::int8_t>(from.operation);
    to.permission_type = static_cast<std::int8_t>(from.permission);
}

struct delete_acls_plan : plan_of<protocol::delete_acls_request, acl_filter, std::vector<acl>> {
    std::vector<acl_filter> filters;

    std::vector<acl_filter> keys() const { return filters; }
    request ask(std::span<const std::size_t> which, const ask_context&) const {
        request asked;
        for (const auto i : which) fill(asked.filters.emplace_back(), filters[i]);
        return asked;
    }
    static error read(response& answer, std::span<const std::size_t> which, answers& into) {
        for (std::size_t n = 0; n < std::min(which.size(), answer.filter_results.size()); ++n) {
            auto& each = answer.filter_results[n];
            auto why = refusal(each.error_code, each.error_message, "delete_acls");
            std::vector<acl> deleted;
            for (auto& found : each.matching_acls) {
                if (!why) why = refusal(found.error_code, found.error_message, found.resource_name);
                deleted.push_back({std::move(found.principal), static_cast<resource_kind>(found.resource_type), std::move(found.resource_name), static_cast<pattern>(found.pattern_type),
                                   static_cast<operation>(found.operation), static_cast<permission>(found.permission_type), std::move(found.host)});
            }
            into.settle(which[n], failed_or(std::move(why), std::move(deleted)));
        }
        return {};
    }
};

}  // namespace

task_of_outcomes<void, acl> create_acls(call_ptr call, std::vector<acl> acls) {
    return carry_out(std::move(call), create_acls_plan{{}, std::move(acls)});
}
task_of_outcomes<std::vector<acl>, acl_filter> delete_acls(call_ptr call, std::vector<acl_filter> matching) {
    return carry_out(std::move(call), delete_acls_plan{{}, std::move(matching)});
}

task<result<std::vector<acl>>> describe_acls(call_ptr call, acl_filter matching) {
    protocol::describe_acls_request request;
    fill(request, matching);
    auto asking = ask(std::move(call), any_broker(), std::move(request),
                      [](const protocol::describe_acls_response& answer) { return refusal(answer.error_code, answer.error_message, "describe_acls"); });
    auto got = co_await asking;
    if (!got) co_return got.error();
    std::vector<acl> all;
    for (const auto& resource : got->resources) {
        for (const auto& each : resource.acls) {
            all.push_back({each.principal, static_cast<resource_kind>(resource.resource_type), resource.resource_name, static_cast<pattern>(resource.pattern_type),
                           static_cast<operation>(each.operation), static_cast<permission>(each.permission_type), each.host});
        }
    }
    co_return all;
}

}  // namespace weir::detail
