// The protocol of transactions, against scripted answers.
#include "producer/transaction_manager.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::detail;
using namespace std::chrono_literals;

namespace {

using init_request = protocol::init_producer_id_request;
using partitions_request = protocol::add_partitions_to_txn_request;
using group_request = protocol::add_offsets_to_txn_request;
using offsets_request = protocol::txn_offset_commit_request;
using end_request = protocol::end_txn_request;

struct script {
    explicit script(bool v2) { manager.offer_v2(v2); }

    /// The next request, which has to be of that kind.
    template <class Request>
    Request expect() {
        auto next = manager.next();
        REQUIRE(next);
        REQUIRE(std::holds_alternative<Request>(*next));
        return std::get<Request>(*next);
    }
    void expect_nothing() { CHECK_FALSE(manager.next()); }
    then init(std::int64_t id, std::int16_t epoch, errc code = errc::none) {
        protocol::init_producer_id_response answer;
        answer.error_code = static_cast<std::int16_t>(code);
        answer.producer_id = id;
        answer.producer_epoch = epoch;
        return manager.answered(answer);
    }
    then partition(const topic_partition& where, errc code = errc::none) {
        protocol::add_partitions_to_txn_response answer;
        auto& found = answer.results_by_topic_v3_and_below.emplace_back();
        found.name = where.topic;
        auto& part = found.results_by_partition.emplace_back();
        part.partition_index = where.partition;
        part.partition_error_code = static_cast<std::int16_t>(code);
        return manager.answered(answer);
    }
    then group(errc code = errc::none) {
        protocol::add_offsets_to_txn_response answer;
        answer.error_code = static_cast<std::int16_t>(code);
        return manager.answered(answer);
    }
    then offsets(errc code = errc::none) {
        protocol::txn_offset_commit_response answer;
        auto& found = answer.topics.emplace_back();
        found.name = "in";
        found.partitions.emplace_back().error_code = static_cast<std::int16_t>(code);
        return manager.answered(answer);
    }
    then end(errc code = errc::none, std::int64_t id = -1, std::int16_t epoch = -1) {
        protocol::end_txn_response answer;
        answer.error_code = static_cast<std::int16_t>(code);
        answer.producer_id = id;
        answer.producer_epoch = epoch;
        return manager.answered(answer);
    }
    /// Outcomes in the order in which they came.
    transaction_manager::on_done note(const std::string& who) {
        return [this, who](const result<void>& outcome) { heard.emplace_back(who, outcome.error()); };
    }
    errc last(const std::string& who) {
        REQUIRE_FALSE(heard.empty());
        CHECK(heard.back().first == who);
        return heard.back().second.code();
    }
    /// An open transaction of producer 7, epoch 3.
    void open() {
        manager.begin(note("begin"));
        expect<init_request>();
        init(7, 3);
        REQUIRE(last("begin") == errc::none);
    }
    /// A batch goes to `where`.
    void produce(const topic_partition& where) {
        if (manager.admit(where)) return;
        expect<partitions_request>();
        REQUIRE(partition(where) == then::go_on);
        REQUIRE(manager.admit(where));
    }
    void commit() {
        manager.end(true, note("commit"));
        manager.drained();
    }
    std::vector<partition_offset> positions() { return {{{"in", 0}, 5, 2, "m"}}; }

    transaction_manager manager{"copy", 60s};
    std::vector<std::pair<std::string, error>> heard;
    const topic_partition out{"out", 0};
};

struct with_v2 : script {
    with_v2() : script(true) {}
};
struct with_v1 : script {
    with_v1() : script(false) {}
};

}  // namespace

TEST_CASE_FIXTURE(with_v2, "V2: partitions need no announcement, and the end hands over the next epoch") {
    expect_nothing();
    manager.begin(note("begin"));
    const auto asked = expect<init_request>();
    CHECK(asked.transactional_id == "copy");
    CHECK(asked.transaction_timeout_ms == 60000);
    CHECK(asked.producer_id == -1);
    expect_nothing();  // one at a time
    init(7, 3);
    CHECK(last("begin") == errc::none);
    CHECK(manager.number() == 1);
    CHECK(manager.admit(out));
    expect_nothing();
    manager.end(true, note("commit"));
    expect_nothing();  // batches are on their way
    manager.drained();
    const auto end_asked = expect<end_request>();
    CHECK(end_asked.committed);
    CHECK(end_asked.producer_id == 7);
    CHECK(end_asked.producer_epoch == 3);
    end(errc::none, 7, 4);
    CHECK(last("commit") == errc::none);
    CHECK(manager.identity() == producer_identity{7, 4});
    manager.begin(note("begin"));  // nothing to ask
    CHECK(last("begin") == errc::none);
    CHECK(manager.number() == 2);
}

TEST_CASE_FIXTURE(with_v1, "V1: each partition is announced once, several together, and the epoch stays") {
    open();
    CHECK_FALSE(manager.admit(out));
    CHECK_FALSE(manager.admit({"out", 1}));
    const auto asked = expect<partitions_request>();
    REQUIRE(asked.v3_and_below_topics.size() == 1);
    CHECK(asked.v3_and_below_topics[0].partitions == std::vector<std::int32_t>{0, 1});
    CHECK(partition(out) == then::go_on);
    CHECK(manager.admit(out));
    expect<partitions_request>();  // what had no answer yet
    CHECK(partition({"out", 1}) == then::go_on);
    commit();
    CHECK(expect<end_request>().committed);
    end();
    CHECK(last("commit") == errc::none);
    CHECK(manager.identity() == producer_identity{7, 3});
}

TEST_CASE_FIXTURE(with_v2, "a transaction of nothing ends without a word to the coordinator") {
    open();
    commit();
    CHECK(last("commit") == errc::none);
    expect_nothing();
}

TEST_CASE_FIXTURE(with_v2, "V2: offsets go to the group's coordinator at once, in the name of the member") {
    open();
    manager.add_offsets({"g", "m-1", 4, "static"}, positions(), note("offsets"));
    const auto asked = expect<offsets_request>();
    CHECK(asked.group_id == "g");
    CHECK(asked.generation_id == 4);
    CHECK(asked.member_id == "m-1");
    CHECK(asked.group_instance_id == "static");
    REQUIRE(asked.topics.size() == 1);
    CHECK(asked.topics[0].partitions.at(0).committed_offset == 5);
    CHECK(asked.topics[0].partitions.at(0).committed_leader_epoch == 2);
    commit();
    expect_nothing();
    CHECK(offsets() == then::go_on);
    CHECK(last("offsets") == errc::none);
    CHECK(expect<end_request>().committed);
}

TEST_CASE_FIXTURE(with_v1, "V1: a group joins the transaction before its offsets") {
    open();
    manager.add_offsets({"g"}, positions(), note("offsets"));
    CHECK(expect<group_request>().group_id == "g");
    CHECK(group() == then::go_on);
    expect<offsets_request>();
    offsets();
    manager.add_offsets({"g"}, positions(), note("offsets"));
    expect<offsets_request>();  // it has joined
}

TEST_CASE_FIXTURE(with_v2, "a commit whose answer was lost is asked again, the same") {
    open();
    produce(out);
    commit();
    const auto first = expect<end_request>();
    CHECK(manager.unanswered(error{errc::network_exception}) == then::find_coordinator);
    const auto again = expect<end_request>();
    CHECK(again.committed);
    CHECK(again.producer_epoch == first.producer_epoch);
    CHECK(end(errc::concurrent_transactions) == then::retry);
    expect<end_request>();
    CHECK(end(errc::not_coordinator) == then::find_coordinator);
    expect<end_request>();
    CHECK(heard.size() == 1);  // only begin so far
    end(errc::none, 7, 4);
    CHECK(last("commit") == errc::none);
}

TEST_CASE_FIXTURE(with_v2, "a commit that nobody answers ends the producer: its outcome is unknown") {
    open();
    produce(out);
    commit();
    expect<end_request>();
    (void)manager.unanswered(error{errc::network_exception});
    expect<end_request>();
    manager.give_up(error{errc::timed_out, "no answer"});
    CHECK(last("commit") == errc::invalid_txn_state);
    CHECK(heard.back().second.fatal());
    CHECK(end() == then::go_on);  // too late
    manager.begin(note("begin"));
    CHECK(last("begin") == errc::invalid_txn_state);
    expect_nothing();
}

TEST_CASE_FIXTURE(with_v2, "a lost batch fails the commit: aborted, to be run again, with the cause") {
    open();
    produce(out);
    manager.batch_lost(error{errc::message_too_large, "out-0"}, true);
    CHECK(manager.failure().code() == errc::message_too_large);
    CHECK_FALSE(manager.admit({"out", 1}));
    commit();
    CHECK_FALSE(expect<end_request>().committed);
    end(errc::none, 7, 4);
    CHECK(last("commit") == errc::transaction_aborted);
    CHECK(heard.back().second.message().find("MESSAGE_TOO_LARGE") != std::string::npos);
    CHECK_FALSE(heard.back().second.fatal());
    manager.begin(note("begin"));
    CHECK(last("begin") == errc::none);
    CHECK_FALSE(manager.failure());
}

TEST_CASE_FIXTURE(with_v1, "V1: after a gap in the sequences the next transaction has a higher epoch") {
    open();
    produce(out);
    manager.batch_lost(error{errc::timed_out, "out-0"}, true);
    commit();
    CHECK_FALSE(expect<end_request>().committed);
    end();
    CHECK(last("commit") == errc::transaction_aborted);
    expect_nothing();  // until somebody begins
    manager.begin(note("begin"));
    const auto asked = expect<init_request>();
    CHECK(asked.producer_id == 7);
    CHECK(asked.producer_epoch == 3);
    init(7, 4);
    CHECK(last("begin") == errc::none);
    CHECK(manager.identity() == producer_identity{7, 4});
}

TEST_CASE_FIXTURE(with_v1, "an abort that finds nothing at the coordinator is one") {
    open();
    CHECK_FALSE(manager.admit(out));
    expect<partitions_request>();
    (void)manager.unanswered(error{errc::network_exception});
    manager.end(false, note("abort"));
    manager.drained();
    CHECK_FALSE(expect<end_request>().committed);
    CHECK(end(errc::invalid_txn_state) == then::go_on);
    CHECK(last("abort") == errc::none);
    manager.begin(note("begin"));
    expect<init_request>();
}

TEST_CASE_FIXTURE(with_v2, "fenced: everything ends with the same fatal error") {
    open();
    produce(out);
    SUBCASE("at the end") {
        commit();
        expect<end_request>();
        end(errc::invalid_producer_epoch);
        CHECK(last("commit") == errc::producer_fenced);
    }
    SUBCASE("at the offsets") {
        manager.add_offsets({"g"}, positions(), note("offsets"));
        expect<offsets_request>();
        offsets(errc::producer_fenced);
        CHECK(last("offsets") == errc::producer_fenced);
    }
    SUBCASE("by the leader of a partition") {
        manager.batch_lost(error{errc::producer_fenced, "out-0"}, true);
        commit();
        CHECK(last("commit") == errc::producer_fenced);
    }
    CHECK(manager.death().fatal());
    manager.begin(note("begin"));
    CHECK(last("begin") == errc::producer_fenced);
    expect_nothing();
}

TEST_CASE("fenced while taking over, or not allowed: begin() says so for good") {
    for (const auto code : {errc::producer_fenced, errc::transactional_id_authorization_failed, errc::invalid_transaction_timeout, errc::unknown_server_error}) {
        script at{true};
        at.manager.begin(at.note("begin"));
        at.expect<init_request>();
        at.init(-1, -1, code);
        CHECK(at.heard.back().second.fatal());
        CHECK(at.manager.death());
    }
}

TEST_CASE_FIXTURE(with_v2, "taking over waits for what the one before left unfinished") {
    manager.begin(note("begin"));
    expect<init_request>();
    CHECK(init(-1, -1, errc::concurrent_transactions) == then::retry);
    expect<init_request>();
    CHECK(init(-1, -1, errc::coordinator_load_in_progress) == then::retry);
    expect<init_request>();
    CHECK(manager.unanswered(error{errc::broker_not_available}) == then::find_coordinator);
    expect<init_request>();
    manager.give_up(error{errc::timed_out});
    CHECK(last("begin") == errc::timed_out);
    expect_nothing();  // nobody waits any more
    manager.begin(note("begin"));
    expect<init_request>();
    init(7, 3);
    CHECK(last("begin") == errc::none);
}

TEST_CASE_FIXTURE(with_v2, "a group that has moved on refuses the offsets, and the transaction can only abort") {
    for (const auto code : {errc::illegal_generation, errc::unknown_member_id, errc::stale_member_epoch, errc::fenced_instance_id, errc::group_authorization_failed}) {
        script at{true};
        at.open();
        at.manager.add_offsets({"g"}, at.positions(), at.note("offsets"));
        at.expect<offsets_request>();
        at.offsets(code);
        CHECK(at.last("offsets") == code);
        at.commit();
        CHECK_FALSE(at.expect<end_request>().committed);
        at.end(errc::none, 7, 4);
        CHECK(at.last("commit") == errc::transaction_aborted);
    }
    open();
    manager.add_offsets({"g"}, positions(), note("offsets"));
    expect<offsets_request>();
    CHECK(offsets(errc::request_timed_out) == then::find_coordinator);
    expect<offsets_request>();
    CHECK(offsets(errc::unknown_topic_or_partition) == then::retry);
    expect<offsets_request>();
    CHECK(offsets() == then::go_on);
    CHECK(last("offsets") == errc::none);
}

TEST_CASE_FIXTURE(with_v2, "the coordinator may ask for an abort instead of the commit") {
    open();
    produce(out);
    commit();
    CHECK(expect<end_request>().committed);
    CHECK(end(errc::transaction_abortable) == then::go_on);
    CHECK_FALSE(expect<end_request>().committed);
    end(errc::none, 7, 4);
    CHECK(last("commit") == errc::transaction_aborted);
}

TEST_CASE_FIXTURE(with_v2, "one at a time: a second begin, and an end of what has ended, are told") {
    open();
    manager.begin(note("second"));
    CHECK(last("second") == errc::invalid_request);
    commit();
    CHECK(last("commit") == errc::none);
    manager.end(true, note("again"));
    CHECK(last("again") == errc::invalid_request);
}

TEST_CASE_FIXTURE(with_v2, "begin waits for the end of the one before") {
    open();
    produce(out);
    commit();
    expect<end_request>();
    manager.begin(note("begin"));
    CHECK(heard.size() == 1);
    end(errc::none, 7, 4);
    CHECK(heard.size() == 3);
    CHECK(heard[1].first == "commit");
    CHECK(last("begin") == errc::none);
}

TEST_CASE_FIXTURE(with_v1, "a partition that may not be written fails the transaction; one that is not known yet does not") {
    open();
    CHECK_FALSE(manager.admit(out));
    expect<partitions_request>();
    CHECK(partition(out, errc::unknown_topic_or_partition) == then::retry);
    expect<partitions_request>();
    CHECK(partition(out, errc::topic_authorization_failed) == then::go_on);
    CHECK(manager.failure().code() == errc::topic_authorization_failed);
    expect_nothing();
}

TEST_CASE_FIXTURE(with_v1, "a cluster that learns V2 gets it with the next transaction, at a new epoch") {
    open();
    produce(out);
    manager.offer_v2(true);
    CHECK_FALSE(manager.v2());
    commit();
    expect<end_request>();
    end();
    manager.begin(note("begin"));
    const auto asked = expect<init_request>();
    CHECK(asked.producer_epoch == 3);
    init(7, 4);
    CHECK(manager.v2());
    CHECK(manager.admit(out));
}
