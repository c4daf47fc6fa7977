// The main program: doctest's checks, one line each as the other suites print them.
#define DOCTEST_CONFIG_IMPLEMENT
#include "suite.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>

namespace weir::suite {
namespace {

std::string left_out;

std::string environment(const char* name) {
    const auto* value = std::getenv(name);
    return value ? value : "";
}

class check_lines : public doctest::IReporter {
public:
    explicit check_lines(const doctest::ContextOptions&) {}
    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats&) override {}
    void test_case_start(const doctest::TestCaseData& of) override {
        name_ = of.m_name;
        why_.clear();
        left_out.clear();
    }
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
        if (!left_out.empty() && !on_apache()) std::cout << "left out - " << name_ << ": " << left_out << std::endl;
        else if (stats.failure_flags == 0) std::cout << "ok - " << name_ << std::endl;
        else std::cout << "not ok - " << name_ << ": " << (left_out.empty() ? why_ : left_out) << std::endl;
    }
    void test_case_exception(const doctest::TestCaseException& thrown) override { why_ += std::string{thrown.error_string.c_str()} + "; "; }
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData& of) override {
        if (!of.m_failed) return;
        why_ += std::string{of.m_file}.substr(std::string{of.m_file}.rfind('/') + 1) + ":" + std::to_string(of.m_line) + " " + of.m_expr + " is " + of.m_decomp.c_str();
        for (int i = 0; i < doctest::IReporter::get_num_active_contexts(); ++i) {
            std::ostringstream text;
            doctest::IReporter::get_active_contexts()[i]->stringify(&text);
            why_ += " (" + text.str() + ")";
        }
        why_ += "; ";
    }
    void log_message(const doctest::MessageData& of) override { why_ += std::string{of.m_string.c_str()} + "; "; }
    void test_case_skipped(const doctest::TestCaseData&) override {}

private:
    std::string name_;
    std::string why_;
};
DOCTEST_REGISTER_REPORTER("checks", 1, check_lines);

}  // namespace

client& kafka() {
    static client one{environment("BOOTSTRAP")};
    return one;
}
admin& ops() {
    static admin one{kafka(), {.timeout = 30s}};
    return one;
}
bool on_apache() { return environment("WEIR_BROKER") == "apache"; }

const std::vector<std::int32_t>& brokers() {
    static const auto all = [] {
        std::vector<std::int32_t> ids;
        for (const auto& each : get(ops().describe_cluster()).nodes) ids.push_back(each.id);
        return ids;
    }();
    return all;
}
void leave_out(const error& why) { left_out = why.message(); }
std::string fresh(std::string_view what) {
    static std::atomic<int> number = 0;
    static const auto begun = std::chrono::system_clock::now().time_since_epoch() / 1s % 100'000;
    return std::string{what} + "-" + std::to_string(begun) + "-" + std::to_string(++number);
}
std::string make_topic(std::string_view what, std::int32_t partitions, std::int16_t replication) {
    const auto name = fresh(what);
    succeed(ops().create_topics({{.name = name, .partitions = partitions, .replication = replication}}));
    REQUIRE(eventually([&] { return bool{*ops().describe_topics({name}).get()}; }));
    return name;
}
void fill(const std::string& name, std::int32_t partition, int count) {
    producer out{kafka()};
    const topic<std::string, std::string> to{name};
    for (int i = 0; i < count; ++i) {
        send_options at;
        at.partition = partition;
        at.time = timestamp{1'000s + std::chrono::seconds{i}};
        (void)out.send(to, "k", "v", at);
    }
    get(out.flush());
}

}  // namespace weir::suite

int main(int count, char** words) {
    doctest::Context context{count, words};
    context.addFilter("reporters", "checks");
    return context.run();
}
