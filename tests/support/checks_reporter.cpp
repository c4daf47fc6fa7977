// Prints doctest's cases as the interop suites print their checks: `ok - title (s)`, `ok - title: MESSAGE (s)` or
// `not ok - title: why`. Choose it with --reporters=checks.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdio>
#include <string>

namespace {

class checks_reporter final : public doctest::IReporter {
public:
    explicit checks_reporter(const doctest::ContextOptions& /*options*/) {}
    void report_query(const doctest::QueryData& /*data*/) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats& /*stats*/) override {}
    void test_case_start(const doctest::TestCaseData& which) override {
        title_ = which.m_name;
        why_.clear();
        began_ = std::chrono::steady_clock::now();
    }
    void test_case_reenter(const doctest::TestCaseData& /*which*/) override {}
    void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
        if (stats.failure_flags == 0) std::printf("ok - %s%s%s (%.1f s)\n", title_.c_str(), why_.empty() ? "" : ": ", why_.c_str(), seconds);
        else std::printf("not ok - %s: %s\n", title_.c_str(), why_.c_str());
        std::fflush(stdout);
    }
    void test_case_exception(const doctest::TestCaseException& thrown) override { note(thrown.error_string.c_str()); }
    void subcase_start(const doctest::SubcaseSignature& /*which*/) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData& checked) override {
        if (!checked.m_failed) return;
        const char* file = checked.m_file;
        for (const char* at = file; *at != '\0'; ++at)
            if (*at == '/') file = at + 1;
        note(std::string{file} + ":" + std::to_string(checked.m_line) + " " + checked.m_expr + (checked.m_threw ? " threw " : " is ") +
             (checked.m_threw ? checked.m_exception.c_str() : checked.m_decomp.c_str()));
    }
    void log_message(const doctest::MessageData& said) override { note(said.m_string.c_str()); }
    void test_case_skipped(const doctest::TestCaseData& /*which*/) override {}

private:
    void note(const std::string& what) {
        if (!why_.empty()) why_ += "; ";
        for (const char each : what) why_ += each == '\n' ? ' ' : each;
    }
    std::string title_, why_;
    std::chrono::steady_clock::time_point began_;
};
REGISTER_REPORTER("checks", 1, checks_reporter);

}  // namespace
