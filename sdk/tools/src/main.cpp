// weir: Kafka's command line.
#include "program.hpp"

#include <weir/base/log.hpp>

#include <cstdio>

int main(int argc, char** argv) {
    // Why it takes so long: brokers that cannot be reached, before the time for that is over. All else tools tell themselves.
    weir::log::set_sink([](weir::log::level severity, std::string_view logger, std::string_view message) {
        if (severity < weir::log::level::warn || logger != "weir.client.cluster") return;
        std::fprintf(stderr, "WARN %.*s\n", static_cast<int>(message.size()), message.data());
    });
    return weir::tools::run_program({const_cast<const char* const*>(argv), static_cast<std::size_t>(argc)});
}
