// Formatting: the first metadata files of a node, as Apache Kafka's storage tool writes them.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/base/files.hpp>
#include <weir/base/time.hpp>
#include <weir/raft/types.hpp>

#include <string>
#include <utility>
#include <vector>

namespace weir::raft {

struct format_options {
    std::string log_directory;           ///< the one that holds __cluster_metadata-0 and bootstrap.checkpoint
    voter_set voters;                    ///< the first voters; one for --standalone, none for a node that joins
    std::int16_t kraft_version = 1;
    std::int16_t metadata_version = 30;
    /// Further feature levels, in the order they are written after metadata.version.
    std::vector<std::pair<std::string, std::int16_t>> features;
    std::vector<bytes> more_records;     ///< further framed records for bootstrap.checkpoint (SCRAM credentials)
    timestamp_ms now = 0;
};

/// Writes bootstrap.checkpoint and, with kraft.version 1, __cluster_metadata-0/00000000000000000000-0000000000.checkpoint.
/// Does not touch meta.properties: write that last, it is what makes a directory count as formatted.
result<void> format_metadata(file_system& files, const format_options& options);
/// One --standalone voter: what a broker without configuration does.
format_options standalone_format(std::string log_directory, node_id id, const uuid& directory, endpoint controller,
                                 timestamp_ms now);
/// The framed records of bootstrap.checkpoint, metadata.version first. errc::not_found when the file is missing.
result<std::vector<bytes>> read_bootstrap(file_system& files, const std::string& log_directory);

}  // namespace weir::raft
