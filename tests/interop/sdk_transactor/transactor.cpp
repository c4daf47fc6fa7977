// What the suite beside this file runs, kills and runs again.
//   weir_sdk_transactor BOOTSTRAP fill TOPIC COUNT                  COUNT numbered records
//   weir_sdk_transactor BOOTSTRAP copy GROUP ID IN OUT [BATCH]      from topic to topic, exactly once, until SIGTERM
//   weir_sdk_transactor BOOTSTRAP throw GROUP ID IN OUT             the same, but every third batch throws
#include <weir/transactor.hpp>

#include <csignal>
#include <iostream>
#include <stdexcept>

using namespace weir;
using namespace std::chrono_literals;

namespace {

int fill(const client& kafka, const std::string& name, int count) {
    producer out{kafka};
    const topic<std::string, std::string> to{name};
    for (int i = 0; i < count; ++i) (void)out.send(to, std::to_string(i % 97), std::to_string(i));
    const auto delivered = out.flush().get();
    if (!delivered) std::cerr << delivered.error() << '\n';
    return delivered ? 0 : 1;
}

int copy(const client& kafka, const std::string& group, const std::string& id, const std::string& from, const std::string& to, int batch, bool throws) {
    const topic<std::string, std::string> in{from}, out{to};
    // For longer than a single node takes to come back. While it has no leaders yet, the coordinator of Apache Kafka (4.3.1 at
    // least) takes a partition without one for deleted, and forgets the abort marker of a transaction that times out just
    // then: its records are committed with the next ones of that producer.
    const duration timeout = 60s;
    transactor work{kafka, {.group_id = group, .transactional_id = id, .transaction_timeout = timeout, .max_poll_records = batch}, in};
    work.stop_on({SIGTERM});
    for (int batches = 0;;) {
        try {
            const auto end = work.run([&](const auto& records, transaction& tx) {
                for (const auto& [key, value, info] : records) tx.send(out, key, value);
                std::cout << records.size() << std::endl;
                if (throws && ++batches % 3 == 0) throw std::runtime_error{"the third"};
            });
            if (!end) std::cerr << id << ": " << end.error() << '\n';
            return end ? 0 : 1;
        } catch (const std::runtime_error& why) {
            std::cout << why.what() << std::endl;
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> given{argv + 1, argv + argc};
    if (given.size() == 4 && given[1] == "fill") return fill(client{given[0]}, given[2], std::stoi(given[3]));
    if (given.size() >= 6 && (given[1] == "copy" || given[1] == "throw"))
        return copy(client{given[0]}, given[2], given[3], given[4], given[5], given.size() > 6 ? std::stoi(given[6]) : 200, given[1] == "throw");
    std::cerr << "usage: see the head of transactor.cpp\n";
    return 2;
}
