#include "output.hpp"

#include "arguments.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace weir::tools {

namespace {

constexpr std::size_t block_bytes = 64 * 1024;

bool is_terminal(std::FILE* file) {
    const char* kind = std::getenv("TERM");
    return ::isatty(::fileno(file)) != 0 && kind && std::string_view{kind} != "dumb";
}

/// Characters, not bytes: names may be in any script.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

output::output(std::FILE* to, format as) : to_(to), format_(as), terminal_(is_terminal(to)) {}

output::~output() { flush(); }

void output::print(std::string_view text) {
    waiting_ += text;
    if (to_ && waiting_.size() >= block_bytes) flush();
}

void output::flush() {
    if (!to_ || waiting_.empty()) return;
    if (std::fwrite(waiting_.data(), 1, waiting_.size(), to_) != waiting_.size() || std::fflush(to_) != 0) failed_ = true;
    waiting_.clear();
}

std::string sentence(const error& why) {
    auto text = why.message();
    const auto code = std::string{describe(why.code()).name} + ": ";
    if (!why.what().empty() && text.starts_with(code)) text.erase(0, code.size());
    return text;
}

std::string painted(const output& out, colour with, std::string_view text) {
    static const bool wanted = std::getenv("NO_COLOR") == nullptr;
    if (!out.terminal() || !wanted || with == colour::none) return std::string{text};
    constexpr std::string_view codes[] = {"0", "1", "31", "32", "33"};
    return "\x1b[" + std::string{codes[static_cast<std::size_t>(with)]} + "m" + std::string{text} + "\x1b[0m";
}

void table::write(json_writer& into) const {
    into.begin_array();
    for (const auto& cells : rows_) {
        into.begin_object();
        for (std::size_t at = 0; at < columns_.size(); ++at) {
            into.key(columns_[at].key);
            if (!columns_[at].number) into.string(cells[at]);
            else if (const auto parsed = parse_number(cells[at])) into.number(*parsed);
            else into.null();
        }
        into.end_object();
    }
    into.end_array();
}

void table::hide_details() {
    for (const auto& each : columns_)
        if (each.detail) hide(each.key);
}

void table::print(output& out, std::string_view gap, last_column ending) const {
    if (out.json()) {
        json_writer document;
        write(document);
        out.line(std::move(document));
        return;
    }
    std::vector<std::size_t> shown, widths;
    for (std::size_t at = 0; at < columns_.size(); ++at) {
        if (std::find(hidden_.begin(), hidden_.end(), columns_[at].key) != hidden_.end()) continue;
        auto width = columns_[at].least;
        if (columns_[at].grows) {
            width = std::max(width, width_of(columns_[at].title));
            for (const auto& cells : rows_) width = std::max(width, width_of(cells[at]));
        }
        shown.push_back(at);
        widths.push_back(width);
    }
    const auto print_row = [&](auto cell, colour with) {
        std::string text;
        for (std::size_t at = 0; at < shown.size(); ++at) {
            const std::string_view content = cell(shown[at]);
            text += content;
            const bool last = at + 1 == shown.size();
            if (!last || ending != last_column::plain) text.append(widths[at] - std::min(widths[at], width_of(content)), ' ');
            if (!last || ending == last_column::padded_with_gap) text += gap;
        }
        out.line(painted(out, with, text));
    };
    print_row([&](std::size_t at) { return columns_[at].title; }, colour::bold);
    for (const auto& cells : rows_) print_row([&](std::size_t at) { return std::string_view{cells[at]}; }, colour::none);
}

progress::progress(std::string title, std::int64_t total, std::FILE* to)
    : title_(std::move(title)), total_(total), to_(to), shown_(is_terminal(to)) {}

progress::~progress() { clear(); }

std::string progress::picture(std::string_view title, std::int64_t done, std::int64_t total, std::size_t width) {
    std::string text{title};
    if (total <= 0) return text + " " + std::to_string(done);
    done = std::min(done, total);
    const auto figures = std::to_string(done * 100 / total) + "%";
    const auto room = width > title.size() + 10 ? width - title.size() - 10 : 0;
    const auto filled = static_cast<std::size_t>(done) * room / static_cast<std::size_t>(total);
    text += " [" + std::string(filled, '#') + std::string(room - filled, '.') + "] ";
    text.append(4 - std::min<std::size_t>(4, figures.size()), ' ');
    return text + figures;
}

void progress::draw(std::int64_t done) {
    next_ = total_ > 0 ? done + std::max<std::int64_t>(1, total_ / 200) : done + 1;
    std::fprintf(to_, "\r\x1b[K%s", picture(title_, done, total_, 60).c_str());
    std::fflush(to_);
    visible_ = true;
}

void progress::clear() {
    if (!std::exchange(visible_, false)) return;
    std::fputs("\r\x1b[K", to_);
    std::fflush(to_);
}

}  // namespace weir::tools
