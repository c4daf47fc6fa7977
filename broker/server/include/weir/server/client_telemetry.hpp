// Metrics that clients push (KIP-714): who may push when, and where the metrics are kept.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/base/files.hpp>
#include <weir/base/time.hpp>
#include <weir/base/uuid.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace weir::server {

/// One for all cores; any thread may call. A push is kept as `<directory>/<client instance id>.otlp`: OTLP MetricsData
/// messages, each behind its size in four bytes, big-endian. At 16 MiB a file becomes `<...>.otlp.1`, replacing the one
/// before; of the clients of which there are files, the 1024 that pushed last keep theirs.
class client_telemetry {
public:
    /// Makes `directory` when it is missing. `max_bytes` bounds a push as it arrives (telemetry.max.bytes); decompressed
    /// it may be 16 times that.
    static result<std::unique_ptr<client_telemetry>> open(file_system& files, const std::string& directory, std::int32_t max_bytes);
    ~client_telemetry();

    /// A client asks for its subscription: none, or throttling_quota_exceeded before its interval has passed (unless
    /// its last push failed in a way that asking again mends).
    errc asked(const uuid& client, milliseconds interval, time_point now);

    struct push {
        std::int32_t subscription = 0;
        bool terminating = false;
        std::int8_t compression = 0;
        bytes_view metrics;
    };
    /// What holds for the client now, by the cluster's metadata.
    struct expectation {
        std::int32_t subscription = 0;
        milliseconds interval{};
    };
    /// Checks and keeps one push. invalid_request: no client instance id, or the client has said that it ends;
    /// throttling_quota_exceeded, unknown_subscription_id, unsupported_compression_type, telemetry_too_large;
    /// invalid_record: it cannot be decompressed or kept.
    errc pushed(const uuid& client, const push& given, const expectation& current, time_point now);

private:
    struct state;
    explicit client_telemetry(std::unique_ptr<state> made);
    std::unique_ptr<state> state_;
};

}  // namespace weir::server
