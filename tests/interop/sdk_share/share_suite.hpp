// What the checks of share groups share.
#pragma once
#include "suite.hpp"

#include <weir/share_consumer.hpp>

#include <mutex>
#include <thread>

namespace weir::suite {

using worker = share_consumer<std::string, std::string>;
using job = leased<std::string, std::string>;

/// A topic with records "key-i" to "value-i", and a group that begins before them.
struct queue {
    explicit queue(std::string_view what, int partitions = 1, int records = 0, std::chrono::milliseconds lock = 30s);
    /// What became of verdicts is noted below.
    worker join(share_consumer_config config = share_consumer_config{}) const;
    /// Until as many records came, or `patience` ends.
    static std::vector<job> take(worker& from, std::size_t count, std::chrono::milliseconds patience = 60s);
    /// Nothing is lent to a new member, for a while: all is done with.
    bool exhausted(std::chrono::milliseconds patience = 3s) const;
    /// Values of what a new member gets and accepts, until nothing comes any more.
    std::multiset<std::string> rest() const;

    std::string group;  ///< set up before the topic is made: who leads a partition of it knows how the group begins
    topic<std::string, std::string> from;
    struct outcomes {
        std::mutex mutex;
        std::vector<acknowledged> all;
        /// Offsets of partition 0 about which such a verdict counted.
        std::set<std::int64_t> good(acknowledgement what);
    };
    std::shared_ptr<outcomes> told = std::make_shared<outcomes>();
};

std::multiset<std::string> values(const std::vector<job>& of);
std::multiset<std::string> values_between(int first, int end);

}  // namespace weir::suite
