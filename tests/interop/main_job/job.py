"""The main job on real input: every package description Debian knows, one record a line, written by kcat with each
codec into six partitions and read back by the given readers: every line once, none changed; and the same when the
broker is killed in the middle of writing.

kcat sends no record for an empty line, so the empty lines of the input are left out of the comparison.
"""
import hashlib
import os
import pathlib
import random
import subprocess
import threading
import time

from brokers import Broker
from checks import check, equal, eventually
from wire import Client, batch

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
BOOTSTRAP = os.environ["BOOTSTRAP"]
WORK = pathlib.Path(os.environ["WORK"])
BROKER = Broker(os.environ["BROKER_DIR"])
TEXT = pathlib.Path(os.environ["REPOSITORY"]) / "build/interop/dumpavail.txt"
PARTITIONS = 6
LEAST_BYTES = 20_000_000


def input_text() -> pathlib.Path:
    """The input, made once."""
    if not TEXT.exists() or TEXT.stat().st_size < LEAST_BYTES:
        TEXT.parent.mkdir(parents=True, exist_ok=True)
        with open(TEXT.with_suffix(".tmp"), "wb") as out:
            subprocess.run("apt-cache dumpavail | grep -v '^$'", shell=True, check=True, stdout=out)
        TEXT.with_suffix(".tmp").rename(TEXT)
    assert TEXT.stat().st_size >= LEAST_BYTES, \
        f"apt-cache dumpavail printed only {TEXT.stat().st_size} bytes; run `apt-get update` and try again"
    return TEXT


def multiset(path: pathlib.Path) -> tuple[int, str]:
    """The number of lines, and a digest of the lines in sorted order."""
    digest, lines = hashlib.sha256(), 0
    environment = dict(os.environ, LC_ALL="C")
    with subprocess.Popen(["sort", "-S", "1G", str(path)], stdout=subprocess.PIPE, env=environment) as sort:
        while block := sort.stdout.read(1 << 20):
            digest.update(block)
            lines += block.count(b"\n")
    assert sort.returncode == 0, f"sort {path} ended with status {sort.returncode}"
    return lines, digest.hexdigest()


def produce(topic: str, codec: str, *settings: str, timeout=300):
    """Starts kcat writing the whole input; the caller waits for it."""
    options = [word for setting in ("acks=all", *settings) for word in ("-X", setting)]
    return subprocess.Popen(["timeout", str(timeout), "kcat", "-P", "-E", "-b", BOOTSTRAP, "-t", topic, "-z", codec, *options,
                             "-l", str(input_text())], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(writer):
    _, errors = writer.communicate()
    assert writer.returncode == 0, f"kcat ended with status {writer.returncode}: {errors.strip()[-400:]}"


def read_with_kcat(topic: str, out: pathlib.Path):
    with open(out, "wb") as target:
        subprocess.run(["timeout", "300", "kcat", "-C", "-q", "-e", "-b", BOOTSTRAP, "-t", topic, "-o", "beginning"],
                       stdin=subprocess.DEVNULL, stdout=target, check=True)


def same_lines(topic: str, reader):
    out = WORK / f"{topic}.read"
    reader(topic, out)
    found, wanted = multiset(out), multiset(input_text())
    out.unlink()
    equal(found[0], wanted[0], "number of lines read")
    equal(found[1], wanted[1], "digest of the sorted lines")


def codec_checks(readers: dict):
    for codec in CODECS:
        @check(f"every line of the input is written with codec {codec} into {PARTITIONS} partitions")
        def _(codec=codec):
            topic = f"job-{codec}"
            finish(produce(topic, codec))
            client = Client(BOOTSTRAP)
            filled = [client.fetch(topic, partition, 0)[0] for partition in range(PARTITIONS)]
            assert all(filled), f"records in each partition: {filled}"
            equal(sum(filled), multiset(input_text())[0], "records in all partitions")

        for name, reader in readers.items():
            @check(f"{name} reads every line once, none changed, codec {codec}")
            def _(codec=codec, reader=reader):
                same_lines(f"job-{codec}", reader)


def end_offsets(topic: str) -> int:
    client = Client(BOOTSTRAP)
    try:
        return sum(client.fetch(topic, partition, 0, 1)[0] for partition in range(PARTITIONS))
    finally:
        client.close()


def killed_while_kcat_writes(readers: dict):
    """kcat (-E: not giving up when the broker goes) retries what was not acknowledged; being idempotent, it writes every line exactly once."""
    total = None
    for attempt in range(5):
        topic = f"killed-{attempt}"
        total = total or multiset(input_text())[0]
        # Small batches make the writing long enough to be hit.
        writer = produce(topic, "none", "enable.idempotence=true", "batch.num.messages=500", "retry.backoff.ms=50",
                         "reconnect.backoff.max.ms=200")

        def under_way():
            try:
                return end_offsets(topic) > total // 10
            except Exception:  # the topic is only being made
                return False
        eventually(under_way, f"a tenth of {topic} is written", 60, pause=0.02)
        BROKER.kill()
        running = writer.poll() is None
        BROKER.start()
        finish(writer)
        if running:
            break
    else:
        raise AssertionError("kcat was done before the kill, five times")
    for reader in readers.values():
        same_lines(topic, reader)


def acknowledged_survive_kills(rounds=8, writers=4):
    """Writers that never retry note what was acknowledged where; after each kill all of that is still there."""
    topic = "acknowledged"
    Client(BOOTSTRAP).create_topic(topic, PARTITIONS)
    dice = random.Random(int(os.environ.get("SEED", "1")))
    acknowledged = {}  # (partition, offset) -> value
    serial = iter(range(1 << 40))

    def write(stop: threading.Event, partition: int, noted: list):
        try:
            client = Client(BOOTSTRAP)
            while not stop.is_set():
                values = [f"line {next(serial)} of partition {partition}".encode() for _ in range(20)]
                first = client.produce(topic, partition, batch(values))
                noted += [(partition, first + i, value) for i, value in enumerate(values)]
        except OSError:
            pass  # the kill

    for round_number in range(rounds):
        stop = threading.Event()
        noted = [[] for _ in range(writers)]
        threads = [threading.Thread(target=write, args=(stop, (round_number + i) % PARTITIONS, noted[i]))
                   for i in range(writers)]
        for thread in threads:
            thread.start()
        eventually(lambda: sum(map(len, noted)) > 200, "writing has begun", 30, pause=0.01)
        time.sleep(dice.uniform(0.05, 0.6))  # the kill falls anywhere
        BROKER.kill()
        stop.set()
        for thread in threads:
            thread.join()
        BROKER.start()
        for part in noted:
            for partition, offset, value in part:
                assert acknowledged.setdefault((partition, offset), value) == value, \
                    f"offset {offset} of partition {partition} was acknowledged twice, with different records"
    client = Client(BOOTSTRAP)
    for partition in range(PARTITIONS):
        def led():
            try:
                return client.fetch(topic, partition, 0) is not None
            except Exception:
                return False
        eventually(led, f"partition {partition} is led again")
        there = dict(client.read_all(topic, partition))
        missing = [(offset, value) for (where, offset), value in acknowledged.items()
                   if where == partition and there.get(offset) != value]
        assert not missing, f"{len(missing)} acknowledged records of partition {partition} are gone, first: {missing[0]}"
    assert len(acknowledged) > rounds * 200


def kill_checks(readers: dict):
    @check("kill -9 while kcat writes: every line once, none changed")
    def _():
        killed_while_kcat_writes(readers)

    @check("kill -9, eight times: everything acknowledged with acks=all is still there")
    def _():
        acknowledged_survive_kills()
