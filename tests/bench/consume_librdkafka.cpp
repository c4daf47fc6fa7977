// The same as consume_weir.cpp with librdkafka, through its batch interface, which is its quickest.
#include "client_bench.hpp"

#include <librdkafka/rdkafka.h>

int main(int argc, char** argv) {
    const auto run = weir::bench::parse_consume(argc, argv);
    char problem[512];
    auto* config = rd_kafka_conf_new();
    rd_kafka_conf_set(config, "bootstrap.servers", run.bootstrap.c_str(), problem, sizeof problem);
    rd_kafka_conf_set(config, "group.id", "bench", problem, sizeof problem);
    rd_kafka_conf_set(config, "enable.auto.commit", "false", problem, sizeof problem);
    auto* client = rd_kafka_new(RD_KAFKA_CONSUMER, config, problem, sizeof problem);
    rd_kafka_poll_set_consumer(client);
    auto* all = rd_kafka_topic_partition_list_new(run.partitions);
    for (std::int32_t i = 0; i < run.partitions; ++i) rd_kafka_topic_partition_list_add(all, run.topic.c_str(), i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(client, all);
    auto* queue = rd_kafka_queue_get_consumer(client);
    std::vector<rd_kafka_message_t*> batch(1000);
    std::size_t count = 0, bytes = 0, failed = 0;
    weir::bench::throughput_report report{"librdkafka"};
    while (count < run.messages) {
        const auto got = rd_kafka_consume_batch_queue(queue, 1000, batch.data(), batch.size());
        for (ssize_t i = 0; i < got; ++i) {
            auto* message = batch[static_cast<std::size_t>(i)];
            if (message->err) ++failed;
            else {
                bytes += message->len;
                if (++count == 1) report.begin();
            }
            rd_kafka_message_destroy(message);
        }
    }
    report.print(count, bytes);
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_partition_list_destroy(all);
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return failed == 0 ? 0 : 1;
}
