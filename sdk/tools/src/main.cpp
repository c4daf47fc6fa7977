// weir: Kafka's command line.
#include "program.hpp"

int main(int argc, char** argv) {
    return weir::tools::run_program({const_cast<const char* const*>(argv), static_cast<std::size_t>(argc)});
}
