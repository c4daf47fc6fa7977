// Where a tool prints: Kafka's text by default, JSON on request, colours only for people.
#pragma once
#include <weir/base/error.hpp>
#include <weir/protocol/json_writer.hpp>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace weir::tools {

using protocol::json_writer;

/// Standard output, gathered in blocks: lines are out at flush(), at 64 KiB, and when the object goes.
class output {
public:
    enum class format : std::uint8_t { text, json };

    /// `to` stays the caller's.
    output(std::FILE* to, format as);
    /// To memory, for tests: text() has it.
    explicit output(format as) noexcept : format_(as) {}
    ~output();
    output(const output&) = delete;
    output& operator=(const output&) = delete;

    bool json() const noexcept { return format_ == format::json; }
    /// A person looks at it.
    bool terminal() const noexcept { return terminal_; }
    void print(std::string_view text);
    void line(std::string_view text) {
        print(text);
        print("\n");
    }
    /// One JSON document, on a line of its own.
    void line(json_writer&& document) { line(document.take()); }
    void flush();
    /// Whether everything has been written; a full disk or a closed pipe ends a tool with 1.
    bool failed() const noexcept { return failed_; }
    const std::string& text() const noexcept { return waiting_; }

private:
    std::FILE* to_ = nullptr;
    format format_;
    bool terminal_ = false;
    bool failed_ = false;
    std::string waiting_;
};

/// What failed and why, without the code in front: Kafka's tools print the sentence alone.
std::string sentence(const error& why);
/// What failed so would fail again, whatever else is sent.
inline bool hopeless(const error& why) { return why.permanent() || why.fatal(); }

enum class colour : std::uint8_t { none, bold, red, green, yellow };
/// `text` in that colour when `out` is a terminal and NO_COLOR is not set.
std::string painted(const output& out, colour with, std::string_view text);

/// Rows below titles. As text the columns are as wide as Kafka's tool makes them; as JSON each row is an object.
class table {
public:
    struct column {
        std::string_view title;    ///< as Kafka prints it
        std::string_view key;      ///< the name in JSON
        bool number = false;       ///< in JSON without quotes; what is no number ("-") is null
        std::size_t least = 0;     ///< width at least
        bool grows = true;         ///< with what is in it; false: what is longer pushes the rest of its line aside
        bool detail = false;       ///< hide_details() leaves it out
    };
    explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}
    /// As many cells as there are columns.
    void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    /// Leaves a column out of the text; JSON has it all the same.
    void hide(std::string_view key) { hidden_.push_back(key); }
    void hide_details();
    bool empty() const noexcept { return rows_.empty(); }
    std::size_t size() const noexcept { return rows_.size(); }

    /// Kafka's tools differ in how their lines end.
    enum class last_column : std::uint8_t { plain, padded, padded_with_gap };
    /// Cells are padded to the widest of their column, with `gap` between columns. JSON is the same for all.
    void print(output& out, std::string_view gap = " ", last_column last = last_column::padded) const;
    /// An array of objects, into a document that is being written.
    void write(json_writer& into) const;

private:
    std::vector<column> columns_;
    std::vector<std::vector<std::string>> rows_;
    std::vector<std::string_view> hidden_;
};

/// A bar on stderr while something takes long; nothing at all when that is no terminal. Gone when it is done.
class progress {
public:
    /// `total` <= 0: unknown, then the count alone is shown.
    progress(std::string title, std::int64_t total, std::FILE* to = stderr);
    ~progress();
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;
    /// Cheap: draws only when the picture changes.
    void at(std::int64_t done) {
        if (shown_ && done >= next_) draw(done);
    }
    /// Takes the bar away, for a line that has to be printed; the next at() brings it back.
    void clear();

    /// What it looks like, without control characters.
    static std::string picture(std::string_view title, std::int64_t done, std::int64_t total, std::size_t width);

private:
    void draw(std::int64_t done);
    std::string title_;
    std::int64_t total_;
    std::FILE* to_;
    bool shown_;
    bool visible_ = false;
    std::int64_t next_ = 0;
};

}  // namespace weir::tools
