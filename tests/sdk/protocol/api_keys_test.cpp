#include <weir/protocol/api_keys.hpp>
#include <weir/protocol/messages/fetch.hpp>

#include <doctest/doctest.h>

#include <algorithm>

using namespace weir;
using namespace weir::protocol;

TEST_CASE("the table has every key once, and says nothing of keys that do not exist") {
    CHECK(all_apis().size() == 93);
    CHECK(find_api(-1) == nullptr);
    CHECK(find_api(93) == nullptr);
    REQUIRE(find_api(1) != nullptr);
    CHECK(find_api(1)->name == "Fetch");
    CHECK(find_api(1)->max_version == fetch_request::max_version);
    CHECK(find_api(92)->key == api_key::delete_share_group_offsets);
}

TEST_CASE("a removed API has no version") {
    const auto& removed = info(api_key::leader_and_isr);
    CHECK_FALSE(removed.exists());
    for (std::int16_t version = 0; version < 10; ++version) CHECK_FALSE(removed.has_version(version));
}

TEST_CASE("as many APIs are served by brokers and by controllers as Kafka's do") {
    const auto served = [](bool api_info::* role) {
        return std::ranges::count_if(all_apis(), [role](const api_info& api) { return api.exists() && api.*role; });
    };
    CHECK(served(&api_info::on_broker) == 77);
    CHECK(served(&api_info::on_controller) == 41);
}

TEST_CASE("headers follow flexibility, except for the answer to ApiVersions") {
    CHECK(info(api_key::produce).headers(8) == header_versions{1, 0});
    CHECK(info(api_key::produce).headers(9) == header_versions{2, 1});
    CHECK(info(api_key::sasl_handshake).headers(1) == header_versions{1, 0});
    CHECK(info(api_key::api_versions).headers(2) == header_versions{1, 0});
    CHECK(info(api_key::api_versions).headers(3) == header_versions{2, 0});
    CHECK(info(api_key::api_versions).headers(4) == header_versions{2, 0});
}

TEST_CASE("an unstable latest version is offered only when unstable versions are enabled") {
    CHECK(info(api_key::init_producer_id).latest(false) == 5);
    CHECK(info(api_key::init_producer_id).latest(true) == 6);
    CHECK(info(api_key::fetch).latest(false) == 18);
}

TEST_CASE("the table knows who may send a request and who passes it on") {
    CHECK(info(api_key::create_topics).forwarded);
    CHECK_FALSE(info(api_key::create_topics).cluster_action);
    CHECK(info(api_key::vote).cluster_action);
    CHECK(info(api_key::describe_quorum).cluster_action);
    CHECK(info(api_key::describe_quorum).forwarded);
    CHECK_FALSE(info(api_key::produce).forwarded);
}
