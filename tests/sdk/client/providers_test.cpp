// References in properties files, and what becomes of them (KIP-297, KIP-421).
#include "config/providers.hpp"

#include <weir/base/sim/memory_files.hpp>

#include <doctest/doctest.h>

#include <map>

using namespace weir;
using namespace weir::detail;

namespace {

std::string filled(std::string_view text) {
    find_value find = [](const reference& which) -> result<std::optional<std::string>> {
        if (which.provider == "none") return std::optional<std::string>{};
        return std::optional{"<" + std::string{which.path} + "|" + std::string{which.key} + ">"};
    };
    const auto made = fill_references(text, find);
    REQUIRE(made);
    return *made;
}

struct providers_fixture {
    providers_fixture() {
        put("/run/secrets/web.properties", "password=se\\u0063ret\nuser=web\n");
        put("/run/secrets/keys/store", "from a folder\n");
        put("/etc/other.properties", "password=other\n");
    }
    void put(const std::string& path, std::string_view text) {
        REQUIRE(disk.create_directories(path.substr(0, path.rfind('/'))));
        REQUIRE(replace_file(disk, path, as_bytes(text)));
    }
    /// With a provider of each kind.
    result<properties> load(properties extra) {
        properties given{{"config.providers", "file, dir,env", "web:1"},
                         {"config.providers.file.class", "org.apache.kafka.common.config.provider.FileConfigProvider"},
                         {"config.providers.dir.class", "org.apache.kafka.common.config.provider.DirectoryConfigProvider"},
                         {"config.providers.env.class", "EnvVarConfigProvider"}};
        for (const auto& each : extra) given.set(each.name, each.value, each.where);
        return fill(given);
    }
    result<properties> fill(const properties& given) {
        environment_variables variables = [this](const std::string& name) {
            const auto at = environment.find(name);
            return at == environment.end() ? std::nullopt : std::optional{at->second};
        };
        return fill_from_providers(given, disk, variables);
    }
    std::string value(const std::string& text) {
        const auto made = load({{"x", text}});
        REQUIRE_MESSAGE(made, made.error().message());
        return made->find("x")->value;
    }
    std::string refusal(properties extra) {
        const auto made = load(std::move(extra));
        REQUIRE_FALSE(made);
        CHECK(made.error().code() == errc::invalid_setting);
        return std::string{made.error().what()};
    }

    sim::memory_files disk;
    std::map<std::string, std::string> environment{{"BROKERS", "a:1,b:2"}, {"HOME", "/home"}};
};

}  // namespace

TEST_CASE("references are found anywhere in a text, and all else is left as it is") {
    CHECK(filled("${file:/a/b:key}") == "</a/b|key>");
    CHECK(filled("${env:KEY}") == "<|KEY>");
    CHECK(filled("a ${f:p:k} b ${f:k}c") == "a <p|k> b <|k>c");
    CHECK(filled("${f:p:k:l}") == "<p|k:l>");
    CHECK(filled("${f::k}") == "<|k>");
    CHECK(filled("${none:p:k}${f:k}") == "${none:p:k}<|k>");
    for (const auto* plain : {"", "$", "${", "${}", "${a}", "$a:b}", "a } b", "${a:b", "%{a:b}"}) CHECK(filled(plain) == plain);
}

TEST_CASE_FIXTURE(providers_fixture, "values come from files, folders and the environment, and providers leave no names behind") {
    CHECK(value("${file:/run/secrets/web.properties:password}") == "secret");
    CHECK(value("username=\"${file:/run/secrets/web.properties:user}\" password=\"${file:/run/secrets/web.properties:password}\";") == "username=\"web\" password=\"secret\";");
    CHECK(value("${dir:/run/secrets/keys:store}") == "from a folder\n");
    CHECK(value("${env:BROKERS}") == "a:1,b:2");
    CHECK(value("${nobody:knows:this}") == "${nobody:knows:this}");
    const auto made = load({{"bootstrap.servers", "${env:BROKERS}", "web:7"}});
    REQUIRE(made);
    CHECK(made->size() == 1);
    CHECK(made->find("bootstrap.servers")->where == "web:7");
}

TEST_CASE_FIXTURE(providers_fixture, "without providers nothing is a reference") {
    const auto made = fill({{"x", "${file:/run/secrets/web.properties:password}"}});
    REQUIRE(made);
    CHECK(made->find("x")->value == "${file:/run/secrets/web.properties:password}");
}

TEST_CASE_FIXTURE(providers_fixture, "what is not there is told with the entry that asks for it, never the secret") {
    CHECK(refusal({{"x", "${file:/run/secrets/web.properties:pass}", "web:9"}}) == "web:9: x: ${file:/run/secrets/web.properties:pass}: /run/secrets/web.properties has no pass");
    CHECK(refusal({{"x", "${file:/nowhere:pass}"}}).starts_with("x: ${file:/nowhere:pass}: /nowhere"));
    CHECK(refusal({{"x", "${file:pass}"}}) == "x: ${file:pass} names no path: ${file:path:key}");
    CHECK(refusal({{"x", "${dir:/run/secrets/keys:gone}"}}).starts_with("x: ${dir:/run/secrets/keys:gone}: /run/secrets/keys/gone"));
    CHECK(refusal({{"x", "${dir:/run/secrets/keys:../web.properties}"}}) == "x: ${dir:/run/secrets/keys:../web.properties}: a key is the name of a file in /run/secrets/keys");
    CHECK(refusal({{"x", "${env:NOTHING}"}}) == "x: ${env:NOTHING}: there is no environment variable NOTHING");
    CHECK(refusal({{"x", "${env:a:HOME}"}}) == "x: ${env:a:HOME}: an environment variable has no path: ${env:HOME}");
}

TEST_CASE_FIXTURE(providers_fixture, "what may be read can be bounded") {
    const properties::entry paths{"config.providers.file.param.allowed.paths", "/run/secrets/, /srv", {}};
    CHECK(load({paths, {"x", "${file:/run/secrets/web.properties:user}"}}));
    CHECK(refusal({paths, {"x", "${file:/etc/other.properties:password}"}}) == "x: ${file:/etc/other.properties:password} is outside of config.providers.file.param.allowed.paths");
    CHECK(refusal({paths, {"x", "${file:/run/secrets/../../etc/other.properties:password}"}}).ends_with("is outside of config.providers.file.param.allowed.paths"));
    put("/run/secrets-too/web.properties", "user=other\n");
    CHECK(refusal({paths, {"x", "${file:/run/secrets-too/web.properties:user}"}}).ends_with("is outside of config.providers.file.param.allowed.paths"));
    const properties::entry names{"config.providers.env.param.allowlist.pattern", "BRO.*", {}};
    CHECK(load({names, {"x", "${env:BROKERS}"}}));
    CHECK(refusal({names, {"x", "${env:HOME}"}}) == "x: ${env:HOME} does not match config.providers.env.param.allowlist.pattern");
}

TEST_CASE_FIXTURE(providers_fixture, "providers that cannot be are refused") {
    CHECK(refusal({{"config.providers", "file,vault", "web:1"}}) == "web:1: config.providers=file,vault: config.providers.vault.class is missing");
    CHECK(refusal({{"config.providers.env.class", "com.example.Vault"}}).find("config.providers.env.class=com.example.Vault: allowed are FileConfigProvider") != std::string::npos);
    CHECK(refusal({{"config.providers", "file,dir"}}).find("config.providers.env.class: config.providers does not name 'env'") != std::string::npos);
    CHECK(refusal({{"config.providers.env.param.allowed.paths", "/"}}).find("config.providers.env.param.allowed.paths: the provider has no such setting") != std::string::npos);
    CHECK(refusal({{"config.providers.env.param.allowlist.pattern", "("}}).find("config.providers.env.param.allowlist.pattern=(: ") != std::string::npos);
}
