#include <weir/metadata/shared_map.hpp>

#include <weir/base/random.hpp>

#include <doctest/doctest.h>

#include <map>
#include <string>

using weir::metadata::shared_map;

TEST_CASE("a shared map behaves like a sorted map under random changes, and its copies never change") {
    weir::random_source random{7};
    shared_map<int, std::string> map;
    std::map<int, std::string> model;
    std::vector<std::pair<shared_map<int, std::string>, std::map<int, std::string>>> copies;
    for (int step = 0; step < 20'000; ++step) {
        const int key = static_cast<int>(random.below(700));
        switch (random.below(4)) {
            case 0: CHECK(map.erase(key) == (model.erase(key) == 1)); break;
            case 1:
                if (auto* value = map.edit(key)) *value += "x", model.at(key) += "x";
                break;
            default: map.set(key, std::to_string(step)); model[key] = std::to_string(step);
        }
        if (step % 2000 == 0) copies.emplace_back(map, model);
    }
    copies.emplace_back(map, model);
    for (const auto& [copy, expected] : copies) {
        REQUIRE(copy.size() == expected.size());
        CHECK(std::equal(copy.begin(), copy.end(), expected.begin(),
                         [](const auto& a, const auto& b) { return a.first == b.first && a.second == b.second; }));
        for (int key = 0; key < 700; ++key) {
            const auto* found = copy.find(key);
            REQUIRE((found != nullptr) == expected.contains(key));
            if (found) CHECK(*found == expected.at(key));
        }
    }
}

TEST_CASE("changing one entry of a copy leaves all other chunks shared") {
    shared_map<int, int> before;
    for (int key = 0; key < 10'000; ++key) before.set(key, key);
    CHECK(before.chunks() == (10'000 + 63) / 64);  // keys that arrive in order fill the chunks
    auto after = before;
    CHECK(after.shared_chunks(before) == before.chunks());
    *after.edit(5000) = -1;
    CHECK(after.shared_chunks(before) == before.chunks() - 1);
    CHECK(*before.find(5000) == 5000);
    CHECK(*after.find(5000) == -1);
    *after.edit(5001) = -2;  // the same chunk: copied once per round
    CHECK(after.shared_chunks(before) == before.chunks() - 1);
}

TEST_CASE("a copy ends the round: what both hold is not changed in place any more") {
    shared_map<int, int> first;
    first.set(1, 10);
    const auto second = first;
    first.set(1, 11);
    CHECK(*second.find(1) == 10);
    first.set(2, 20);
    CHECK(second.size() == 1);
    CHECK_FALSE(second == first);
}

TEST_CASE("lower_bound finds the first key that is not smaller, across chunks") {
    shared_map<int, int> map;
    for (int key = 0; key < 1000; key += 2) map.set(key, key);
    CHECK(map.lower_bound(127)->first == 128);
    CHECK(map.lower_bound(128)->first == 128);
    CHECK(map.lower_bound(-5)->first == 0);
    CHECK(map.lower_bound(999) == map.end());
    CHECK(map.find(127) == nullptr);
}
