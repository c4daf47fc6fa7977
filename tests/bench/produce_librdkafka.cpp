// The same as produce_weir.cpp with librdkafka: idempotent, acks=all, its own defaults otherwise.
#include "client_bench.hpp"

#include <librdkafka/rdkafka.h>

#include <atomic>

namespace {

std::atomic<std::size_t> failed{0};
std::atomic<std::size_t> delivered{0};

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
    if (message->err) ++failed;
    ++delivered;
}

}  // namespace

int main(int argc, char** argv) {
    const auto run = weir::bench::parse_produce(argc, argv);
    char problem[512];
    auto* config = rd_kafka_conf_new();
    rd_kafka_conf_set(config, "bootstrap.servers", run.bootstrap.c_str(), problem, sizeof problem);
    rd_kafka_conf_set(config, "enable.idempotence", "true", problem, sizeof problem);
    if (run.latency) rd_kafka_conf_set(config, "linger.ms", "0", problem, sizeof problem);
    rd_kafka_conf_set_dr_msg_cb(config, on_delivery);
    auto* client = rd_kafka_new(RD_KAFKA_PRODUCER, config, problem, sizeof problem);
    auto* topic = rd_kafka_topic_new(client, run.topic.c_str(), nullptr);
    std::string value(run.bytes, 'x');
    const auto send = [&] {
        while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value.data(), value.size(), nullptr, 0, nullptr) != 0) rd_kafka_poll(client, 1);
    };
    const auto wait = [&](std::size_t count) {
        while (delivered < count) rd_kafka_poll(client, 100);
    };
    send();
    wait(1);
    if (run.latency) {
        weir::bench::latency_report report{"librdkafka"};
        for (std::size_t i = 0; i < run.messages; ++i) {
            const auto began = report.now();
            send();
            wait(i + 2);
            report.add(began);
        }
    } else {
        weir::bench::throughput_report report{"librdkafka"};
        for (std::size_t i = 0; i < run.messages; ++i) {
            send();
            if (i % 1000 == 0) rd_kafka_poll(client, 0);
        }
        wait(run.messages + 1);
        report.print(run.messages, run.messages * run.bytes);
    }
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
    return failed == 0 ? 0 : 1;
}
