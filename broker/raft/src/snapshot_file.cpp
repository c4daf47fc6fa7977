#include "control_batch.hpp"

#include <weir/protocol/records/batch_builder.hpp>
#include <weir/protocol/records/record.hpp>
#include <weir/raft/snapshot.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace weir::raft {
namespace {

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash);
}
std::string_view name_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

template <class Int>
bool parse_digits(std::string_view text, Int& into) {
    if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return false;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), into);
    return code == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string snapshot_file_name(const snapshot_id& id) {
    char name[64];
    std::snprintf(name, sizeof name, "%020lld-%010d.checkpoint", static_cast<long long>(id.offset), id.epoch);
    return name;
}

std::optional<snapshot_id> parse_snapshot_file_name(std::string_view name) {
    constexpr std::string_view ending = ".checkpoint";
    if (name.size() != 20 + 1 + 10 + ending.size() || !name.ends_with(ending) || name[20] != '-') return std::nullopt;
    snapshot_id id;
    if (!parse_digits(name.substr(0, 20), id.offset) || !parse_digits(name.substr(21, 10), id.epoch)) return std::nullopt;
    return id;
}

struct snapshot_writer::state {
    file_system& files;
    options given;
    std::string part;
    file_ptr out;
    std::uint64_t size = 0;
    log_offset next_offset = 0;
    protocol::batch_builder builder;
    bool finished = false;

    state(file_system& where, options wanted) : files(where), given(std::move(wanted)), part(given.path + ".part") {}
    ~state() {
        if (finished) return;
        out.reset();
        (void)files.remove(part);
    }
    protocol::batch_settings settings() const {
        protocol::batch_settings header;
        header.base_offset = next_offset;
        header.leader_epoch = given.info.id.epoch;
        return header;
    }
    result<void> write(bytes_view batch, std::int64_t records) {
        if (auto done = out->write_at(size, batch); !done) return done;
        size += batch.size();
        next_offset += records;
        return {};
    }
    result<void> write_records() {
        if (builder.empty()) return {};
        const std::int64_t records = builder.record_count();
        const auto batch = builder.finish();
        if (!batch) return batch.error();
        auto done = write(*batch, records);
        builder = protocol::batch_builder{settings()};
        return done;
    }
    result<void> write_footer() {
        if (auto done = write_records(); !done) return done;
        control_content footer;
        footer.snapshot_footer = true;
        return write(build_control_batch(footer, given.now, next_offset, given.info.id.epoch), 1);
    }
    result<void> give_name() {
        if (auto done = files.rename(part, given.path); !done) return done;
        finished = true;
        return files.sync_directory(folder_of(given.path));
    }
};

snapshot_writer::snapshot_writer(std::shared_ptr<state> state) : state_(std::move(state)) {}
snapshot_writer::~snapshot_writer() = default;
const snapshot_id& snapshot_writer::id() const noexcept { return state_->given.info.id; }

result<std::unique_ptr<snapshot_writer>> snapshot_writer::create(file_system& files, options options) {
    auto made = std::make_shared<state>(files, std::move(options));
    auto opened = files.open(made->part, open_mode::replace);
    if (!opened) return opened.error();
    made->out = std::move(*opened);
    control_content head;
    head.snapshot_header = made->given.last_log_timestamp;
    if (made->given.info.kraft_version > 0) {
        head.kraft_version = made->given.info.kraft_version;
        head.voters = made->given.info.voters;
    }
    const std::int64_t records = 1 + (head.kraft_version ? 1 : 0) + (head.voters ? 1 : 0);
    if (auto done = made->write(build_control_batch(head, made->given.now, 0, made->given.info.id.epoch), records); !done)
        return done.error();
    made->builder = protocol::batch_builder{made->settings()};
    return std::unique_ptr<snapshot_writer>{new snapshot_writer{std::move(made)}};
}

result<void> snapshot_writer::add(bytes_view frame) {
    auto& mine = *state_;
    if (auto done = mine.builder.append(mine.given.now, std::nullopt, frame); !done) return done;
    return mine.builder.uncompressed_size() >= mine.given.batch_bytes ? mine.write_records() : result<void>{};
}

result<void> snapshot_writer::finish() {
    if (auto done = state_->write_footer(); !done) return done;
    if (auto done = state_->out->sync(); !done) return done;
    return state_->give_name();
}

void snapshot_writer::finish(event_loop& loop, function<void(result<void>)> done) {
    if (auto written = state_->write_footer(); !written) return done(std::move(written));
    auto& files = state_->files;
    std::vector<file_ptr> to_sync{state_->out};
    files.sync_all(std::move(to_sync), loop,
                   [state = state_, done = std::move(done)](std::vector<result<void>> synced) mutable {
                       if (!synced.front()) return done(synced.front());
                       done(state->give_name());  // a rename: the folder's sync is short, the data is on disk
                   });
}

struct snapshot_reader::state {
    std::string path;
    file_ptr in;
    std::uint64_t size = 0;
    std::uint64_t position = 0;
    snapshot_info info;
    timestamp_ms last_log_timestamp = 0;
    bool done = false;
    bytes buffer;

    error damaged(const std::string& what, const error& cause = {}) const {
        return error{errc::corrupt_message, path + " at byte " + std::to_string(position) + ": " + what, cause};
    }
    /// Reads the next batch into the buffer and checks its CRC.
    result<protocol::batch_view> read_batch() {
        if (size - position < protocol::batch_header_bytes) return damaged("the file ends without its footer");
        buffer.resize(protocol::batch_frame_bytes);
        if (auto read = in->read_at(position, buffer); !read) return read.error();
        const auto length = load_big_endian<std::int32_t>(buffer.data() + 8);
        if (length < 49 || static_cast<std::uint64_t>(length) > size - position - protocol::batch_frame_bytes)
            return damaged("a batch of " + std::to_string(length) + " bytes does not fit the file");
        buffer.resize(protocol::batch_frame_bytes + static_cast<std::size_t>(length));
        const auto read = in->read_at(position, buffer);
        if (!read) return read.error();
        auto batch = protocol::batch_view::open(buffer);
        if (*read != buffer.size() || !batch) return damaged("no record batch", batch.error());
        if (!batch->crc_matches()) return damaged("the batch's checksum is wrong");
        position += buffer.size();
        return batch;
    }
    result<void> check() {
        bool footer = false;
        for (bool first = true; position < size; first = false) {
            if (footer) return damaged("bytes after the footer");
            const auto batch = read_batch();
            if (!batch) return batch.error();
            if (first && !batch->control()) return damaged("the file begins without its header");
            if (!batch->control()) continue;
            auto content = read_control_batch(*batch);
            if (!content) return damaged("a control batch does not decode", content.error());
            if (first && !content->snapshot_header) return damaged("the file begins without its header");
            if (content->snapshot_header) last_log_timestamp = *content->snapshot_header;
            if (content->kraft_version) info.kraft_version = *content->kraft_version;
            if (content->voters) info.voters = std::move(content->voters);
            footer = content->snapshot_footer;
        }
        if (!footer) return damaged("the file ends without its footer");
        position = 0;
        return {};
    }
};

snapshot_reader::snapshot_reader(std::unique_ptr<state> state) : state_(std::move(state)) {}
snapshot_reader::snapshot_reader(snapshot_reader&&) noexcept = default;
snapshot_reader& snapshot_reader::operator=(snapshot_reader&&) noexcept = default;
snapshot_reader::~snapshot_reader() = default;
const snapshot_info& snapshot_reader::info() const noexcept { return state_->info; }
timestamp_ms snapshot_reader::last_log_timestamp() const noexcept { return state_->last_log_timestamp; }

result<snapshot_reader> snapshot_reader::open(file_system& files, const std::string& path) {
    auto opened = files.open(path, open_mode::read);
    if (!opened) return opened.error();
    auto made = std::make_unique<state>();
    made->path = path;
    made->in = std::move(*opened);
    const auto size = made->in->size();
    if (!size) return size.error();
    made->size = *size;
    if (const auto id = parse_snapshot_file_name(name_of(path))) made->info.id = *id;
    if (auto checked = made->check(); !checked) return checked.error();
    return snapshot_reader{std::move(made)};
}

result<std::vector<bytes_view>> snapshot_reader::next() {
    auto& mine = *state_;
    std::vector<bytes_view> frames;
    while (frames.empty() && mine.position < mine.size) {
        const auto batch = mine.read_batch();
        if (!batch) return batch.error();
        if (batch->control()) continue;
        if (batch->compressed()) return mine.damaged("a compressed batch, which snapshots do not have");
        protocol::record_cursor cursor{*batch, batch->payload()};
        protocol::record_view record;
        while (cursor.next(record)) frames.push_back(record.value.value_or(bytes_view{}));
        if (cursor.failed()) return mine.damaged("a record does not decode", cursor.failure());
    }
    return frames;
}

}  // namespace weir::raft
