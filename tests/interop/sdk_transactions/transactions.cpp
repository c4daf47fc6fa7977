// One situation of a transactional producer per call, for the suite beside this file to read back with other clients.
//   weir_sdk_transactions BOOTSTRAP COMMAND [ARGUMENTS...]
// Prints what it was told, one line each; 0 when all went as the command says.
#include <weir/producer.hpp>

#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <stdexcept>

using namespace weir;
using namespace std::chrono_literals;

namespace {

using arguments = std::vector<std::string>;
const topic<std::string, std::string> out{"out"}, other{"other"};

producer_config with_id(const std::string& id) {
    producer_config config;
    config.transactional_id = id;
    return config;
}

void expect(bool holds, const std::string& what) {
    if (!holds) throw std::runtime_error{what};
}

void expect_code(const error& why, errc code) {
    std::cout << why << '\n';
    expect(why.code() == code, "expected " + std::string{describe(code).name});
}

void send_round(transaction& open, int round, int count) {
    for (int i = 0; i < count; ++i) {
        const auto text = std::to_string(round) + ":" + std::to_string(i);
        open.send(out, "k" + std::to_string(i), text);
        if (i % 10 == 0) open.send(other, "k", text);
    }
}

/// ROUNDS transactions of COUNT records; every third is aborted, every fifth is left by an exception.
void rounds(client& kafka, const arguments& given) {
    producer records{kafka, with_id(given.at(0))};
    const int total = std::stoi(given.at(1)), count = std::stoi(given.at(2));
    int committed = 0;
    for (int round = 0; round < total; ++round) {
        if (round % 3 == 1) {
            auto open = *records.begin().get();
            send_round(open, round, count);
            *open.send(out, "k", std::to_string(round) + ": of no account").get();  // it is there, and yet nobody reads it
            *open.abort().get();
            continue;
        }
        try {
            *records.transact([&](transaction& open) {
                send_round(open, round, count);
                if (round % 5 == 4) throw std::out_of_range{"this round does not count"};
            });
            std::cout << "committed " << round << '\n';
            ++committed;
        } catch (const std::out_of_range&) {
            continue;  // aborted, as it should be
        }
    }
    expect(committed > 0, "nothing was committed");
}

/// A record that the broker refuses fails the commit; the producer goes on.
void refused(client& kafka, const arguments& given) {
    producer records{kafka, with_id(given.at(0))};
    auto open = *records.begin().get();
    const auto good = open.send(out, "k", "before the refused one");
    const auto bad = open.send(topic<std::string, std::string>{"small"}, "k", std::string(5000, 'x'));
    auto lost = bad;
    expect_code(lost.get().error(), errc::message_too_large);
    expect_code(open.send(out, "k", "after it").get().error(), errc::transaction_aborted);
    expect_code(open.commit().get().error(), errc::transaction_aborted);
    *records.transact([](transaction& next) { next.send(out, "k", "in the next transaction"); });
}

/// A second producer with the same id takes over: the first is fenced, whatever it does, and its open transaction is aborted.
void fenced(client& kafka, const arguments& given) {
    producer first{kafka, with_id(given.at(0))};
    *first.transact([](transaction& open) { open.send(out, "k", "by the first"); });
    auto open = *first.begin().get();
    auto sent = open.send(out, "k", "open when the second came");
    expect(static_cast<bool>(sent.get()), "the record was not delivered");
    producer second{kafka, with_id(given.at(0))};
    *second.transact([](transaction& next) { next.send(out, "k", "by the second"); });
    const auto end = open.commit().get();
    expect(!end && end.error().fatal(), "the first is not fenced");
    expect_code(end.error(), errc::producer_fenced);
    expect_code(first.begin().get().error(), errc::producer_fenced);
    *second.transact([](transaction& next) { next.send(out, "k", "by the second, again"); });
}

/// A transaction that is open for longer than its timeout is aborted by the coordinator. With protocol V2 the producer finds
/// that out, and goes on; with V1 it looks as if another producer had taken over.
void too_long(client& kafka, const arguments& given) {
    auto config = with_id(given.at(0));
    config.transaction_timeout = 1s;
    producer records{kafka, std::move(config)};
    auto open = *records.begin().get();
    expect(static_cast<bool>(open.send(out, "k", "for too long").get()), "the record was not delivered");
    const auto patience = std::chrono::steady_clock::now() + 60s;
    while (open.send(out, "k", "still open").get()) {  // until the coordinator has looked
        expect(std::chrono::steady_clock::now() < patience, "nothing happens to it");
    }
    const auto end = open.commit().get();
    expect(!end, "a transaction that took too long was committed");
    std::cout << end.error() << '\n';
    if (end.code() != errc::transaction_aborted) return expect_code(records.begin().get().error(), errc::producer_fenced);
    *records.transact([](transaction& next) { next.send(out, "k", "in time"); });
}

/// What cannot be is said plainly.
void misuse(client& kafka, const arguments& given) {
    producer records{kafka, with_id(given.at(0))};
    expect_code(records.send(out, "k", "outside").get().error(), errc::invalid_request);
    auto open = *records.begin().get();
    expect_code(records.begin().get().error(), errc::invalid_request);
    expect_code(records.send(out, "k", "beside").get().error(), errc::invalid_request);
    *open.commit().get();
    expect_code(open.send(out, "k", "after").get().error(), errc::invalid_request);
    expect_code(open.commit().get().error(), errc::invalid_request);
    *records.close().get();
    expect_code(records.begin().get().error(), errc::closed);
    producer plain{kafka};
    expect_code(plain.begin().get().error(), errc::invalid_setting);
    auto late = with_id(given.at(0) + "-late");
    late.transaction_timeout = 3'600'000ms;
    producer greedy{kafka, std::move(late)};
    expect_code(greedy.begin().get().error(), errc::invalid_setting);
}

/// Positions of a group committed with records, and not when aborted.
void offsets(client& kafka, const arguments& given) {
    producer records{kafka, with_id(given.at(0))};
    const group_metadata group{.group_id = given.at(1)};
    auto open = *records.begin().get();
    open.send(out, "k", "with offsets");
    *open.add_offsets(group, {{.where = {"out", 0}, .offset = 11}, {.where = {"other", 0}, .offset = 5, .metadata = "m"}}).get();
    *open.commit().get();
    auto aborted = *records.begin().get();
    aborted.send(out, "k", "aborted with offsets");
    *aborted.add_offsets(group, {{.where = {"out", 0}, .offset = 99}}).get();
    *aborted.abort().get();
    auto refused = *records.begin().get();
    const group_metadata stranger{.group_id = given.at(1), .member_id = "nobody", .generation = 3};
    const auto told = refused.add_offsets(stranger, {{.where = {"out", 0}, .offset = 77}}).get();
    expect(!told, "a member that does not exist committed");
    std::cout << told.error() << '\n';
    expect_code(refused.commit().get().error(), errc::transaction_aborted);
}

/// COUNT transactions of one record each, while the broker is restarted; a line for each that is committed.
void steady(client& kafka, const arguments& given) {
    producer records{kafka, with_id(given.at(0))};
    const int total = std::stoi(given.at(1));
    for (int round = 0; round < total;) {
        const auto end = records.transact([&](transaction& open) { open.send(out, "k", given.at(0) + ":" + std::to_string(round)); });
        if (!end) {
            std::cout << "again: " << end.error() << std::endl;
            expect(!end.error().fatal(), "fatal");
            continue;
        }
        std::cout << "committed " << round << std::endl;
        ++round;
    }
}

/// Ends in the middle of everything: open, committing, never begun.
void endings(client& kafka, const arguments& given) {
    { producer unused{kafka, with_id(given.at(0) + "-unused")}; }
    {
        producer records{kafka, with_id(given.at(0) + "-open")};
        auto open = *records.begin().get();
        open.send(out, "k", "left open");
    }
    {
        producer records{kafka, with_id(given.at(0) + "-committing")};
        auto open = *records.begin().get();
        open.send(out, "k", "committing at the end");
        (void)open.commit();
    }
    {
        auto config = with_id(given.at(0) + "-hasty");
        config.close_timeout = 0ms;
        producer records{kafka, std::move(config)};
        (void)records.begin();
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::map<std::string, std::function<void(client&, const arguments&)>> commands{
        {"rounds", rounds}, {"refused", refused}, {"fenced", fenced}, {"too_long", too_long}, {"misuse", misuse},
        {"offsets", offsets}, {"steady", steady}, {"endings", endings}};
    if (argc < 3 || !commands.contains(argv[2])) {
        std::cerr << "usage: " << argv[0] << " BOOTSTRAP COMMAND [ARGUMENTS...]\n";
        return 2;
    }
    try {
        client kafka{argv[1]};
        commands.at(argv[2])(kafka, {argv + 3, argv + argc});
    } catch (const std::exception& why) {
        std::cerr << argv[2] << ": " << why.what() << '\n';
        return 1;
    }
    return 0;
}
