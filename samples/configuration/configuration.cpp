// Kafka's own names from a properties file, and a wire form of one's own.
#include <weir/producer.hpp>

using namespace std::chrono_literals;

struct temperature {
    double celsius = 0;
};
template <>
struct weir::serde_traits<temperature> {
    static void encode(temperature t, byte_sink& sink) { sink.big_endian(static_cast<std::int32_t>(t.celsius * 100)); }
    static error decode(bytes_view data, temperature& t) {
        std::int32_t hundredths = 0;
        auto why = serde_traits<std::int32_t>::decode(data, hundredths);
        t.celsius = hundredths / 100.0;
        return why;
    }
};
inline const weir::topic<std::int64_t, temperature> readings{"readings"};

int main() {
    auto file = weir::load_properties("client.properties");  // bootstrap.servers=..., security.protocol=SASL_SSL, ...
    weir::producer out{weir::client{*file}, {.linger = 10ms, .extra = {{"compression.type", "lz4"}}}};
    out.send(readings, 17, {.celsius = 21.5});
    out.send(readings, 17, {.celsius = 22.25}, {.partition = 0, .headers = {{.name = "unit"}}});
    return out.flush().get() ? 0 : 1;
}
