// weir delegation-tokens: short-lived passwords on somebody's behalf (KIP-48).
#include "common_options.hpp"
#include "connect.hpp"
#include "output.hpp"
#include "perf/stopwatch.hpp"

#include <weir/admin.hpp>
#include <weir/base/base64.hpp>

#include <fmt/format.h>

#include <limits>

namespace weir::tools {
namespace delegation_tokens_tool {
namespace {

constexpr option options[] = {
    bootstrap_server.required(),
    value("command-config", "file", "A properties file with settings of the client; tokens need one that logs in.").required(),
    flag("create", "Create a token."),
    flag("describe", "Describe tokens."),
    flag("renew", "Let a token live on."),
    flag("expire", "End a token."),
    maybe_value("owner-principal", "kind:name", "With --create: whose token it is. With --describe: of whom.").repeatable(),
    maybe_value("renewer-principal", "kind:name", "With --create: who else may renew it.").repeatable(),
    maybe_value("max-life-time-period", "ms", "With --create: how long it can live; -1 for the most there can be."),
    maybe_value("renew-time-period", "ms", "With --renew: for how long; -1 for what the broker gives."),
    maybe_value("expiry-time-period", "ms", "With --expire: in how long; -1 for at once."),
    maybe_value("hmac", "base64", "The token, as it was told when it was created."),
    output_format,
};

std::vector<principal> principals(const arguments& args, const char* option) {
    std::vector<principal> all;
    for (const auto& each : args.all(option)) {
        auto parsed = parse_principal(each);
        if (!parsed) throw usage_error{std::string{parsed.error().what()}};
        all.push_back(*std::move(parsed));
    }
    return all;
}
std::string joined(const std::vector<principal>& all) {
    std::string text;
    for (const auto& each : all) text += (text.empty() ? "" : ", ") + to_string(each);
    return "[" + text + "]";
}
std::string minute(timestamp time) { return format_time(time.time_since_epoch().count(), "yyyy-MM-dd'T'HH:mm"); }

void print(const std::vector<delegation_token>& tokens, output& out) {
    if (out.json()) {
        table all{{{"", "tokenId"}, {"", "hmac"}, {"", "owner"}, {"", "requester"}, {"", "renewers"}, {"", "issueTimestamp", true}, {"", "expiryTimestamp", true}, {"", "maxTimestamp", true}}};
        const auto ms = [](timestamp time) { return std::to_string(time.time_since_epoch().count()); };
        for (const auto& each : tokens) all.row({each.id, to_base64(each.hmac), to_string(each.owner), to_string(each.requester), joined(each.renewers), ms(each.issued), ms(each.expires), ms(each.latest)});
        all.print(out);
        return;
    }
    out.line(fmt::format("\n{:<15} {:<30} {:<15} {:<15} {:<25} {:<15} {:<15} {:<15}", "TOKENID", "HMAC", "OWNER", "REQUESTER", "RENEWERS", "ISSUEDATE", "EXPIRYDATE", "MAXDATE"));
    for (const auto& each : tokens)
        out.line(fmt::format("\n{:<15} {:<30} {:<15} {:<15} {:<25} {:<15} {:<15} {:<15}", each.id, to_base64(each.hmac), to_string(each.owner), to_string(each.requester), joined(each.renewers), minute(each.issued),
                             minute(each.expires), minute(each.latest)));
}

std::optional<duration> period(const arguments& args, const char* option) {
    const auto given = args.number_or(option, -1, -1, std::numeric_limits<std::int64_t>::max());
    return given < 0 ? std::nullopt : std::optional{duration{given}};
}

int run(const invocation& call) {
    const auto& args = call.args;
    const auto action = args.exactly_one({"create", "renew", "expire", "describe"});
    const auto needs = [&](const char* option) {
        if (args.text(option).empty()) throw usage_error{fmt::format("Missing required argument \"[{}]\"", option)};
    };
    if (action == "create") needs("max-life-time-period");
    if (action == "renew" || action == "expire") needs("hmac");
    if (action == "renew") needs("renew-time-period");
    if (action == "expire") needs("expiry-time-period");
    const admin at{connect(args, "delegation-tokens")};
    if (action == "create") {
        create_token_options wanted;
        wanted.renewers = principals(args, "renewer-principal");
        if (const auto owners = principals(args, "owner-principal"); !owners.empty()) wanted.owner = owners.front();
        wanted.max_lifetime = period(args, "max-life-time-period");
        if (!call.out.json()) call.out.line(fmt::format("Calling create token operation with renewers :{} , max-life-time-period :{}", joined(wanted.renewers), wanted.max_lifetime ? wanted.max_lifetime->count() : -1));
        const auto made = *at.create_delegation_token(wanted).get();
        if (!call.out.json()) call.out.line(fmt::format("Created delegation token with tokenId : {}", made.id));
        print({made}, call.out);
        return 0;
    }
    if (action == "describe") {
        const auto owners = principals(args, "owner-principal");
        if (!call.out.json()) call.out.line(owners.empty() ? "Calling describe token operation for current user." : fmt::format("Calling describe token operation for owners: {}", joined(owners)));
        const auto tokens = *at.describe_delegation_token(owners).get();
        if (!call.out.json()) call.out.print(fmt::format("Total number of tokens : {}", tokens.size()));
        print(tokens, call.out);
        return 0;
    }
    const auto given = from_base64(args.text("hmac"));
    if (!given) throw usage_error{"--hmac is no base64"};
    const auto& hmac = *given;
    if (action == "renew") {
        const auto longer = period(args, "renew-time-period");
        call.out.line(fmt::format("Calling renew token operation with hmac :{} , renew-time-period :{}", args.text("hmac"), longer ? longer->count() : -1));
        call.out.print(fmt::format("Completed renew operation. New expiry date : {}", minute(*at.renew_delegation_token(hmac, longer).get())));
        return 0;
    }
    const auto after = period(args, "expiry-time-period");
    call.out.line(fmt::format("Calling expire token operation with hmac :{} , expire-time-period :{}", args.text("hmac"), after ? after->count() : -1));
    call.out.print(fmt::format("Completed expire operation. New expiry date : {}", minute(*at.expire_delegation_token(hmac, after).get())));
    return 0;
}

}  // namespace
}  // namespace delegation_tokens_tool

extern const tool delegation_tokens;
constinit const tool delegation_tokens{"delegation-tokens", "Create, show, renew and end delegation tokens.", delegation_tokens_tool::options, {}, {}, {"Error while executing delegation token command : ", true}, delegation_tokens_tool::run};

}  // namespace weir::tools
