// A record for a broker in this process, in real time and in virtual time.
#include <weir/broker/embedded.hpp>
#include <weir/broker/simulated.hpp>
#include <weir/producer.hpp>

#include <iostream>

namespace {

int put(const weir::client& kafka) {
    weir::producer out{kafka};
    const auto sent = out.send("greetings", "alice", "hello, world").get();
    if (sent) std::cout << sent->topic << '-' << sent->partition << '@' << sent->offset << '\n';
    else std::cerr << sent.error() << '\n';
    return sent ? 0 : 1;
}

}  // namespace

int main() {
    const weir::broker::embedded real;
    const weir::broker::simulated virtual_one;
    return put(weir::client{real.bootstrap()}) + put(weir::client{real}) + put(weir::client{virtual_one});
}
