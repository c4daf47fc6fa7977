"""A kafka-python group reads a topic to its end: kafka_python_group.py TOPIC OUT MEMBERS

Each member is a process of its own and writes the values it reads to OUT.<n>, one a line; OUT is their concatenation.
"""
import multiprocessing
import os
import shutil
import sys

from kafka import KafkaConsumer, TopicPartition

BOOTSTRAP = os.environ["BOOTSTRAP"]


def read(topic, path, taken, wanted, ready, members):
    consumer = KafkaConsumer(topic, bootstrap_servers=BOOTSTRAP, group_id=f"{topic}-kafka-python",
                             auto_offset_reset="earliest", session_timeout_ms=30000, max_poll_records=5000,
                             max_partition_fetch_bytes=4 << 20, enable_auto_commit=False)
    with open(path, "wb") as out:
        # Polls last a second: kafka-python 3.0 loses its heartbeat when one ends in the middle of joining.
        # Nothing is taken before all are in, so that each of them has a share.
        while ready.value < members:
            consumer.poll(timeout_ms=1000, max_records=1)
            if consumer.assignment() and not getattr(consumer, "counted", False):
                consumer.counted = True
                with ready.get_lock():
                    ready.value += 1
        while len(consumer.assignment()) > 6 // members:
            consumer.poll(timeout_ms=1000, max_records=1)
        for partition in consumer.assignment():
            consumer.seek(partition, 0)
        owned = set(consumer.assignment())
        while taken.value < wanted:
            for batch in consumer.poll(timeout_ms=200).values():
                out.write(b"".join(record.value + b"\n" for record in batch))
                with taken.get_lock():
                    taken.value += len(batch)
            assert set(consumer.assignment()) == owned, "the group was rebalanced while reading"
    consumer.commit()
    consumer.close(autocommit=False)


def main():
    topic, out, members = sys.argv[1], sys.argv[2], int(sys.argv[3])
    probe = KafkaConsumer(bootstrap_servers=BOOTSTRAP)
    partitions = [TopicPartition(topic, index) for index in probe.partitions_for_topic(topic)]
    wanted = sum(probe.end_offsets(partitions).values())
    probe.close()
    taken, ready = multiprocessing.Value("q", 0), multiprocessing.Value("i", 0)
    readers = [multiprocessing.Process(target=read, args=(topic, f"{out}.{n}", taken, wanted, ready, members))
               for n in range(members)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert all(reader.exitcode == 0 for reader in readers), "a member failed"
    with open(out, "wb") as whole:
        for n in range(members):
            assert os.path.getsize(f"{out}.{n}"), f"member {n} read nothing"
            with open(f"{out}.{n}", "rb") as part:
                shutil.copyfileobj(part, whole, 1 << 20)
            os.unlink(f"{out}.{n}")


if __name__ == "__main__":
    main()
