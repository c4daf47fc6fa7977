"""kafka-python: a second client in pure Python, with its own codecs, group code and admin client."""
import os
import subprocess
import sys
import threading
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, MemberToRemove, OffsetSpec
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.errors import InvalidConfigurationError, MessageSizeTooLargeError, NonEmptyGroupError, TopicAlreadyExistsError

from checks import check, equal, eventually, main

BOOTSTRAP = os.environ["BOOTSTRAP"]
admin = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)


def create(name, partitions=1, **configs):
    admin.create_topics({name: {"num_partitions": partitions, "replication_factor": 1, "configs": configs}},
                        wait_for_metadata=True)


def produce(topic, values, **settings):
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, **settings)
    futures = [producer.send(topic, value=value, key=value, headers=[("h", value), ("empty", b"")],
                             timestamp_ms=1_700_000_000_000 + i) for i, value in enumerate(values)]
    places = [future.get(30) for future in futures]
    producer.close()
    return places


def consumer(*topics, **settings):
    return KafkaConsumer(*topics, bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest", **settings)


def read(member, count, seconds=30):
    found = []

    def done():
        for batch in member.poll(timeout_ms=1000).values():
            found.extend(batch)
        return len(found) >= count
    eventually(done, f"{count} records read", seconds, pause=0)
    equal(len(found), count, "records read")
    return found


values = [f"value-{i}".encode() for i in range(1000)]

for codec in (None, "gzip", "snappy", "lz4", "zstd"):
    @check(f"codec {codec or 'none'}: keys, values, headers, timestamps and offsets come back")
    def _(codec=codec):
        topic = f"kp-{codec or 'none'}"
        create(topic)
        places = produce(topic, values, compression_type=codec, acks="all", linger_ms=20)
        equal([place.offset for place in places], list(range(len(values))), "offsets told to the producer")
        member = consumer(group_id=None)
        member.assign([TopicPartition(topic, 0)])
        for i, record in enumerate(read(member, len(values))):
            equal((record.offset, record.value, record.key), (i, values[i], values[i]))
            equal([tuple(header) for header in record.headers], [("h", values[i]), ("empty", b"")])
            equal(record.timestamp, 1_700_000_000_000 + i)
        member.close()


@check("an idempotent producer and one with acks=1 write each record once")
def _():
    create("kp-acks", 3)
    produce("kp-acks", values, enable_idempotence=True, acks="all")
    produce("kp-acks", values, acks=1, enable_idempotence=False)
    member = consumer("kp-acks", group_id="kp-acks")
    equal(sorted(record.value for record in read(member, 2 * len(values))), sorted(values * 2))
    member.close()


@check("a record above max.message.bytes is refused")
def _():
    create("kp-large", 1, **{"max.message.bytes": "2000"})
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, enable_idempotence=False)
    try:
        producer.send("kp-large", os.urandom(5000)).get(30)
        raise AssertionError("it was taken")
    except MessageSizeTooLargeError:
        pass
    equal(producer.send("kp-large", os.urandom(1000)).get(30).offset, 0)
    producer.close()


@check("seeking by offset, end and timestamp")
def _():
    create("kp-seek")
    produce("kp-seek", values)
    partition = TopicPartition("kp-seek", 0)
    member = consumer(group_id=None, max_poll_records=1)
    member.assign([partition])
    equal(member.beginning_offsets([partition])[partition], 0)
    equal(member.end_offsets([partition])[partition], len(values))
    found = member.offsets_for_times({partition: 1_700_000_000_321})[partition]
    equal((found.offset, found.timestamp), (321, 1_700_000_000_321))
    equal(member.offsets_for_times({partition: 1_900_000_000_000})[partition], None)
    member.seek(partition, 555)
    records = eventually(lambda: member.poll(timeout_ms=500), "a record", pause=0)
    equal(records[partition][0].value, b"value-555")
    member.close()


class Member(threading.Thread):
    def __init__(self, topic, assignor, seen):
        super().__init__()
        self.consumer = consumer(topic, group_id=topic, session_timeout_ms=10000, heartbeat_interval_ms=300,
                                 partition_assignment_strategy=(assignor,), auto_commit_interval_ms=200)
        self.seen, self.owned, self.stopping, self.error = seen, set(), threading.Event(), None
        self.start()

    def run(self):
        try:
            while not self.stopping.is_set():
                # A second: kafka-python 3.0 loses its heartbeat when a poll ends in the middle of joining.
                for batch in self.consumer.poll(timeout_ms=1000).values():
                    self.seen += [record.value for record in batch]
                self.owned = {p.partition for p in self.consumer.assignment()}
            self.consumer.close()
        except Exception as error:
            self.error = error

    def stop(self):
        self.stopping.set()
        self.join()
        self.owned = set()
        assert self.error is None, self.error


def shared(members, count):
    for member in members:
        assert member.error is None, member.error
    return sorted(p for m in members for p in m.owned) == list(range(count)) and all(m.owned for m in members)


for assignor in (RangePartitionAssignor, RoundRobinPartitionAssignor, StickyPartitionAssignor):
    @check(f"a group grows to three and shrinks to two, all records read; {assignor.__name__}")
    def _(assignor=assignor):
        topic, seen = f"kp-{assignor.__name__}", []
        create(topic, 6)
        members = [Member(topic, assignor, seen), Member(topic, assignor, seen)]
        try:
            eventually(lambda: shared(members, 6), "two members share six partitions")
            produce(topic, values[:500])
            eventually(lambda: len(seen) >= 500, "the first half is read")
            members.append(Member(topic, assignor, seen))
            eventually(lambda: shared(members, 6), "three members share six partitions")
            members.pop(0).stop()
            eventually(lambda: shared(members, 6), "two members share six partitions again")
            produce(topic, values[500:])
            eventually(lambda: len(set(seen)) >= len(values), "the second half is read")
            equal(sorted(seen), sorted(values), "records read (each once)")
        finally:
            for member in members:
                member.stop()
        ends = {p: o.offset for p, o in admin.list_group_offsets([topic])[topic].items()}
        equal(sum(ends.values()), len(values), "sum of committed offsets")


SILENT_MEMBER = """
import sys
from kafka import KafkaConsumer
member = KafkaConsumer("kp-silent", bootstrap_servers=sys.argv[1], group_id="kp-silent", session_timeout_ms=6000,
                       heartbeat_interval_ms=300)
while True:
    member.poll(timeout_ms=1000)
"""


@check("a member that is killed is removed when its session ends, and the other takes over")
def _():
    create("kp-silent", 4)
    other = Member("kp-silent", RangePartitionAssignor, [])
    killed = subprocess.Popen([sys.executable, "-c", SILENT_MEMBER, BOOTSTRAP])
    try:
        eventually(lambda: len(other.owned) == 2, "two members share four partitions")
        killed.kill()
        began = time.monotonic()
        eventually(lambda: len(other.owned) == 4, "the other owns all")
        assert time.monotonic() - began > 4, "it was removed before its session ended"
    finally:
        killed.kill()
        killed.wait()
        other.stop()


@check("the cluster, its quorum, features, log directories and versions are described")
def _():
    cluster = admin.describe_cluster()
    equal([(b["host"], b["port"]) for b in cluster["brokers"]], [tuple((BOOTSTRAP.split(":")[0], int(BOOTSTRAP.split(":")[1])))])
    equal(cluster["controller_id"], 1)
    create("kp-dirs", 2)
    produce("kp-dirs", values[:50])
    dirs = admin.describe_log_dirs(["kp-dirs"])[0]["log_dirs"]
    sizes = {p["partition_index"]: p["partition_size"] for d in dirs for t in d["topics"] if t["name"] == "kp-dirs"
             for p in t["partitions"]}
    equal(sorted(sizes), [0, 1])
    assert sum(sizes.values()) > 50 * 20, sizes
    quorum = admin.describe_metadata_quorum()["topics"][0]["partitions"][0]
    equal(quorum["leader_id"], 1)
    equal([voter["replica_id"] for voter in quorum["current_voters"]], [1])
    assert quorum["high_watermark"] > 0, quorum
    features = admin.describe_features()
    assert "metadata.version" in str(features), features


@check("topics are created, refused when there, described by name and id, deleted")
def _():
    create("kp-made", 3)
    try:
        create("kp-made")
        raise AssertionError("creating it again was taken")
    except TopicAlreadyExistsError:
        pass
    described = admin.describe_topics(["kp-made"])[0]
    equal(len(described["partitions"]), 3)
    admin.create_partitions({"kp-made": 5})
    eventually(lambda: len(admin.describe_topics(["kp-made"])[0]["partitions"]) == 5, "five partitions")
    admin.delete_topics(["kp-made"])
    eventually(lambda: "kp-made" not in admin.list_topics(), "the topic is gone")


@check("settings are described, altered, and refused when wrong")
def _():
    create("kp-configured", 1)

    def value(name):
        resource = ConfigResource(ConfigResourceType.TOPIC, "kp-configured", configs=None)
        return admin.describe_configs([resource], config_filter="all")["topic"]["kp-configured"][name]["value"]
    equal(value("segment.bytes"), "1073741824")
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "kp-configured", {"segment.bytes": "2000000"})])
    eventually(lambda: value("segment.bytes") == "2000000", "the setting is in force")
    try:
        answer = admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "kp-configured", {"segment.bytes": "small"})])
        assert "InvalidConfig" in str(answer) or "error_code" in str(answer), answer
    except InvalidConfigurationError:
        pass
    equal(value("segment.bytes"), "2000000")


@check("offsets are listed and records deleted")
def _():
    create("kp-records")
    produce("kp-records", values[:100])
    partition = TopicPartition("kp-records", 0)
    admin.delete_records({partition: 40})

    def listed(spec):
        return admin.list_partition_offsets({partition: spec})[partition].offset
    equal(listed(OffsetSpec.EARLIEST), 40)
    equal(listed(OffsetSpec.LATEST), 100)
    equal(listed(OffsetSpec.MAX_TIMESTAMP), 99)


@check("producers of a partition are described")
def _():
    create("kp-producers")
    produce("kp-producers", values[:10], enable_idempotence=True, acks="all")
    state = admin.describe_producers([TopicPartition("kp-producers", 0)])[TopicPartition("kp-producers", 0)]
    assert "last_sequence=9" in str(state) or "'last_sequence': 9" in str(state), state


@check("a group is listed, described, a member removed, offsets set and deleted, the group deleted")
def _():
    create("kp-group", 2)
    produce("kp-group", values[:20])
    member = consumer("kp-group", group_id="kp-admin", group_instance_id="static-1", session_timeout_ms=10000,
                      enable_auto_commit=False)
    read(member, 20)
    member.commit()
    equal([g["group_id"] for g in admin.list_groups() if g["group_id"] == "kp-admin"], ["kp-admin"])
    described = admin.describe_groups(["kp-admin"])["kp-admin"]
    equal((described["group_state"], len(described["members"])), ("Stable", 1))
    answer = admin.delete_groups(["kp-admin"])
    assert NonEmptyGroupError.__name__ in str(answer), answer
    member.close(autocommit=False)
    admin.remove_group_members("kp-admin", [MemberToRemove(group_instance_id="static-1")])
    eventually(lambda: admin.describe_groups(["kp-admin"])["kp-admin"]["group_state"] == "Empty", "the group is empty")
    first, second = TopicPartition("kp-group", 0), TopicPartition("kp-group", 1)
    admin.alter_group_offsets("kp-admin", {first: OffsetAndMetadata(3, "three", -1)})
    found = admin.list_group_offsets(["kp-admin"])["kp-admin"]
    equal((found[first].offset, found[first].metadata), (3, "three"))
    admin.delete_group_offsets("kp-admin", [second])
    assert second not in admin.list_group_offsets(["kp-admin"])["kp-admin"]
    admin.delete_groups(["kp-admin"])
    equal([g for g in admin.list_groups() if g["group_id"] == "kp-admin"], [])


main()
