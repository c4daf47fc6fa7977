"""The same member with kafka-python: bootstrap, group, topic, assignor."""
import json
import signal
import sys
import time

from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.errors import CommitFailedError, KafkaError

bootstrap, group, topic, assignor = sys.argv[1:5]
stopping = False


def event(name, partitions):
    print(json.dumps({"timestamp": int(time.time() * 1000), "name": name, "partitions": partitions}), flush=True)


def stop(*_):
    global stopping
    stopping = True


class Listener(ConsumerRebalanceListener):
    def on_partitions_assigned(self, assigned):
        event("partitions_assigned", [{"partition": each.partition} for each in assigned])

    def on_partitions_revoked(self, revoked):
        event("partitions_revoked", [{"partition": each.partition} for each in revoked])


signal.signal(signal.SIGTERM, stop)
consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
                         session_timeout_ms=10_000, heartbeat_interval_ms=1_000,
                         partition_assignment_strategy=[{"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor}[assignor]])
consumer.subscribe([topic], listener=Listener())
while not stopping:
    batch = consumer.poll(timeout_ms=1000)  # shorter ones may lose its heartbeat in the middle of joining
    if not batch:
        continue
    event("records_consumed", [{"partition": where.partition, "minOffset": rows[0].offset, "maxOffset": rows[-1].offset}
                               for where, rows in batch.items()])
    try:
        consumer.commit()
    except (CommitFailedError, KafkaError) as error:
        print(error, file=sys.stderr)
event("partitions_revoked", [{"partition": each.partition} for each in consumer.assignment()])
consumer.close()
