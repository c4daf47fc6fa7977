// One record to one topic. Types come from the call: text travels as UTF-8.
#include <weir/producer.hpp>

int main() {
    weir::client kafka{"localhost:9092"};
    weir::producer out{kafka};
    return out.send("greetings", "alice", "hello, world").get() ? 0 : 1;
}
