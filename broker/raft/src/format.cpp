#include <weir/protocol/messages/metadata_records.hpp>
#include <weir/protocol/metadata_record.hpp>
#include <weir/raft/format.hpp>
#include <weir/raft/snapshot.hpp>

namespace weir::raft {
namespace {

result<bytes> feature_frame(const std::string& name, std::int16_t level) {
    protocol::feature_level_record record;
    record.name = name;
    record.feature_level = level;
    protocol::writer out;
    if (auto done = protocol::encode_metadata_record(record, 0, out); !done) return done.error();
    return out.take_bytes();
}

}  // namespace

result<void> format_metadata(file_system& files, const format_options& options) {
    if (options.kraft_version > 0 && options.metadata_version < 21)
        return error{errc::invalid_setting,
                     "metadata.version " + std::to_string(options.metadata_version) + " is too old for kraft.version 1; 21 is the least"};
    if (auto made = files.create_directories(options.log_directory); !made) return made;
    if (options.kraft_version > 0) {
        const auto folder = options.log_directory + "/" + metadata_topic + "-0";
        if (auto made = files.create_directories(folder); !made) return made;
        snapshot_info info{{0, 0}, options.kraft_version, std::nullopt};
        if (!options.voters.empty()) info.voters = options.voters;
        auto first = snapshot_writer::create(
            files, {.path = folder + "/" + snapshot_file_name(info.id), .info = info, .last_log_timestamp = options.now, .now = options.now});
        if (!first) return first.error();
        if (auto done = (*first)->finish(); !done) return done;
        if (auto done = files.sync_directory(options.log_directory); !done) return done;
    }
    auto bootstrap = snapshot_writer::create(
        files, {.path = options.log_directory + "/bootstrap.checkpoint", .info = {}, .now = options.now});
    if (!bootstrap) return bootstrap.error();
    const auto add_feature = [&](const std::string& name, std::int16_t level) -> result<void> {
        const auto frame = feature_frame(name, level);
        if (!frame) return frame.error();
        return (*bootstrap)->add(*frame);
    };
    if (auto done = add_feature("metadata.version", options.metadata_version); !done) return done;
    for (const auto& [name, level] : options.features)
        if (auto done = add_feature(name, level); !done) return done;
    for (const auto& frame : options.more_records)
        if (auto done = (*bootstrap)->add(frame); !done) return done;
    return (*bootstrap)->finish();
}

format_options standalone_format(std::string log_directory, node_id id, const uuid& directory, endpoint controller,
                                 timestamp_ms now) {
    format_options options;
    options.log_directory = std::move(log_directory);
    options.voters = voter_set{{voter{.key = {id, directory}, .endpoints = {std::move(controller)}}}};
    // What a 4.3 node finalizes by default, in the order its own tool writes them.
    options.features = {{"eligible.leader.replicas.version", std::int16_t{1}},
                        {"group.version", std::int16_t{1}},
                        {"share.version", std::int16_t{1}},
                        {"streams.version", std::int16_t{1}},
                        {"transaction.version", std::int16_t{2}}};
    options.now = now;
    return options;
}

result<std::vector<bytes>> read_bootstrap(file_system& files, const std::string& log_directory) {
    auto reader = snapshot_reader::open(files, log_directory + "/bootstrap.checkpoint");
    if (!reader) return reader.error();
    std::vector<bytes> frames;
    for (;;) {
        const auto some = reader->next();
        if (!some) return some.error();
        if (some->empty()) return frames;
        for (const auto& frame : *some) frames.push_back(to_bytes(frame));
    }
}

}  // namespace weir::raft
