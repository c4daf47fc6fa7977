"""confluent-kafka (librdkafka): producer, admin client, and groups with static and cooperative members."""
import os
import threading

from confluent_kafka import (Consumer, ConsumerGroupTopicPartitions, IsolationLevel, KafkaError, KafkaException, Producer,
                             TopicCollection, TopicPartition)
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ConfigSource, NewPartitions,
                                   NewTopic, OffsetSpec, ResourceType)

from checks import check, equal, eventually, main

BOOTSTRAP = os.environ["BOOTSTRAP"]
admin = AdminClient({"bootstrap.servers": BOOTSTRAP})


def create(name, partitions=1, config=None):
    admin.create_topics([NewTopic(name, partitions, 1, config=config or {})])[name].result(30)
    eventually(lambda: len(admin.list_topics(name).topics[name].partitions) == partitions, f"{name} is described")


def refused(future) -> int:
    """The code a request was refused with; KafkaError.NO_ERROR when it was not."""
    try:
        future.result(30)
    except KafkaException as error:
        return error.args[0].code()
    return KafkaError.NO_ERROR


def produce(topic, values, **settings):
    """Writes values and returns what the delivery reports said: {value: (partition, offset)}."""
    delivered, errors = {}, []

    def report(error, message):
        if error:
            errors.append(error)
        else:
            delivered[message.value()] = (message.partition(), message.offset())

    producer = Producer({"bootstrap.servers": BOOTSTRAP, "acks": "all", **{k.replace("_", "."): v for k, v in settings.items()}})
    for value in values:
        producer.produce(topic, value, key=value, on_delivery=report)
        producer.poll(0)
    equal(producer.flush(30), 0, "records left in the queue")
    assert not errors, errors[0]
    return delivered


def consumer(group, **settings):
    return Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": group, "auto.offset.reset": "earliest",
                     "session.timeout.ms": 10000, "heartbeat.interval.ms": 300, **settings})


def read(member, count, seconds=30):
    found = []

    def done():
        for message in member.consume(500, 0.2):
            assert not message.error(), message.error()
            found.append(message)
        return len(found) >= count
    eventually(done, f"{count} records read", seconds, pause=0)
    equal(len(found), count, "records read")
    return found


values = [f"value-{i}".encode() for i in range(2000)]


@check("an idempotent producer's delivery reports name the place where each record is")
def _():
    create("cf-idempotent", 3)
    delivered = produce("cf-idempotent", values, enable_idempotence=True)
    equal(len(delivered), len(values), "delivery reports")
    member = consumer("cf-idempotent")
    member.subscribe(["cf-idempotent"])
    for message in read(member, len(values)):
        equal((message.partition(), message.offset()), delivered[message.value()], f"place of {message.value()}")
        equal(message.key(), message.value())
    member.close()


for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
    @check(f"codec {codec}: keys, values, headers and timestamps come back")
    def _(codec=codec):
        topic = f"cf-{codec}"
        create(topic)
        producer = Producer({"bootstrap.servers": BOOTSTRAP, "compression.type": codec})
        for i in range(500):
            producer.produce(topic, f"value-{i}" * 10, key=f"key-{i}", headers=[("a", b"1"), ("b", None), ("a", b"2")],
                             timestamp=1_700_000_000_000 + i)
        equal(producer.flush(30), 0, "records left in the queue")
        member = consumer(topic)
        member.assign([TopicPartition(topic, 0, 0)])
        for i, message in enumerate(read(member, 500)):
            equal(message.value(), f"value-{i}".encode() * 10)
            equal(message.key(), f"key-{i}".encode())
            equal(message.headers(), [("a", b"1"), ("b", None), ("a", b"2")])
            equal(message.timestamp()[1], 1_700_000_000_000 + i)
        member.close()


@check("the cluster is described")
def _():
    cluster = admin.describe_cluster(request_timeout=20).result(20)
    equal(len(cluster.nodes), 1, "brokers")
    equal(f"{cluster.nodes[0].host}:{cluster.nodes[0].port}", BOOTSTRAP, "address")
    equal(cluster.controller.id, 1, "controller")
    equal(len(cluster.cluster_id), 22, "length of the cluster id")


@check("topics are created, refused when wrong, described and deleted")
def _():
    create("cf-made", 3, {"retention.ms": "60000"})
    again = admin.create_topics([NewTopic("cf-made", 1, 1)])["cf-made"]
    equal(refused(again), KafkaError.TOPIC_ALREADY_EXISTS)
    equal(refused(admin.create_topics([NewTopic("cf bad name", 1, 1)])["cf bad name"]), KafkaError.TOPIC_EXCEPTION)
    equal(refused(admin.create_topics([NewTopic("cf-many", 1, 3)])["cf-many"]), KafkaError.INVALID_REPLICATION_FACTOR)
    equal(refused(admin.create_topics([NewTopic("cf-config", 1, 1, config={"no.such": "1"})])["cf-config"]),
          KafkaError.INVALID_CONFIG)
    admin.create_topics([NewTopic("cf-only-checked", 1, 1)], validate_only=True)["cf-only-checked"].result(30)
    assert "cf-only-checked" not in admin.list_topics().topics, "validate_only created a topic"
    described = admin.describe_topics(TopicCollection(["cf-made"]))["cf-made"].result(30)
    equal(len(described.partitions), 3, "partitions")
    equal([p.leader.id for p in described.partitions], [1, 1, 1], "leaders")
    equal([[r.id for r in p.isr] for p in described.partitions], [[1], [1], [1]], "in-sync replicas")
    admin.delete_topics(["cf-made"])["cf-made"].result(30)
    eventually(lambda: "cf-made" not in admin.list_topics().topics, "the topic is gone")
    equal(refused(admin.delete_topics(["cf-made"])["cf-made"]), KafkaError.UNKNOWN_TOPIC_OR_PART)


@check("settings of a topic are described with their source, altered one by one and reset")
def _():
    create("cf-configured")
    resource = ConfigResource(ResourceType.TOPIC, "cf-configured")

    def described():
        return admin.describe_configs([resource])[resource].result(30)
    equal(described()["retention.ms"].value, "604800000")
    equal(described()["retention.ms"].source, ConfigSource.DEFAULT_CONFIG.value)

    def alter(name, value, operation):
        change = ConfigResource(ResourceType.TOPIC, "cf-configured", incremental_configs=[
            ConfigEntry(name, value, incremental_operation=operation)])
        return next(iter(admin.incremental_alter_configs([change]).values()))
    alter("retention.ms", "1000000", AlterConfigOpType.SET).result(30)
    eventually(lambda: described()["retention.ms"].value == "1000000", "the setting is in force")
    equal(described()["retention.ms"].source, ConfigSource.DYNAMIC_TOPIC_CONFIG.value)
    alter("cleanup.policy", "compact", AlterConfigOpType.APPEND).result(30)
    eventually(lambda: described()["cleanup.policy"].value == "delete,compact", "the value is appended")
    alter("retention.ms", None, AlterConfigOpType.DELETE).result(30)
    eventually(lambda: described()["retention.ms"].value == "604800000", "the setting is reset")
    equal(refused(alter("retention.ms", "soon", AlterConfigOpType.SET)), KafkaError.INVALID_CONFIG)
    equal(described()["retention.ms"].value, "604800000", "retention.ms after a refused change")


@check("settings of the broker are described, and one is changed while it runs")
def _():
    def described():
        resource = ConfigResource(ResourceType.BROKER, "1")
        return admin.describe_configs([resource])[resource].result(30)
    equal(described()["node.id"].value, "1")
    equal(described()["node.id"].is_read_only, True)
    change = ConfigResource(ResourceType.BROKER, "1", incremental_configs=[
        ConfigEntry("message.max.bytes", "1048600", incremental_operation=AlterConfigOpType.SET)])
    next(iter(admin.incremental_alter_configs([change]).values())).result(30)
    eventually(lambda: described()["message.max.bytes"].value == "1048600", "the setting is in force")


@check("partitions are added, never removed")
def _():
    create("cf-grows", 2)
    admin.create_partitions([NewPartitions("cf-grows", 5)])["cf-grows"].result(30)
    eventually(lambda: len(admin.list_topics("cf-grows").topics["cf-grows"].partitions) == 5, "five partitions")
    equal(refused(admin.create_partitions([NewPartitions("cf-grows", 3)])["cf-grows"]), KafkaError.INVALID_PARTITIONS)


@check("offsets are listed by all specifications, records are deleted up to an offset")
def _():
    create("cf-offsets")
    producer = Producer({"bootstrap.servers": BOOTSTRAP})
    for i in range(100):  # the newest timestamp is in the middle
        producer.produce("cf-offsets", f"{i}", partition=0, timestamp=1_700_000_000_000 + (i if i != 40 else 1000))
    producer.flush(30)
    partition = TopicPartition("cf-offsets", 0)

    def listed(spec):
        answer = admin.list_offsets({partition: spec}, isolation_level=IsolationLevel.READ_COMMITTED)
        return answer[partition].result(30)
    equal(listed(OffsetSpec.earliest()).offset, 0)
    equal(listed(OffsetSpec.latest()).offset, 100)
    equal(listed(OffsetSpec.max_timestamp()).offset, 40)
    equal(listed(OffsetSpec.for_timestamp(1_700_000_000_030)).offset, 30)
    equal(listed(OffsetSpec.for_timestamp(1_800_000_000_000)).offset, -1)
    low = admin.delete_records([TopicPartition("cf-offsets", 0, 50)])[partition].result(30)
    equal(low.low_watermark, 50)
    equal(listed(OffsetSpec.earliest()).offset, 50)
    equal(refused(admin.delete_records([TopicPartition("cf-offsets", 0, 500)])[partition]),
          KafkaError.OFFSET_OUT_OF_RANGE)
    member = consumer("cf-offsets")
    member.assign([TopicPartition("cf-offsets", 0, 0)])  # below the start: reset to the earliest
    equal(read(member, 50)[0].offset(), 50)
    member.close()


@check("a group is listed, described, its offsets altered, and deleted")
def _():
    create("cf-group", 2)
    produce("cf-group", values[:100])
    member = consumer("cf-described", **{"client.id": "cf-client"})
    member.subscribe(["cf-group"])
    read(member, 100)
    member.commit(asynchronous=False)
    groups = {g.group_id: g for g in admin.list_consumer_groups().result(30).valid}
    equal(groups["cf-described"].state.name, "STABLE")
    described = admin.describe_consumer_groups(["cf-described"])["cf-described"].result(30)
    equal(described.state.name, "STABLE")
    equal(len(described.members), 1)
    equal(described.members[0].client_id, "cf-client")
    equal(sorted(p.partition for p in described.members[0].assignment.topic_partitions), [0, 1])
    equal(refused(admin.delete_consumer_groups(["cf-described"])["cf-described"]), KafkaError.NON_EMPTY_GROUP)
    member.close()
    request = [ConsumerGroupTopicPartitions("cf-described", [TopicPartition("cf-group", 0, 5)])]
    admin.alter_consumer_group_offsets(request)["cf-described"].result(30)
    offsets = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions("cf-described")])["cf-described"].result(30)
    equal({p.partition: p.offset for p in offsets.topic_partitions}[0], 5, "altered offset")
    admin.delete_consumer_groups(["cf-described"])["cf-described"].result(30)
    groups = [g.group_id for g in admin.list_consumer_groups().result(30).valid]
    assert "cf-described" not in groups, groups


class Member:
    """A member that polls on a thread and notes what it owns and reads."""

    def __init__(self, group, topic, seen, **settings):
        self.consumer, self.owned, self.seen = consumer(group, **settings), set(), seen
        self.lost = self.revoked = 0
        self.stopping = threading.Event()
        self.consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)
        self.thread = threading.Thread(target=self._poll)
        self.thread.start()

    def _assigned(self, _, partitions):
        self.owned |= {p.partition for p in partitions}

    def _revoked(self, _, partitions):
        self.revoked += len(partitions)
        self.owned -= {p.partition for p in partitions}

    def _lost(self, _, partitions):
        self.lost += 1
        self.owned -= {p.partition for p in partitions}

    def _poll(self):
        while not self.stopping.is_set():
            message = self.consumer.poll(0.05)
            if message and not message.error():
                self.seen.append(message.value())

    def stop(self):
        self.stopping.set()
        self.thread.join()
        self.consumer.close()


def shared(members, count):
    owned = [partition for member in members for partition in member.owned]
    return sorted(owned) == list(range(count)) and all(member.owned for member in members)


for strategy in ("range", "roundrobin", "cooperative-sticky"):
    @check(f"three members join and one leaves, each partition always with one of them; {strategy}")
    def _(strategy=strategy):
        topic = f"cf-shared-{strategy}"
        create(topic, 6)
        seen, settings = [], {"partition.assignment.strategy": strategy}
        members = [Member(topic, topic, seen, **settings) for _ in range(2)]
        try:
            eventually(lambda: shared(members, 6), "two members share six partitions")
            produce(topic, values[:1000])
            eventually(lambda: len(seen) >= 1000, "the first half is read")
            moved = sum(member.revoked for member in members)
            members.append(Member(topic, topic, seen, **settings))
            eventually(lambda: shared(members, 6), "three members share six partitions")
            if strategy == "cooperative-sticky":
                equal(sum(member.revoked for member in members) - moved, 2, "partitions that moved to the third member")
            members.pop(0).stop()
            eventually(lambda: shared(members, 6), "two members share six partitions again")
            produce(topic, values[1000:])
            eventually(lambda: len(set(seen)) >= len(values), "the second half is read")
            equal(sorted(seen), sorted(values), "records read (each once)")
        finally:
            for member in members:
                member.stop()


@check("a static member that restarts gets its partitions back and no one else is disturbed")
def _():
    create("cf-static", 4)
    seen = []
    first = Member("cf-static", "cf-static", seen, **{"group.instance.id": "first"})
    second = Member("cf-static", "cf-static", seen, **{"group.instance.id": "second"})
    try:
        eventually(lambda: shared([first, second], 4), "two static members share four partitions")
        before, revoked = set(second.owned), first.revoked
        second.stop()
        second = Member("cf-static", "cf-static", seen, **{"group.instance.id": "second"})
        eventually(lambda: second.owned == before, "the same partitions as before")
        equal(first.revoked, revoked, "partitions taken from the other member")
        described = admin.describe_consumer_groups(["cf-static"])["cf-static"].result(30)
        equal(sorted(m.group_instance_id for m in described.members), ["first", "second"])
    finally:
        first.stop()
        second.stop()


@check("two members with one instance id: the older one is fenced")
def _():
    create("cf-fenced", 1)
    fenced = []
    older = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "cf-fenced", "group.instance.id": "twin",
                      "heartbeat.interval.ms": 300, "session.timeout.ms": 10000,
                      "error_cb": lambda error: fenced.append(error.code())})
    older.subscribe(["cf-fenced"])
    eventually(lambda: older.poll(0.1) or older.assignment(), "the first is in", pause=0)
    newer = consumer("cf-fenced", **{"group.instance.id": "twin"})
    newer.subscribe(["cf-fenced"])

    def fell():
        newer.poll(0.1)
        message = older.poll(0.1)
        if message and message.error():
            fenced.append(message.error().code())
        return KafkaError.FENCED_INSTANCE_ID in fenced or KafkaError._FATAL in fenced
    eventually(fell, "the older one is fenced", pause=0)
    newer.close()


@check("committed offsets carry metadata and survive the group's members")
def _():
    create("cf-metadata")
    member = consumer("cf-metadata", **{"enable.auto.commit": False})
    member.commit(offsets=[TopicPartition("cf-metadata", 0, 42, "where I was")], asynchronous=False)
    member.close()
    member = consumer("cf-metadata")
    found = member.committed([TopicPartition("cf-metadata", 0)], timeout=20)[0]
    equal((found.offset, found.metadata), (42, "where I was"))
    member.close()


main()
