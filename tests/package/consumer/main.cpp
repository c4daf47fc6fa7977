// Sends a record to the broker of its argument and prints where it went.
#include <weir/producer.hpp>

#include <iostream>

int main(int, char** arguments) {
    weir::client kafka{arguments[1]};
    weir::producer out{kafka};
    const auto sent = out.send("greetings", "alice", "hello, world").get();
    if (sent) std::cout << sent->topic << '-' << sent->partition << '@' << sent->offset << '\n';
    else std::cerr << sent.error() << '\n';
    // An unusable address throws, through the library's boundary.
    try {
        const weir::client nowhere{"no-port"};
    } catch (const weir::exception& refused) {
        std::cout << "refused: " << refused.what() << '\n';
    }
    return sent ? 0 : 1;
}
