// A load generator that is cheap beside a broker: prebuilt requests, plain sockets, several requests in flight.
//
//   load create  ADDRESS TOPIC PARTITIONS [name=value ...]
//   load produce ADDRESS TOPIC PARTITIONS RECORD_BYTES BATCH_KB GB [CONNECTIONS] [IN_FLIGHT]   acks=all, uncompressed
//   load fetch   ADDRESS TOPIC PARTITIONS GB [CONNECTIONS]                    from the beginning; again from there at the end
//   load latency ADDRESS TOPIC PARTITIONS RECORD_BYTES RECORDS_PER_S SECONDS  end to end: due time to arrival in a long poll
//   load ready   ADDRESS TOPIC                                                retries until one record is acknowledged
//
// Prints name=value pairs on one line. GB are 10^9 bytes of batches on the wire.
#include "load_wire.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <deque>
#include <mutex>
#include <thread>

namespace load {
namespace {

using steady = std::chrono::steady_clock;

double seconds_since(steady::time_point start) { return std::chrono::duration<double>(steady::now() - start).count(); }

std::int64_t wall_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

double own_cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/// Connects, or gives -1.
int try_connect(const std::string& address) {
    const auto colon = address.rfind(':');
    if (colon == std::string::npos) fail("'" + address + "' is no address; write host:port");
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(address.c_str() + colon + 1)));
    const std::string host = address.substr(0, colon) == "localhost" ? "127.0.0.1" : address.substr(0, colon);
    if (inet_pton(AF_INET, host.c_str(), &to.sin_addr) != 1) fail("'" + host + "' is no IPv4 address");
    const int made = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(made, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
        ::close(made);
        return -1;
    }
    const int one = 1;
    ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return made;
}

class connection {
public:
    explicit connection(const std::string& address) : socket_(try_connect(address)) {
        if (socket_ < 0) fail("cannot connect to " + address);
    }
    explicit connection(int socket) : socket_(socket) {}
    ~connection() { if (socket_ >= 0) ::close(socket_); }
    connection(const connection&) = delete;

    bool try_send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void send(std::string_view bytes) { if (!try_send(bytes)) fail("the broker closed the connection while being written to"); }

    /// The next answer, without its size; empty when the broker hung up. Valid until the next call.
    std::string_view try_receive() {
        std::int32_t size = 0;
        char head[4];
        if (!fill(head, 4)) return {};
        size = read_int<std::int32_t>(head);
        if (buffer_.size() < static_cast<std::size_t>(size)) buffer_.resize(static_cast<std::size_t>(size));
        if (!fill(buffer_.data(), static_cast<std::size_t>(size))) return {};
        return {buffer_.data(), static_cast<std::size_t>(size)};
    }
    std::string_view receive() {
        const auto answer = try_receive();
        if (answer.empty()) fail("the broker closed the connection instead of answering");
        return answer;
    }

private:
    bool fill(char* into, std::size_t size) {
        while (size > 0) {
            const auto got = ::recv(socket_, into, size, 0);
            if (got <= 0) return false;
            into += got;
            size -= static_cast<std::size_t>(got);
        }
        return true;
    }
    int socket_;
    std::vector<char> buffer_;
};

/// Text that does not compress to nothing, the same in every run.
std::string filler(std::size_t bytes, std::uint64_t seed) {
    std::string made(bytes, ' ');
    for (auto& letter : made) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        letter = static_cast<char>('a' + (seed >> 59));
    }
    return made;
}

void create(const std::string& address, const std::string& topic, std::int32_t partitions, const std::vector<std::string>& settings) {
    connection to{address};
    to.send(create_request(topic, partitions, settings));
    const auto answer = to.receive();
    const auto code = read_int<std::int16_t>(answer.data() + 4 + 4 + 4 + 2 + topic.size());
    if (code != 0) fail("creating " + topic + " was refused, code " + std::to_string(code));
    // A new topic takes a moment to be led.
    const auto start = steady::now();
    for (std::int32_t partition = 0; partition < partitions; partition++) {
        for (;;) {
            to.send(fetch_request(topic, partition, {0}, 1024, 0));
            const auto reply = to.receive();
            const auto parts = fetch_answer(reply.data(), reply.size(), topic);
            if (parts.size() == 1 && parts[0].error == 0) break;
            if (seconds_since(start) > 20) fail(topic + "-" + std::to_string(partition) + " is not led after 20 s");
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
    }
}

void produce(const std::string& address, const std::string& topic, std::int32_t partitions, std::size_t record_bytes,
             std::size_t batch_bytes, double gigabytes, int connections, std::size_t in_flight) {
    std::vector<std::string> values;
    for (std::size_t i = 0, size = 61; size + record_bytes + 8 <= batch_bytes; i++, size += record_bytes + 8)
        values.push_back(filler(record_bytes, i));
    const auto batch = make_batch(values, wall_ms());
    const auto wanted = static_cast<std::uint64_t>(gigabytes * 1e9 / static_cast<double>(batch.size()));
    std::vector<std::string> requests;
    for (std::int32_t partition = 0; partition < partitions; partition++) requests.push_back(produce_request(topic, partition, batch));

    std::atomic<std::uint64_t> begun{0};
    const auto cpu = own_cpu_seconds();
    const auto start = steady::now();
    const auto run = [&](int number) {
        connection to{address};
        std::size_t open = 0;
        auto next = static_cast<std::size_t>(number);
        bool more = true;
        while (more || open > 0) {
            while (more && open < in_flight) {
                if (begun.fetch_add(1) >= wanted) {
                    more = false;
                    break;
                }
                to.send(requests[next % requests.size()]);
                next++;
                open++;
            }
            if (open == 0) break;
            const auto answer = to.receive();
            if (const auto code = produce_error(answer.data(), answer.size(), topic)) fail("produce was refused, code " + std::to_string(code));
            open--;
        }
    };
    std::vector<std::thread> threads;
    for (int number = 0; number < connections; number++) threads.emplace_back(run, number);
    for (auto& thread : threads) thread.join();
    const double took = seconds_since(start);
    const double bytes = static_cast<double>(wanted) * static_cast<double>(batch.size());
    std::printf("mb_per_s=%.1f records_per_s=%.0f gb=%.4f seconds=%.3f client_cpu_s=%.3f batch_bytes=%zu records_per_batch=%zu\n",
                bytes / 1e6 / took, static_cast<double>(wanted * values.size()) / took, bytes / 1e9, took, own_cpu_seconds() - cpu,
                batch.size(), values.size());
}

void fetch(const std::string& address, const std::string& topic, std::int32_t partitions, double gigabytes, int connections) {
    const auto wanted = static_cast<std::uint64_t>(gigabytes * 1e9);
    std::atomic<std::uint64_t> taken{0}, records{0};
    const auto cpu = own_cpu_seconds();
    const auto start = steady::now();
    const auto run = [&](int number) {
        connection to{address};
        std::vector<std::int64_t> offsets(static_cast<std::size_t>(partitions), 0);
        auto partition = static_cast<std::int32_t>(number % partitions);
        while (taken.load(std::memory_order_relaxed) < wanted) {
            auto& offset = offsets[static_cast<std::size_t>(partition)];
            to.send(fetch_request(topic, partition, {offset}, 1 << 20, 100));
            const auto answer = to.receive();
            const auto parts = fetch_answer(answer.data(), answer.size(), topic);
            if (parts.size() != 1 || parts[0].error != 0)
                fail("fetch was refused, code " + std::to_string(parts.empty() ? -1 : parts[0].error));
            const auto before = offset;
            each_batch(parts[0].records, [&](std::string_view batch) {
                records.fetch_add(static_cast<std::uint64_t>(read_int<std::int32_t>(batch.data() + 57)), std::memory_order_relaxed);
                offset = next_offset(batch);
            });
            taken.fetch_add(parts[0].records.size(), std::memory_order_relaxed);
            if (offset == before) offset = 0;  // the end: once more
            partition = (partition + 1) % partitions;
        }
    };
    std::vector<std::thread> threads;
    for (int number = 0; number < connections; number++) threads.emplace_back(run, number);
    for (auto& thread : threads) thread.join();
    const double took = seconds_since(start), bytes = static_cast<double>(taken.load());
    std::printf("mb_per_s=%.1f records_per_s=%.0f gb=%.4f seconds=%.3f client_cpu_s=%.3f\n", bytes / 1e6 / took,
                static_cast<double>(records.load()) / took, bytes / 1e9, took, own_cpu_seconds() - cpu);
}

double percentile(const std::vector<double>& sorted, double share) {
    return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
}

void latency(const std::string& address, const std::string& topic, std::int32_t partitions, std::size_t record_bytes,
             double rate, double seconds) {
    // Every millisecond what is due goes out as one batch, to the partitions in turn. Latency counts from the due time,
    // so that a broker that stalls the sender pays for it. The first fifth warms up and is left out.
    const auto per_tick = static_cast<std::size_t>(rate / 1000.0);
    if (per_tick == 0) fail("latency needs at least 1000 records per second");
    const auto ticks = static_cast<std::int64_t>(seconds * 1000);
    record_bytes = std::max<std::size_t>(record_bytes, 16);
    const auto start = steady::now() + std::chrono::milliseconds{200};
    const auto nanos = [&](steady::time_point when) { return std::chrono::duration_cast<std::chrono::nanoseconds>(when - start).count(); };
    const auto warm = ticks / 5 * 1'000'000;
    const auto expected = static_cast<std::uint64_t>(ticks) * per_tick;
    std::vector<double> end_to_end, acknowledged;
    end_to_end.reserve(expected);
    acknowledged.reserve(static_cast<std::size_t>(ticks));

    std::vector<std::int64_t> offsets(static_cast<std::size_t>(partitions), 0);
    std::thread consumer{[&] {
        connection to{address};
        std::uint64_t seen = 0;
        while (seen < expected) {
            to.send(fetch_request(topic, 0, offsets, 1 << 20, 500));
            const auto answer = to.receive();
            const auto now = nanos(steady::now());
            for (const auto& part : fetch_answer(answer.data(), answer.size(), topic)) {
                if (part.error != 0) fail("fetch was refused, code " + std::to_string(part.error));
                each_batch(part.records, [&](std::string_view batch) {
                    // The due time is the same for the whole batch and stands at the front of the first value: after the
                    // record's length (2 bytes at these sizes or 1), attributes, deltas, key and value length.
                    const auto count = read_int<std::int32_t>(batch.data() + 57);
                    const auto marked = batch.find("due:", 61);
                    if (marked == std::string_view::npos) fail("a record came back changed");
                    const auto due = read_int<std::int64_t>(batch.data() + marked + 4);
                    if (due >= warm)
                        for (std::int32_t i = 0; i < count; i++) end_to_end.push_back(static_cast<double>(now - due) / 1e6);
                    seen += static_cast<std::uint64_t>(count);
                    offsets[static_cast<std::size_t>(part.partition)] = next_offset(batch);
                });
            }
        }
    }};

    connection to{address};
    std::mutex lock;
    std::deque<std::int64_t> open;
    std::thread acknowledger{[&] {
        for (std::int64_t tick = 0; tick < ticks; tick++) {
            const auto answer = to.receive();
            const auto now = nanos(steady::now());
            if (const auto code = produce_error(answer.data(), answer.size(), topic)) fail("produce was refused, code " + std::to_string(code));
            const std::lock_guard held{lock};
            if (open.front() >= warm) acknowledged.push_back(static_cast<double>(now - open.front()) / 1e6);
            open.pop_front();
        }
    }};
    std::vector<std::string> values(per_tick, filler(record_bytes, 7));
    for (std::int64_t tick = 0; tick < ticks; tick++) {
        const auto due = tick * 1'000'000;
        std::this_thread::sleep_until(start + std::chrono::nanoseconds{due});
        writer mark;
        mark.raw("due:").put(due);
        std::memcpy(values[0].data(), mark.bytes.data(), mark.bytes.size());
        const auto batch = make_batch(values, wall_ms());
        {
            const std::lock_guard held{lock};
            open.push_back(due);
        }
        to.send(produce_request(topic, static_cast<std::int32_t>(tick % partitions), batch));
    }
    acknowledger.join();
    consumer.join();
    std::sort(end_to_end.begin(), end_to_end.end());
    std::sort(acknowledged.begin(), acknowledged.end());
    std::printf("p50_ms=%.3f p99_ms=%.3f p999_ms=%.3f max_ms=%.3f ack_p50_ms=%.3f ack_p99_ms=%.3f records=%zu\n",
                percentile(end_to_end, 0.5), percentile(end_to_end, 0.99), percentile(end_to_end, 0.999), end_to_end.back(),
                percentile(acknowledged, 0.5), percentile(acknowledged, 0.99), end_to_end.size());
}

/// Until a record is acknowledged: connects, creates the topic, produces; whatever fails is tried again.
void ready(const std::string& address, const std::string& topic) {
    const auto start = steady::now();
    const auto create_topic = create_request(topic, 1, {});
    const auto record = produce_request(topic, 0, make_batch({"ready"}, wall_ms()));
    while (seconds_since(start) < 60) {
        const int socket = try_connect(address);
        if (socket >= 0) {
            connection to{socket};
            bool usable = to.try_send(create_topic) && !to.try_receive().empty();
            while (usable && seconds_since(start) < 60) {
                usable = to.try_send(record);
                const auto answer = usable ? to.try_receive() : std::string_view{};
                if (answer.empty()) break;
                if (produce_error(answer.data(), answer.size(), topic) == 0) {
                    std::printf("ready_ns=%lld\n", static_cast<long long>(steady::now().time_since_epoch().count()));
                    return;
                }
            }
        }
        std::this_thread::sleep_for(std::chrono::microseconds{500});
    }
    fail("no record was acknowledged within 60 s on " + address);
}

int run(const std::vector<std::string>& words) {
    const auto number = [&](std::size_t at, double fallback) { return at < words.size() ? std::stod(words[at]) : fallback; };
    const auto whole = [&](std::size_t at, int fallback) { return static_cast<int>(number(at, fallback)); };
    if (words.size() >= 4 && words[0] == "create") {
        create(words[1], words[2], whole(3, 1), {words.begin() + 4, words.end()});
    } else if (words.size() >= 7 && words[0] == "produce") {
        produce(words[1], words[2], whole(3, 1), static_cast<std::size_t>(whole(4, 100)), static_cast<std::size_t>(whole(5, 64)) * 1024,
                number(6, 1), whole(7, 2), static_cast<std::size_t>(whole(8, 5)));
    } else if (words.size() >= 5 && words[0] == "fetch") {
        fetch(words[1], words[2], whole(3, 1), number(4, 1), whole(5, 2));
    } else if (words.size() >= 7 && words[0] == "latency") {
        latency(words[1], words[2], whole(3, 1), static_cast<std::size_t>(whole(4, 100)), number(5, 5000), number(6, 10));
    } else if (words.size() == 3 && words[0] == "ready") {
        ready(words[1], words[2]);
    } else {
        std::fprintf(stderr, "usage: load create|produce|fetch|latency|ready ADDRESS TOPIC ...; the source says more\n");
        return 2;
    }
    return 0;
}

}  // namespace
}  // namespace load

int main(int argc, char** argv) { return load::run({argv + 1, argv + argc}); }
