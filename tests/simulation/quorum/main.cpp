// weir_quorum_simulation --seeds N --first S     N quorums, each from its own seed; exit code 1 at the first violation
//                        --seed S --trace        one of them, told event by event
//                        --break NAME            with a fault that must be noticed (exit code 0 when it was)
#include "world.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace weir::simulation;

int main(int argc, char** argv) {
    std::uint64_t seeds = 100;
    settings chosen;
    for (int at = 1; at < argc; ++at) {
        const std::string flag = argv[at];
        const char* value = at + 1 < argc ? argv[at + 1] : "";
        if (flag == "--trace") {
            chosen.trace = true;
            continue;
        }
        ++at;
        if (flag == "--seeds") seeds = std::strtoull(value, nullptr, 10);
        else if (flag == "--first") chosen.seed = std::strtoull(value, nullptr, 10);
        else if (flag == "--seed") chosen.seed = std::strtoull(value, nullptr, 10), seeds = 1;
        else if (flag == "--break" && std::strcmp(value, "ack-before-flush") == 0) chosen.fault = broken::ack_before_flush;
        else if (flag == "--break" && std::strcmp(value, "forget-votes") == 0) chosen.fault = broken::forget_votes;
        else if (flag == "--break" && std::strcmp(value, "forget-truncation") == 0) chosen.fault = broken::forget_truncation;
        else {
            std::fprintf(stderr, "%s %s: --seeds N, --first S, --seed S, --trace, --break ack-before-flush | forget-votes | "
                                 "forget-truncation\n", flag.c_str(), value);
            return 2;
        }
    }
    totals sum;
    for (const auto last = chosen.seed + seeds; chosen.seed < last; ++chosen.seed) {
        try {
            const auto one = world{chosen}.run();
            sum.events += one.events;
            sum.proposals += one.proposals;
            sum.acknowledged += one.acknowledged;
            sum.committed += one.committed;
            sum.elections += one.elections;
            sum.crashes += one.crashes;
            sum.snapshots += one.snapshots;
            sum.installs += one.installs;
            sum.voter_changes += one.voter_changes;
        } catch (const violation& found) {
            if (chosen.fault != broken::nothing) {
                std::printf("noticed: %s\n", found.what());
                return 0;
            }
            std::printf("VIOLATION %s\n  replay: weir_quorum_simulation --seed %llu --trace\n", found.what(),
                        static_cast<unsigned long long>(chosen.seed));
            return 1;
        }
    }
    std::printf("%llu seeds: %llu events, %llu elections, %llu proposals, %llu acknowledged, %llu committed, %llu crashes, "
                "%llu snapshots, %llu copied, %llu voter changes\n",
                static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(sum.events),
                static_cast<unsigned long long>(sum.elections), static_cast<unsigned long long>(sum.proposals),
                static_cast<unsigned long long>(sum.acknowledged), static_cast<unsigned long long>(sum.committed),
                static_cast<unsigned long long>(sum.crashes), static_cast<unsigned long long>(sum.snapshots),
                static_cast<unsigned long long>(sum.installs), static_cast<unsigned long long>(sum.voter_changes));
    if (chosen.fault != broken::nothing) {
        std::printf("the fault went unnoticed\n");
        return 1;
    }
    return 0;
}
