// The least work a broker can do per byte on this machine: the yardstick beside which brokers are measured.
//
//   limit produce BATCH_KB GB   a server reads framed batches, checksums them, writes them to a file, acknowledges
//   limit fetch   BATCH_KB GB   a server sends a batch with sendfile for each small request
//
// Two processes over loopback TCP, five batches in flight. Prints throughput and CPU seconds per GB of both.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <nmmintrin.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr std::size_t request_bytes = 80, acknowledgement_bytes = 40;

void must(bool held, const char* what) {
    if (held) return;
    std::perror(what);
    ::_exit(1);
}

void read_all(int from, void* into, std::size_t size) {
    for (auto* at = static_cast<char*>(into); size > 0;) {
        const auto got = ::read(from, at, size);
        must(got > 0, "limit: read");
        at += got;
        size -= static_cast<std::size_t>(got);
    }
}

void write_all(int to, const void* from, std::size_t size) {
    for (const auto* at = static_cast<const char*>(from); size > 0;) {
        const auto put = ::write(to, at, size);
        must(put > 0, "limit: write");
        at += put;
        size -= static_cast<std::size_t>(put);
    }
}

/// Three hardware streams side by side: the speed of CRC-32C, not its value.
__attribute__((target("sse4.2"))) std::uint64_t checksum(const char* data, std::size_t size) {
    std::uint64_t first = 0, second = 0, third = 0;
    const std::size_t words = size / 24;
    std::uint64_t a = 0, b = 0, c = 0;
    for (std::size_t i = 0; i < words; i++) {
        std::memcpy(&a, data + 8 * i, 8);
        std::memcpy(&b, data + 8 * (words + i), 8);
        std::memcpy(&c, data + 8 * (2 * words + i), 8);
        first = _mm_crc32_u64(first, a);
        second = _mm_crc32_u64(second, b);
        third = _mm_crc32_u64(third, c);
    }
    return first ^ second ^ third;
}

double cpu_seconds(int who) {
    rusage used{};
    ::getrusage(who, &used);
    return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

void no_delay(int socket) {
    const int one = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

void serve_produce(int client, const std::string& path, std::uint64_t batches, std::vector<char>& buffer) {
    const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    must(file >= 0, path.c_str());
    volatile std::uint64_t kept = 0;
    const char acknowledgement[acknowledgement_bytes] = {};
    for (std::uint64_t i = 0; i < batches; i++) {
        std::uint32_t size = 0;
        read_all(client, &size, sizeof size);
        read_all(client, buffer.data(), size);
        kept = kept ^ checksum(buffer.data(), size);
        write_all(file, buffer.data(), size);
        write_all(client, acknowledgement, sizeof acknowledgement);
    }
}

void serve_fetch(int client, const std::string& path, std::uint64_t batches, std::size_t batch_bytes) {
    const int file = ::open(path.c_str(), O_RDONLY);
    must(file >= 0, path.c_str());
    off_t offset = 0;
    char request[request_bytes];
    for (std::uint64_t i = 0; i < batches; i++) {
        read_all(client, request, sizeof request);
        for (std::size_t left = batch_bytes; left > 0;) {
            const auto sent = ::sendfile(client, file, &offset, left);
            must(sent > 0, "limit: sendfile");
            left -= static_cast<std::size_t>(sent);
        }
    }
}

void drive_produce(int server, std::uint64_t batches, const std::vector<char>& batch) {
    const auto size = static_cast<std::uint32_t>(batch.size());
    char acknowledgement[acknowledgement_bytes];
    for (std::uint64_t sent = 0, answered = 0; answered < batches; answered++) {
        for (; sent < batches && sent - answered < 5; sent++) {
            write_all(server, &size, sizeof size);
            write_all(server, batch.data(), batch.size());
        }
        read_all(server, acknowledgement, sizeof acknowledgement);
    }
}

void drive_fetch(int server, std::uint64_t batches, std::vector<char>& batch) {
    const char request[request_bytes] = {};
    for (std::uint64_t i = 0; i < batches; i++) {
        write_all(server, request, sizeof request);
        read_all(server, batch.data(), batch.size());
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4 || (std::strcmp(argv[1], "produce") != 0 && std::strcmp(argv[1], "fetch") != 0)) {
        std::fprintf(stderr, "usage: limit produce|fetch BATCH_KB GB\n");
        return 2;
    }
    const bool produce = std::strcmp(argv[1], "produce") == 0;
    const std::size_t batch_bytes = std::strtoul(argv[2], nullptr, 10) * 1024;
    const auto batches = static_cast<std::uint64_t>(std::strtod(argv[3], nullptr) * 1e9) / batch_bytes;
    const char* folder = std::getenv("TMPDIR");
    const std::string path = std::string(folder ? folder : "/tmp") + "/weir-limit." + std::to_string(::getpid());
    std::vector<char> buffer(batch_bytes, 'y');
    if (!produce) {
        const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
        must(file >= 0, path.c_str());
        for (std::uint64_t i = 0; i < batches; i++) write_all(file, buffer.data(), batch_bytes);
        ::close(file);
    }
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t address_bytes = sizeof address;
    must(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "limit: bind");
    must(::listen(listener, 1) == 0, "limit: listen");
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &address_bytes);

    const pid_t server = ::fork();
    if (server == 0) {
        const int client = ::accept(listener, nullptr, nullptr);
        must(client >= 0, "limit: accept");
        no_delay(client);
        if (produce) serve_produce(client, path, batches, buffer);
        else serve_fetch(client, path, batches, batch_bytes);
        ::_exit(0);
    }
    const int connected = ::socket(AF_INET, SOCK_STREAM, 0);
    must(::connect(connected, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "limit: connect");
    no_delay(connected);
    const double cpu = cpu_seconds(RUSAGE_SELF);
    const auto start = std::chrono::steady_clock::now();
    if (produce) drive_produce(connected, batches, buffer);
    else drive_fetch(connected, batches, buffer);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double client_cpu = cpu_seconds(RUSAGE_SELF) - cpu;
    ::close(connected);
    int status = 0;
    ::waitpid(server, &status, 0);
    ::unlink(path.c_str());
    const double gigabytes = static_cast<double>(batches * batch_bytes) / 1e9;
    std::printf("mb_per_s=%.1f server_cpu_s_per_gb=%.3f client_cpu_s_per_gb=%.3f\n", gigabytes * 1000 / seconds,
                cpu_seconds(RUSAGE_CHILDREN) / gigabytes, client_cpu / gigabytes);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
