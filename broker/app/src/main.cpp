// weir-broker: reads its settings, runs one node until a signal ends it.
#include <weir/base/asio_runtime.hpp>
#include <weir/base/log.hpp>
#include <weir/base/posix_files.hpp>
#include <weir/base/random.hpp>
#include <weir/broker/broker_node.hpp>
#include <weir/broker/settings_page.hpp>

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "console_log.hpp"

namespace {

using namespace weir;

struct program {
    runtime& threads;
    broker::broker_node* node = nullptr;
    int exit_code = 0;
    bool stopping = false;
};

task<void> stop(program& self) {
    if (std::exchange(self.stopping, true)) co_return;
    auto stopping = self.node->stop();
    if (const auto stopped = co_await stopping; !stopped) {
        broker::print_error("the shutdown was not clean: " + stopped.error().message());
        self.exit_code = 1;
    }
    self.threads.stop();
}

task<void> start(program& self) {
    auto starting = self.node->start();
    auto started = co_await starting;
    if (self.stopping || self.exit_code != 0) co_return;  // what went wrong was told
    if (!started) {
        broker::print_error("cannot start: " + started.error().message());
        self.exit_code = 1;
        self.threads.stop();
        co_return;
    }
    for (const auto& each : self.node->listeners()) broker::print_notice("serving " + each.listener + " on " + to_string(each.bound) + ", cluster " + self.node->cluster_id());
}

int run(const std::string& config_file, const std::vector<std::string>& overrides, const std::string& log_level, broker::log_format log_format) {
    broker::log_to_console(log_level, log_format);
    std::string text;
    if (!config_file.empty()) {
        auto content = read_file(*make_posix_files(), config_file);
        if (!content) {
            broker::print_error("cannot read the configuration: " + content.error().message());
            return 2;
        }
        text = as_text(*content);
    }
    auto parsed = broker::parse_config(config_file, text, overrides);
    if (!parsed) {
        broker::print_error(std::string{parsed.error().what()});
        return 2;
    }
    for (const auto& each : parsed->without_effect) broker::print_notice(each + " has no effect in this broker");

    const auto loops = parsed->config.node.event_loops > 0 ? parsed->config.node.event_loops : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    runtime threads{loops};
    const auto files = make_posix_files();  // its threads tell the loops what is on the disk: it ends first
    std::vector<event_loop*> cores;
    for (int i = 0; i < loops; ++i) cores.push_back(&threads.loop(i));
    auto seeds = random_source::from_system();
    program self{threads};
    broker::environment world{cores, threads.net(), *files, seeds()};
    world.usage = usage_of_process;
    world.slept = [&threads](std::size_t core) { return threads.slept(static_cast<int>(core)); };
    char host_name[256] = "localhost";
    if (::gethostname(host_name, sizeof host_name - 1) == 0) world.host_name = host_name;
    broker::broker_node node{parsed->config, std::move(world), [&](const error& why) {
                                 broker::print_error("the broker cannot go on: " + why.message());
                                 self.exit_code = 1;
                                 threads.stop();
                             }};
    self.node = &node;
    std::signal(SIGPIPE, SIG_IGN);
    threads.on_signal({SIGTERM, SIGINT}, [&](int) { spawn(stop(self)); });
    threads.loop(0).post([&] { spawn(start(self)); });
    threads.run();
    return self.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App options{"A broker for Kafka clients. Without options it keeps its data in ./weir-data and serves localhost:9092."};
    std::string config_file;
    std::string log_level = "info";
    std::vector<std::string> overrides;
    options.add_option("--config", config_file, "server.properties, with Kafka's names");
    options.add_option("--override", overrides, "name=value, wins over the file; may be repeated")->take_all()->expected(1);
    options.add_option("--log-level", log_level, "trace, debug, info, warn or error")->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
    std::string log_format = "text";
    options.add_option("--log-format", log_format, "text, or json: an object a line")->check(CLI::IsMember({"text", "json"}));
    bool print_settings = false;
    options.add_flag("--print-settings", print_settings, "print the reference of settings as Markdown and end");
    options.set_version_flag("--version", WEIR_VERSION);
    CLI11_PARSE(options, argc, argv);
    if (print_settings) {
        std::fputs(broker::settings_page().c_str(), stdout);
        return 0;
    }
    return run(config_file, overrides, log_level, log_format == "json" ? broker::log_format::json : broker::log_format::text);
}
