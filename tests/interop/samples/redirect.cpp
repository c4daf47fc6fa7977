// Loaded before a sample (LD_PRELOAD): where it connects to localhost:9092, which may be somebody else's, it reaches the port
// that REDIRECT_PORT names.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>

extern "C" int connect(int descriptor, const sockaddr* to, socklen_t size) {
    using connect_function = int (*)(int, const sockaddr*, socklen_t);
    static const auto next = reinterpret_cast<connect_function>(dlsym(RTLD_NEXT, "connect"));
    sockaddr_storage where{};
    if (size <= sizeof where) std::memcpy(&where, to, size);
    // Both families have the port in the same place.
    auto& port = reinterpret_cast<sockaddr_in&>(where).sin_port;
    if ((to->sa_family != AF_INET && to->sa_family != AF_INET6) || port != htons(9092)) return next(descriptor, to, size);
    port = htons(static_cast<unsigned short>(std::atoi(std::getenv("REDIRECT_PORT"))));
    return next(descriptor, reinterpret_cast<const sockaddr*>(&where), size);
}
