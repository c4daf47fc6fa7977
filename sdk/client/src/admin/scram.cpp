// Passwords of users: DescribeUserScramCredentials 50, AlterUserScramCredentials 51 (KIP-554).
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/net/scram.hpp>
#include <weir/protocol/messages/alter_user_scram_credentials.hpp>
#include <weir/protocol/messages/describe_user_scram_credentials.hpp>

#include <fmt/format.h>

namespace weir::detail {
namespace {

constexpr std::size_t salt_bytes = 24;

/// The password itself never leaves the process.
result<bytes> salted(const scram_alteration& from, const bytes& salt) {
    const auto with = from.mechanism == scram_mechanism::sha_512 ? net::scram_hash::sha_512 : net::scram_hash::sha_256;
    auto made = net::scram_salted(with, *from.password, salt, from.iterations);
    if (made.empty()) return error{errc::unacceptable_credential, fmt::format("the password of user '{}' cannot be hashed", from.user)};
    return made;
}

struct hashed {
    bytes salt;
    bytes password;
};

struct alter_scram_plan : plan_of<protocol::alter_user_scram_credentials_request, std::string, void> {
    std::vector<std::string> users;             // each once: the broker gives one answer per user
    std::vector<scram_alteration> changes;
    std::vector<hashed> hashes;                 // of the change at the same place

    std::vector<std::string> keys() const { return users; }
    request ask(std::span<const std::size_t> which, const ask_context&) const {
        request asked;
        for (const auto i : which) {
            for (std::size_t n = 0; n < changes.size(); ++n) {
                const auto& from = changes[n];
                if (from.user != users[i]) continue;
                if (!from.password) {
                    auto& each = asked.deletions.emplace_back();
                    each.name = from.user;
                    each.mechanism = static_cast<std::int8_t>(from.mechanism);
                    continue;
                }
                auto& each = asked.upsertions.emplace_back();
                each.name = from.user;
                each.mechanism = static_cast<std::int8_t>(from.mechanism);
                each.iterations = from.iterations;
                each.salt = hashes[n].salt;
                each.salted_password = hashes[n].password;
            }
        }
        return asked;
    }
    static error read(const response& answer, std::span<const std::size_t>, answers& into) {
        for (const auto& each : answer.results) into.settle(each.user, refusal(each.error_code, each.error_message, fmt::format("user '{}'", each.user)));
        return {};
    }
};

}  // namespace

task_of_outcomes<void> alter_user_scram_credentials(call_ptr call, std::vector<scram_alteration> changes) {
    alter_scram_plan plan;
    for (const auto& each : changes) {
        if (std::find(plan.users.begin(), plan.users.end(), each.user) == plan.users.end()) plan.users.push_back(each.user);
        auto& hash = plan.hashes.emplace_back();
        if (!each.password) continue;
        // Brokers refuse this too, but a hash of few rounds should not even travel.
        if (each.iterations < 4096 || each.iterations > 16384)
            co_return error{errc::unacceptable_credential, fmt::format("user '{}': iterations={}: allowed is 4096 to 16384", each.user, each.iterations)};
        if (each.salt) hash.salt = *each.salt;
        while (hash.salt.size() < salt_bytes && !each.salt) {
            // Not from a simulation's seed: salts must be nobody's guess.
            auto random = random_source::from_system();
            const auto word = random();
            const auto* first = reinterpret_cast<const std::byte*>(&word);
            hash.salt.insert(hash.salt.end(), first, first + sizeof word);
        }
        auto password = salted(each, hash.salt);
        if (!password) co_return password.error();
        hash.password = *std::move(password);
    }
    plan.changes = std::move(changes);
    auto altering = carry_out(std::move(call), std::move(plan));
    co_return co_await altering;
}

task_of_outcomes<std::vector<scram_credential>> describe_user_scram_credentials(call_ptr call, std::vector<std::string> users) {
    protocol::describe_user_scram_credentials_request request;
    if (users.empty()) request.users.reset();
    for (auto& each : users) request.users->emplace_back().name = std::move(each);
    auto asking = ask(std::move(call), any_broker(), std::move(request), [](const protocol::describe_user_scram_credentials_response& answer) {
        return refusal(answer.error_code, answer.error_message, "describe_user_scram_credentials");
    });
    auto got = co_await asking;
    if (!got) co_return got.error();
    std::vector<outcomes<std::vector<scram_credential>>::item> items;
    for (auto& each : got->results) {
        auto why = refusal(each.error_code, each.error_message, fmt::format("user '{}'", each.user));
        std::vector<scram_credential> credentials;
        for (const auto& info : each.credential_infos) credentials.push_back({static_cast<scram_mechanism>(info.mechanism), info.iterations});
        items.push_back({std::move(each.user), failed_or(std::move(why), std::move(credentials))});
    }
    co_return outcomes<std::vector<scram_credential>>{std::move(items)};
}

}  // namespace weir::detail
