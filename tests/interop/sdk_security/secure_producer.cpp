// Sends records under the TLS and SASL settings given, one line per record, and says how it went.
//
//   weir_secure_producer BOOTSTRAP TOPIC FIRST COUNT [name=value ...]
//
// Prints "sent COUNT" and the milliseconds it took, or "failed" and the error. With seconds=N it goes on, one record after
// the other, until that much time has passed.
#include <weir/producer.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>

using namespace weir;

namespace {

sasl_mechanism mechanism_of(const std::string& name) {
    for (const auto each : {sasl_mechanism::plain, sasl_mechanism::scram_sha_256, sasl_mechanism::scram_sha_512, sasl_mechanism::oauth_bearer}) {
        if (to_string(each) == name) return each;
    }
    return sasl_mechanism::none;
}

client_config config_of(std::map<std::string, std::string>& given) {
    client_config config;
    config.tls.enabled = given.contains("ca");
    if (given["ca"] != "system") config.tls.ca_file = given["ca"];
    config.tls.certificate_file = given["certificate"];
    config.tls.key_file = given["key"];
    config.tls.key_password = given["key_password"];
    config.tls.verify_host = given["verify_host"] != "no";
    config.sasl.mechanism = mechanism_of(given["mechanism"]);
    config.sasl.user = given["user"];
    config.sasl.password = given["password"];
    config.sasl.delegation_token = given["delegation_token"] == "yes";
    auto& oauth = config.sasl.oauth;
    oauth.token = given["token"];
    oauth.token_endpoint = given["token_endpoint"];
    oauth.client_id = given["client_id"];
    oauth.client_secret = given["client_secret"];
    oauth.scope = given["scope"];
    oauth.endpoint_tls.ca_file = given["endpoint_ca"];
    if (given.contains("fetched_token")) {
        oauth.fetch = [token = given["fetched_token"]](auto answer) { answer(oauth_token{token, no_timestamp}); };
    }
    return config;
}

}  // namespace

int main(int count, char** words) {
    if (count < 5) return 2;
    const std::string bootstrap = words[1], topic = words[2];
    const auto first = std::atoll(words[3]), most = std::atoll(words[4]);
    std::map<std::string, std::string> given;
    for (int i = 5; i < count; ++i) {
        const std::string word = words[i];
        const auto equals = word.find('=');
        given[word.substr(0, equals)] = word.substr(equals + 1);
    }
    const auto began = std::chrono::steady_clock::now();
    const auto until = began + std::chrono::seconds{std::atoi(given["seconds"].c_str())};
    const auto elapsed = [&] { return static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count()); };
    try {
        producer out{client{bootstrap, config_of(given)}};
        auto sent = first;
        error failure;
        for (; !failure && sent < first + most; ++sent) {
            auto delivered = out.send(topic, "key", "record " + std::to_string(sent));
            if (sent == first) failure = delivered.get().error();
        }
        while (!failure && std::chrono::steady_clock::now() < until) failure = out.send(topic, "key", "record " + std::to_string(sent++)).get().error();
        if (!failure) failure = out.flush().get().error();
        if (failure) {
            std::printf("failed in %lld ms: %s\n", elapsed(), failure.message().c_str());
            return 1;
        }
        std::printf("sent %lld in %lld ms\n", static_cast<long long>(sent - first), elapsed());
    } catch (const exception& refused) {
        std::printf("failed in %lld ms: %s\n", elapsed(), refused.what());
        return 1;
    }
    return 0;
}
