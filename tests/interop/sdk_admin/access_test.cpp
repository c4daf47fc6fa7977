// ACLs, quotas, credentials, tokens; the cluster itself.
#include "suite.hpp"

#include <map>

using namespace weir;
using namespace weir::suite;

TEST_CASE("ACLs are created, found by filters and deleted") {
    const auto user = "User:" + fresh("web");
    const acl reads{.principal = user, .name = "page-", .pattern = pattern::prefixed, .operation = operation::read};
    const acl denied{.principal = user, .on = resource_kind::group, .name = "secret", .operation = operation::describe, .permission = permission::deny, .host = "10.0.0.1"};
    succeed(ops().create_acls({reads, denied}));
    REQUIRE(eventually([&] { return get(ops().describe_acls({.principal = user})).size() == 2; }));
    CHECK(get(ops().describe_acls({.principal = user, .on = resource_kind::group})) == std::vector{denied});
    CHECK(get(ops().describe_acls({.principal = user, .on = resource_kind::topic, .name = "page-views", .pattern = pattern::match})) == std::vector{reads});
    CHECK(code_of(ops().create_acls({{.principal = "nobody in particular", .name = "x", .operation = operation::read}})) != errc::none);
    auto gone = one(ops().delete_acls({{.principal = user}}));
    CHECK(gone.size() == 2);
    CHECK(eventually([&] { return get(ops().describe_acls({.principal = user})).empty(); }));
}

TEST_CASE("quotas are set, found and removed") {
    const auto user = fresh("user"), id = fresh("client");
    const quota_entity both{{"user", user}, {"client-id", id}};
    const quota_entity defaults{{"ip", std::nullopt}};
    succeed(ops().alter_client_quotas({{both, {{"producer_byte_rate", 1024.0}, {"request_percentage", 50.0}}}}));
    quota_filter matching;
    matching.components.push_back({"user", quota_filter::component::match::exact, user});
    auto found = get(ops().describe_client_quotas(matching));
    REQUIRE(eventually([&] {
        found = get(ops().describe_client_quotas(matching));
        return !found.empty();
    }));
    REQUIRE(found.size() == 1);
    CHECK(found[0].entity == both);
    CHECK(found[0].values.at("producer_byte_rate") == 1024);
    matching.strict = true;
    CHECK(get(ops().describe_client_quotas(matching)).empty());
    matching.strict = false;
    succeed(ops().alter_client_quotas({{both, {{"producer_byte_rate", std::nullopt}, {"request_percentage", std::nullopt}}}}));
    CHECK(eventually([&] { return get(ops().describe_client_quotas(matching)).empty(); }));
    succeed(ops().alter_client_quotas({{defaults, {{"connection_creation_rate", 10.0}}}}, true));
    CHECK(code_of(ops().alter_client_quotas({{both, {{"no_such_rate", 1.0}}}})) == errc::invalid_request);
}

TEST_CASE("SCRAM credentials are set, described and deleted") {
    const auto user = fresh("alice"), nobody = fresh("nobody");
    succeed(ops().alter_user_scram_credentials({{user, scram_mechanism::sha_256, "secret", 8192}, {fresh("bob"), scram_mechanism::sha_512, "secret"}}));
    succeed(ops().alter_user_scram_credentials({{user, scram_mechanism::sha_512, "secret"}}));
    // Each question goes to any broker: one that has not heard of it yet, too, after one that has.
    std::map<scram_mechanism, int> iterations;
    CHECK(eventually([&] {
        iterations.clear();
        const auto told = get(ops().describe_user_scram_credentials({user}));
        if (told.front().outcome) for (const auto& each : *told.front().outcome) iterations[each.mechanism] = each.iterations;
        return iterations.size() == 2;
    }));
    CHECK(iterations == std::map<scram_mechanism, int>{{scram_mechanism::sha_256, 8192}, {scram_mechanism::sha_512, 4096}});
    CHECK(code_of(ops().describe_user_scram_credentials({nobody})) == errc::resource_not_found);
    CHECK(eventually([&] { return static_cast<bool>(get(ops().describe_user_scram_credentials()).find(user)); }));
    succeed(ops().alter_user_scram_credentials({{user, scram_mechanism::sha_256}}));
    CHECK(eventually([&] { return one(ops().describe_user_scram_credentials({user})).size() == 1; }));
    CHECK(ops().alter_user_scram_credentials({{user, scram_mechanism::sha_256, "secret", 5}}).get().code() == errc::unacceptable_credential);
}

TEST_CASE("delegation tokens need a client that has said who it is") {
    const auto made = ops().create_delegation_token({}).get();
    if (made.code() == errc::unsupported_version) return leave_out(made.error());
    CHECK(made.code() == errc::delegation_token_request_not_allowed);
    CHECK(ops().describe_delegation_token({{"User", "alice"}}).get().code() == errc::delegation_token_request_not_allowed);
    CHECK(ops().renew_delegation_token(bytes(8)).get().code() == errc::delegation_token_request_not_allowed);
    CHECK(ops().expire_delegation_token(bytes(8)).get().code() == errc::delegation_token_request_not_allowed);
}

TEST_CASE("the cluster and its features are described") {
    const auto cluster = get(ops().describe_cluster({.authorized_operations = true}));
    CHECK_FALSE(cluster.id.empty());
    CHECK(std::any_of(cluster.nodes.begin(), cluster.nodes.end(), [&](const node& each) { return each.id == cluster.controller && each.port > 0; }));
    const auto features = get(ops().describe_features());
    CHECK(features.finalized.at("metadata.version").max > 0);
    CHECK(features.supported.at("metadata.version").max >= features.finalized.at("metadata.version").max);
    CHECK(get(ops().describe_features(brokers().back())).supported.size() == features.supported.size());
    CHECK_FALSE(ops().update_features({{"no.such.feature", 1}}, {.validate_only = true}).get().value_or(outcomes<>{{{"x", error{errc::invalid_request}}}}));
    if (!on_apache()) return;
    CHECK(cluster.operations);
    CHECK(get(ops().describe_cluster({.fenced_brokers = true})).nodes.size() == cluster.nodes.size());
    const auto unknown = ops().unregister_broker(9999).get();
    CHECK(unknown.code() == errc::broker_id_not_registered);
}

TEST_CASE("the quorum is described, and keeps its voters") {
    const auto quorum = get(ops().describe_metadata_quorum());
    CHECK(quorum.leader >= 0);
    CHECK(quorum.high_watermark > 0);
    CHECK(quorum.voters.size() + quorum.observers.size() >= brokers().size());
    const auto leader = std::find_if(quorum.voters.begin(), quorum.voters.end(), [&](const auto& each) { return each.id == quorum.leader; });
    REQUIRE(leader != quorum.voters.end());
    CHECK(leader->log_end_offset >= quorum.high_watermark);
    if (!on_apache()) return;
    CHECK(quorum.nodes.at(quorum.leader).front().port > 0);
    // A quorum with fixed voters (KRaft version 0) refuses both.
    const auto added = ops().within(10s).add_raft_voter(9999, uuid{1, 2}, {{"CONTROLLER", "localhost", 1}}).get();
    CHECK(added.code() == errc::unsupported_version);
    CHECK(ops().within(10s).remove_raft_voter(9999, uuid{1, 2}).get().code() == errc::unsupported_version);
}

TEST_CASE("telemetry has a name for this client, and always the same") {
    const auto asked = ops().client_instance_id().get();
    // Brokers without a receiver for metrics do not offer this, Apache's neither.
    if (asked.code() == errc::unsupported_version) return;
    REQUIRE(asked);
    const auto id = *asked;
    CHECK_FALSE(id.is_zero());
    CHECK(get(ops().client_instance_id()) == id);
}
