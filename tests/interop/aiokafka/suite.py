"""aiokafka: a third Python client, asynchronous, with group code and record parsing of its own."""
import asyncio
import os
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import MessageSizeTooLargeError

from checks import check, equal, main

BOOTSTRAP = os.environ["BOOTSTRAP"]
values = [f"value-{i}".encode() for i in range(1000)]


async def settled(condition, what, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        await asyncio.sleep(0.05)
    return value


class Admin:
    async def __aenter__(self):
        self.client = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)
        await self.client.start()
        return self.client

    async def __aexit__(self, *_):
        await self.client.close()


async def create(name, partitions=1, **configs):
    async with Admin() as admin:
        answer = await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=configs)])
        equal([error[1] for error in answer.topic_errors], [0], f"error creating {name}")


async def produce(topic, items, **settings):
    async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, **settings) as producer:
        futures = [await producer.send(topic, value, key=value, headers=[("h", value)],
                                       timestamp_ms=1_700_000_000_000 + i) for i, value in enumerate(items)]
        return [await future for future in futures]


async def read(member, count, seconds=30):
    found, deadline = [], time.monotonic() + seconds
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} records within {seconds} s"
        for batch in (await member.getmany(timeout_ms=200)).values():
            found += batch
    equal(len(found), count, "records read")
    return found


for codec in (None, "gzip", "snappy", "lz4", "zstd"):
    @check(f"codec {codec or 'none'}: keys, values, headers, timestamps and offsets come back")
    async def _(codec=codec):
        topic = f"aio-{codec or 'none'}"
        await create(topic)
        places = await produce(topic, values, compression_type=codec, acks="all", linger_ms=20)
        equal([place.offset for place in places], list(range(len(values))), "offsets told to the producer")
        async with AIOKafkaConsumer(topic, bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest") as member:
            for i, record in enumerate(await read(member, len(values))):
                equal((record.offset, record.value, record.key), (i, values[i], values[i]))
                equal(record.headers, (("h", values[i]),))
                equal(record.timestamp, 1_700_000_000_000 + i)


@check("an idempotent producer writes each record once")
async def _():
    await create("aio-idempotent", 3)
    await produce("aio-idempotent", values, enable_idempotence=True)
    async with AIOKafkaConsumer("aio-idempotent", bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest",
                                group_id="aio-idempotent") as member:
        equal(sorted(r.value for r in await read(member, len(values))), sorted(values))


@check("a record above max.message.bytes is refused, the next one passes")
async def _():
    await create("aio-large", 1, **{"max.message.bytes": "2000"})
    async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP) as producer:
        try:
            await producer.send_and_wait("aio-large", os.urandom(5000))
            raise AssertionError("it was taken")
        except MessageSizeTooLargeError:
            pass
        equal((await producer.send_and_wait("aio-large", b"small")).offset, 0)


@check("seeking by offset, end and timestamp")
async def _():
    await create("aio-seek")
    await produce("aio-seek", values)
    partition = TopicPartition("aio-seek", 0)
    async with AIOKafkaConsumer(bootstrap_servers=BOOTSTRAP) as member:
        member.assign([partition])
        equal((await member.beginning_offsets([partition]))[partition], 0)
        equal((await member.end_offsets([partition]))[partition], len(values))
        equal((await member.offsets_for_times({partition: 1_700_000_000_321}))[partition].offset, 321)
        member.seek(partition, 555)
        equal((await member.getone()).value, b"value-555")


class Member:
    def __init__(self, topic, assignor, seen):
        self.topic, self.assignor, self.seen, self.owned = topic, assignor, seen, set()
        self.stopping, self.task = False, asyncio.ensure_future(self.poll())

    async def poll(self):
        async with AIOKafkaConsumer(self.topic, bootstrap_servers=BOOTSTRAP, group_id=self.topic, session_timeout_ms=10000,
                                    heartbeat_interval_ms=300, auto_offset_reset="earliest",
                                    partition_assignment_strategy=(self.assignor,), auto_commit_interval_ms=200) as member:
            while not self.stopping:
                for batch in (await member.getmany(timeout_ms=100)).values():
                    self.seen += [record.value for record in batch]
                self.owned = {p.partition for p in member.assignment()}

    async def stop(self):
        self.stopping = True
        await self.task


def shared(members, count):
    return sorted(p for m in members for p in m.owned) == list(range(count)) and all(m.owned for m in members)


for assignor in (RangePartitionAssignor, RoundRobinPartitionAssignor, StickyPartitionAssignor):
    @check(f"a group grows to three and shrinks to two, all records read; {assignor.__name__}")
    async def _(assignor=assignor):
        topic, seen = f"aio-{assignor.__name__}", []
        await create(topic, 6)
        members = [Member(topic, assignor, seen), Member(topic, assignor, seen)]
        try:
            await settled(lambda: shared(members, 6), "two members share six partitions")
            await produce(topic, values[:500])
            await settled(lambda: len(seen) >= 500, "the first half is read")
            members.append(Member(topic, assignor, seen))
            await settled(lambda: shared(members, 6), "three members share six partitions")
            await members.pop(0).stop()
            await settled(lambda: shared(members, 6), "two members share six partitions again")
            await produce(topic, values[500:])
            await settled(lambda: len(set(seen)) >= len(values), "the second half is read")
            equal(sorted(seen), sorted(values), "records read (each once)")
        finally:
            for member in members:
                await member.stop()
        async with Admin() as admin:
            committed = await admin.list_consumer_group_offsets(topic)
            equal(sum(place.offset for place in committed.values()), len(values), "sum of committed offsets")


@check("topics are created, described, given partitions and settings, and deleted")
async def _():
    await create("aio-made", 2, **{"retention.ms": "60000"})
    async with Admin() as admin:
        equal(len((await admin.describe_topics(["aio-made"]))[0]["partitions"]), 2)
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "aio-made")])
        configs = {entry[0]: entry[1] for answer in answers for resource in answer.resources for entry in resource[4]}
        equal(configs["retention.ms"], "60000")
        await admin.create_partitions({"aio-made": NewPartitions(4)})
        deadline = time.monotonic() + 20
        while len((await admin.describe_topics(["aio-made"]))[0]["partitions"]) != 4:
            assert time.monotonic() < deadline, "never four partitions"
        await admin.delete_topics(["aio-made"])
        while "aio-made" in await admin.list_topics():
            assert time.monotonic() < deadline, "the topic never went"


@check("groups are listed and described")
async def _():
    await create("aio-listed")
    seen = []
    member = Member("aio-listed", RangePartitionAssignor, seen)
    await settled(lambda: member.owned == {0}, "the member is in")
    async with Admin() as admin:
        groups = dict(group[:2] for group in await admin.list_consumer_groups())
        equal(groups.get("aio-listed"), "consumer", "protocol type of the group")
        described = (await admin.describe_consumer_groups(["aio-listed"]))[0].groups[0]
        equal((described[1], described[2], len(described[5])), ("aio-listed", "Stable", 1))
    await member.stop()


main()
